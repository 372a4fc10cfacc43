// What orders the elements along one axis, each line of them for itself: no loop nest, but functions of the library.
#pragma once

#include "ir/functions/along_axis.h"
#include "ir/ops/lines.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

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

inline constexpr auto along_axis = std::to_array<const OpDef*>({&sort});

}  // namespace lathe::ir::ops
