// Sums over products of elements of two operands. The order of the sum is in ir/loops/order.h.
#pragma once

#include "ir/functions/basic.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr AxesAttribute<0> lhs_batch{"lhs_batch", "dimensions of lhs that pair up with those of rhs", 0};
inline constexpr AxesAttribute<1> rhs_batch{"rhs_batch", "dimensions of rhs that pair up with those of lhs", 1};
inline constexpr AxesAttribute<2> lhs_contract{"lhs_contract", "dimensions of lhs that are summed over", 0};
inline constexpr AxesAttribute<3> rhs_contract{"rhs_contract", "dimensions of rhs that are summed over", 1};
inline constexpr AttributeDef dot_general_attributes[] = {lhs_batch, rhs_batch, lhs_contract, rhs_contract};
Type dot_general_type(TypeContext& c);
ContractionMaps dot_general_maps(std::span<const Type> operands, std::span<const Attribute> attributes);
Value dot_general_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);
Value dot_general_of_bytes(const BytesContext& c);
Value dot_general_batch(const BatchContext& c);

inline constexpr OpDef dot_general = {
    .name = "dot_general",
    .doc =
        "Sums products of elements over the contracted dimensions, for each index of the batch dimensions, which pair\n"
        "up in the order given. The result's dimensions: batch, those of lhs that are left, those of rhs that are "
        "left.\n"
        "f16 and bf16 accumulate in f32 and round once; floats use one fma for each product.",
    .arity = 2,
    .lowering = Lowering::contraction,
    .dtypes = numbers,
    .attributes = dot_general_attributes,
    .type = dot_general_type,
    .reducer = {
        .accumulator = accumulator_of,
        .init = [](const FoldContext& c) -> Scalars { return {c.b.constant(c.accumulator, 0.0)}; },
        .step = [](const FoldContext& c, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
            return {is_float(c.accumulator) ? ir::fma(x[0], x[1], acc[0]) : x[0] * x[1] + acc[0]};
        },
        .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
            return {earlier[0] + later[0]};
        },
        .finish = [](const FoldContext& c, std::span<const Scalar> acc) -> Scalars {
            return {c.b.convert(acc[0], c.element)};
        },
    },
    .contraction = dot_general_maps,
    .of_bytes = dot_general_of_bytes,
    .gradient = multilinear(dot_general_transpose),
    .batch = dot_general_batch,
    .samples = [](Dtype d) -> std::vector<Sample> {
        const auto dot = [d](Shape x, Shape y, Integers x_batch, Integers y_batch, Integers x_axes, Integers y_axes) {
            return Sample{{{d, x}, {d, y}}, {x_batch, y_batch, x_axes, y_axes}};
        };
        return {dot({3, 4}, {4, 2}, {}, {}, {1}, {0}),
                dot({4}, {4}, {}, {}, {0}, {0}),
                dot({3, 4}, {4}, {}, {}, {1}, {0}),
                dot({4}, {2, 4}, {}, {}, {0}, {1}),
                dot({2, 3, 4}, {4, 2, 5}, {0}, {1}, {2}, {0}),
                dot({3, 2, 4}, {4, 3}, {}, {}, {2, 0}, {0, 1}),
                dot({3}, {2}, {}, {}, {}, {}),
                dot({2, 0}, {0, 3}, {}, {}, {1}, {0}),
                dot({2, 3}, {2, 3}, {0}, {0}, {1}, {1})};
    },
};

inline constexpr auto contractions = std::to_array<const OpDef*>({&dot_general});

}  // namespace lathe::ir::ops
