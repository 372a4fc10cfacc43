// Contractions of bytes: four elements at a time, as words, which processors have instructions for. The sums are exact,
// so that what the library makes of a contraction of i32 whose operands are bytes has its elements.
#pragma once

#include "ir/ops/contraction.h"
#include "ir/ops/convolution.h"

namespace lathe::ir::ops {

inline constexpr DtypeSet words_of_bytes = dtypes_where([](Dtype d) { return d == Dtype::i32; });

inline constexpr OpDef dot_general_bytes = {
    .name = "dot_general_bytes",
    .doc =
        "dot_general of words of four bytes, whose product is the sum of four products.\n"
        "An element of lhs is four of u8, one of rhs four of i8, the first in the lowest bits. Sums are i32 and wrap.",
    .arity = 2,
    .lowering = Lowering::contraction,
    .dtypes = words_of_bytes,
    .attributes = dot_general_attributes,
    .type = dot_general_type,
    .reducer = {
        .accumulator = same_dtype,
        .init = [](const FoldContext& c) -> Scalars { return {c.b.constant_int(c.accumulator, 0)}; },
        .step = [](const FoldContext& c, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
            return {c.b.dot_bytes(x[0], x[1], acc[0])};
        },
        .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
            return {earlier[0] + later[0]};
        },
        .finish = [](const FoldContext&, std::span<const Scalar> acc) -> Scalars { return {acc[0]}; },
    },
    .contraction = dot_general_maps,
    .gradient = no_grad("its operands are integers"),
    .batch = dot_general_batch,
    .samples = dot_general.samples,
};

inline constexpr OpDef convolution_bytes = {
    .name = "convolution_bytes",
    .doc =
        "convolution of words of four bytes, which are channels; the product of two is the sum of four products.\n"
        "An element of x is four of u8, one of w four of i8, the first in the lowest bits. Sums are i32 and wrap.",
    .arity = 2,
    .lowering = Lowering::composite,
    .dtypes = words_of_bytes,
    .attributes = convolution_attributes,
    .type = convolution_type,
    .expand = [](const ExpandContext& c) { return convolution_by_products(c, dot_general_bytes); },
    .gradient = no_grad("its operands are integers"),
    .batch = convolution_batch,
    .samples = convolution_samples,
};

inline constexpr auto products_of_bytes = std::to_array<const OpDef*>({&dot_general_bytes, &convolution_bytes});

}  // namespace lathe::ir::ops
