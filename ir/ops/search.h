// Elements that an order chooses, and places in it: functions of the library, as sorts are.
#pragma once

#include "ir/ops/along_axis.h"

namespace lathe::ir::ops {

inline constexpr NumberAttribute<1> topk_count{"count", "how many elements of each line"};
inline constexpr FlagAttribute<2> topk_smallest{"smallest", "the least instead of the greatest", 0, Presence::optional};
inline constexpr AttributeDef topk_attributes[] = {line_axis, topk_count, topk_smallest};
HostCall topk_call(const CallContext& c);
std::vector<Literal> topk_reference(const ReferenceContext& c);

inline constexpr OpDef topk = {
    .name = "topk",
    .doc =
        "The count greatest elements along an axis, or the least, and the positions that they have, as i64: the first\n"
        "of what sort gives. Of equal elements those that come first are chosen; NaN comes last in both orders.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = any_dtype,
    .attributes = topk_attributes,
    .type = [](TypeContext& c) -> Type {
        Type type = c.operand(0);
        const std::int64_t count = c.attribute(topk_count);
        rules::require_extent(c, count, "the count is negative");
        c.require_at_most(count, type.shape[c.axis(line_axis)], "there are not so many elements along the axis");
        type.shape[c.axis(line_axis)] = count;
        return type;
    },
    .result_types = [](TypeContext& c) -> Types {
        const Type elements = c.op().type.value(c);
        return {elements, {Dtype::i64, elements.shape}};
    },
    .call = topk_call,
    .reference = topk_reference,
    .gradient = jvp([](const GradientContext& g, std::span<const Value> t) {
        return take_along_axis.with({line_axis(g.node.attributes)}, t[0], g.y[1]);
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        const auto of = [](std::int64_t axis, std::int64_t count, bool smallest) {
            return Attributes{axis, count, smallest};
        };
        return {{{{d, {7}}}, of(0, 3, false)},
                {{{d, {3, 5}}}, of(1, 5, true)},
                {{{d, {4, 3}}}, of(0, 1, true)},
                {{{d, {2, 5, 3}}}, of(1, 2, false)},
                {{{d, {2, 3}}}, of(1, 0, false)}};
    },
};

inline constexpr FlagAttribute<0> searches_right{"right", "behind equal elements, not before them", 0,
                                                 Presence::optional};
inline constexpr AttributeDef searchsorted_attributes[] = {searches_right};
HostCall searchsorted_call(const CallContext& c);
std::vector<Literal> searchsorted_reference(const ReferenceContext& c);

inline constexpr OpDef searchsorted = {
    .name = "searchsorted",
    .doc =
        "How many elements of each line of x along the last dimension, which are sorted, are less than each of the "
        "values\nin the same line, or not greater: where those belong, as i64. -0 equals 0, and NaN is the greatest. "
        "Of "
        "a line that is\nnot sorted: some place, found by halving.",
    .arity = 2,
    .lowering = Lowering::opaque,
    .dtypes = any_dtype,
    .attributes = searchsorted_attributes,
    .type = [](TypeContext& c) -> Type {
        const Shape &x = c.operand(0).shape, &values = c.operand(1).shape;
        rules::require_same_dtype(c, 0, 1);
        if (x.rank() == 0 || x.rank() != values.rank())
            c.fail("wants a line of values for each line of sorted elements");
        for (std::size_t i = 0; i + 1 < x.rank(); ++i)
            c.require_equal(x[i], values[i], "the other extents differ", static_cast<std::int64_t>(i));
        return {Dtype::i64, values};
    },
    .call = searchsorted_call,
    .reference = searchsorted_reference,
    .gradient = no_grad("it gives positions"),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {7}}, {d, {4}}}, {false}},
                {{{d, {2, 3}}, {d, {2, 5}}}, {true}},
                {{{d, {0}}, {d, {2}}}, {false}},
                {{{d, {3, 1, 4}}, {d, {3, 1, 0}}}, {true}}};
    },
};

inline constexpr auto searches = std::to_array<const OpDef*>({&topk, &searchsorted});

}  // namespace lathe::ir::ops
