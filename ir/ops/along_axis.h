// What orders or accumulates the elements along one axis, each line of them for itself: no loop nest, but functions of
// the library.
#pragma once

#include "ir/functions/along_axis.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr AxisAttribute<0> line_axis{"axis", "along which the elements are taken"};

// ---- sorts

inline constexpr AttributeOf<AttributeMeaning::flag, 1> sort_descending{
    "descending", "the greatest element comes first", 0, Presence::optional};
inline constexpr AttributeDef sort_attributes[] = {line_axis, sort_descending};
HostCall sort_call(const CallContext& c);
std::vector<Literal> sort_reference(const ReferenceContext& c);

inline constexpr OpDef sort = {
    .name = "sort",
    .doc =
        "The elements along an axis in ascending order, and the positions that they had, as i64. Equal elements keep\n"
        "their order, -0 equals 0, and NaN comes last, also where the order is descending.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = any_dtype,
    .attributes = sort_attributes,
    .type = [](TypeContext& c) -> Type { return c.operand(0); },
    .result_types = [](TypeContext& c) -> Types { return {c.operand(0), {Dtype::i64, c.operand(0).shape}}; },
    .call = sort_call,
    .reference = sort_reference,
    .gradient = jvp([](const GradientContext& g, std::span<const Value> t) {
        return functions::take_along_axis(t[0], g.y[1], line_axis(g.node.attributes));
    }),
    .samples = samples::lines,
};

// ---- scans

inline constexpr AttributeOf<AttributeMeaning::flag, 1> cumsum_reverse{"reverse", "the last element comes first", 0,
                                                                       Presence::optional};
inline constexpr AttributeDef cumsum_attributes[] = {line_axis, cumsum_reverse};
HostCall cumsum_call(const CallContext& c);
std::vector<Literal> cumsum_reference(const ReferenceContext& c);

inline constexpr OpDef cumsum = {
    .name = "cumsum",
    .doc =
        "The sums of the elements along an axis up to each. f16 and bf16 accumulate in f32 and round each result "
        "once;\n"
        "signed integers and booleans give i64, unsigned integers u64, and wrap there. The order: a chain from +0 in "
        "each\nblock of 4,096 elements; an element is its chain's sum plus that of all blocks before, which is added\n"
        "up from +0 in their order.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = any_dtype,
    .attributes = cumsum_attributes,
    .type = [](TypeContext& c) -> Type { return {sum_of(c.operand(0).dtype), c.operand(0).shape}; },
    .call = cumsum_call,
    .reference = cumsum_reference,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return cumsum.with({line_axis(a), !cumsum_reverse(a)}, ct[0]);
    }),
    .samples = samples::lines,
};

inline constexpr auto along_axis = std::to_array<const OpDef*>({&sort, &cumsum});

}  // namespace lathe::ir::ops
