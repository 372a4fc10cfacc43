// Folds over some axes; the result drops them. The order of the fold is in ir/loops/order.h.
#pragma once

#include <limits>

#include "ir/functions/along_axis.h"
#include "ir/functions/basic.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr AxesAttribute<> reduction_axes{"axes", "that are folded and drop out", 0, Presence::optional};
inline constexpr AttributeDef reduction_attributes[] = {reduction_axes};

inline Integers reduced_axes(std::span<const Type>, std::span<const Attribute> attributes) {
    Integers axes = reduction_axes(attributes);
    std::ranges::sort(axes);
    return axes;
}
inline Integers reduced_axes(const Node& node) {
    const Type types[] = {node.operands[0].type()};
    return reduced_axes(types, node.attributes);
}

inline Shape drop_axes(const Shape& shape, const Integers& axes) {
    Shape kept;
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (!std::ranges::binary_search(axes, static_cast<std::int64_t>(i))) kept.push_back(shape[i]);
    return kept;
}

inline Type reduction_type(TypeContext& c) {
    rules::require_dtype(c, 0, c.op().dtypes);
    const Shape& shape = c.operand(0).shape;
    return {c.operand(0).dtype, drop_axes(shape, rules::axes(c, c.attribute(reduction_axes), shape.rank()))};
}

// Of ops that have no value for nothing: where there are results, there has to be an element.
inline Type nonempty_reduction_type(TypeContext& c) {
    const Type type = reduction_type(c);
    const Shape& shape = c.operand(0).shape;
    Dim reduced = 1;
    for (std::int64_t axis : c.axes(reduction_axes)) reduced *= shape[static_cast<std::size_t>(axis)];
    c.require_at_most(ir::min(type.shape.element_count(), 1), reduced, "nothing has no greatest or least element");
    return type;
}

// Lowest value of a dtype: what every element is at least.
inline Scalar lowest(ScalarBuilder& b, Dtype d) {
    if (is_float(d)) return b.constant(d, -std::numeric_limits<double>::infinity());
    if (is_unsigned_integer(d)) return b.constant_int(d, 0);
    return b.constant_bits(d, std::uint64_t{1} << (8 * size_of(d) - 1));
}
inline Scalar highest(ScalarBuilder& b, Dtype d) {
    return is_float(d) ? b.constant(d, std::numeric_limits<double>::infinity()) : b.bit_not(lowest(b, d));
}

// The order-free part of a maximum or minimum: `relation` is gt or lt. NaN stays once it came.
template <Prim relation>
Scalar better(ScalarBuilder& b, Scalar acc, Scalar x) {
    const Scalar keep = b.compare(relation, acc, x);
    return b.select(is_float(x.dtype) ? keep | is_nan(acc) : keep, acc, x);
}

// Extremes are exact in any dtype, so they need no wider accumulator.
template <Prim relation>
inline constexpr Reducer extreme = {
    .accumulator = same_dtype,
    .init = [](const FoldContext& c) -> Scalars {
        return {relation == Prim::gt ? lowest(c.b, c.element) : highest(c.b, c.element)};
    },
    .step = [](const FoldContext& c, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
        return {better<relation>(c.b, acc[0], x[0])};
    },
    .combine = [](const FoldContext& c, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
        return {better<relation>(c.b, earlier[0], later[0])};
    },
    .finish = [](const FoldContext&, std::span<const Scalar> acc) -> Scalars { return {acc[0]}; },
};

// The tangent of an extreme is the mean of the tangents where it is attained. A NaN is attained where there is one, and
// the tangent is NaN as the value is.
inline Value extreme_jvp(const GradientContext& g, std::span<const Value> t) {
    const Value &x = g.x[0], &y = g.y[0];
    const Shape& shape = functions::shape_of(x);
    const Integers axes = reduced_axes(g.node);
    const Value equal = eq(x, functions::expand_dims(y, shape, axes));
    const Value attained = logical_or(equal, ne(x, x));
    return functions::in_accumulator(t[0], [&](const Value& wide) {
        const Value total = functions::sum(select(attained, wide, functions::number(wide, 0)), axes);
        const Value count = functions::sum(functions::indicator(attained, wide), axes);
        const Value is_nan = ne(y, y);
        return div(total, select(is_nan, functions::convert(y, functions::dtype_of(wide)), count));
    });
}

inline constexpr OpDef sum = {
    .name = "sum",
    .doc =
        "The sum over the axes. f16 and bf16 accumulate in f32 and round once; signed integers and booleans give i64,\n"
        "unsigned integers u64, and wrap there. An empty sum is +0.",
    .arity = 1,
    .lowering = Lowering::reduction,
    .dtypes = any_dtype,
    .attributes = reduction_attributes,
    .type = [](TypeContext& c) -> Type { return {sum_of(c.operand(0).dtype), reduction_type(c).shape}; },
    .reducer = {
        .accumulator = [](Dtype d) { return accumulator_of(sum_of(d)); },
        .init = [](const FoldContext& c) -> Scalars { return {c.b.constant(c.accumulator, 0.0)}; },
        .step = [](const FoldContext&, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
            return {acc[0] + x[0]};
        },
        .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
            return {earlier[0] + later[0]};
        },
        .finish = [](const FoldContext& c, std::span<const Scalar> acc) -> Scalars {
            return {c.b.convert(acc[0], sum_of(c.element))};
        },
    },
    .axes = reduced_axes,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Shape& shape = functions::shape_of(g.x[0]);
        return functions::broadcast_to(functions::expand_dims(ct[0], shape, reduced_axes(g.node)), shape);
    }),
    .samples = samples::reductions,
};

inline constexpr OpDef prod = {
    .name = "prod",
    .doc =
        "The product over the axes, with the dtypes of sum. An empty product is 1. The order is that of sums, so that "
        "a\n"
        "part of the factors may overflow where their product would not.",
    .arity = 1,
    .lowering = Lowering::reduction,
    .dtypes = any_dtype,
    .attributes = reduction_attributes,
    .type = [](TypeContext& c) -> Type { return {sum_of(c.operand(0).dtype), reduction_type(c).shape}; },
    .reducer = {
        .accumulator = [](Dtype d) { return accumulator_of(sum_of(d)); },
        .init = [](const FoldContext& c) -> Scalars { return {c.b.constant(c.accumulator, 1.0)}; },
        .step = [](const FoldContext&, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
            return {acc[0] * x[0]};
        },
        .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
            return {earlier[0] * later[0]};
        },
        .finish = [](const FoldContext& c, std::span<const Scalar> acc) -> Scalars {
            return {c.b.convert(acc[0], sum_of(c.element))};
        },
    },
    .axes = reduced_axes,
    // By a factor: the product of all others, which is right where some are 0.
    .gradient = only_reverse([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Integers axes = reduced_axes(g.node);
        return functions::in_accumulators(g.x[0], ct[0], [&](const Value& x, const Value& t) {
            return mul(functions::expand_dims(t, functions::shape_of(x), axes), functions::product_of_others(x, axes));
        });
    }),
    .domain = {0.5, 1.5},
    .samples = samples::reductions,
};

// Booleans fold as bytes.
template <Prim bitwise>
inline constexpr Reducer booleans_folded = {
    .accumulator = [](Dtype) { return Dtype::u8; },
    .init = [](const FoldContext& c) -> Scalars {
        return {c.b.constant_int(c.accumulator, bitwise == Prim::bit_and ? 1 : 0)};
    },
    .step = [](const FoldContext&, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
        return {bitwise == Prim::bit_and ? acc[0] & x[0] : acc[0] | x[0]};
    },
    .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
        return {bitwise == Prim::bit_and ? earlier[0] & later[0] : earlier[0] | later[0]};
    },
    .finish = [](const FoldContext& c, std::span<const Scalar> acc) -> Scalars {
        return {c.b.convert(acc[0], Dtype::boolean)};
    },
};
constexpr OpDef booleans_row(std::string_view name, std::string_view doc, const Reducer& reducer) {
    return {
        .name = name,
        .doc = doc,
        .arity = 1,
        .lowering = Lowering::reduction,
        .dtypes = booleans,
        .attributes = reduction_attributes,
        .type = reduction_type,
        .reducer = reducer,
        .axes = reduced_axes,
        .gradient = no_grad("its operand is boolean"),
        .samples = samples::reductions,
    };
}
inline constexpr OpDef all =
    booleans_row("all", "Whether all are true over the axes, as of nothing.", booleans_folded<Prim::bit_and>);
inline constexpr OpDef any =
    booleans_row("any", "Whether any is true over the axes; of nothing none is.", booleans_folded<Prim::bit_or>);

inline constexpr OpDef reduce_max = {
    .name = "reduce_max",
    .doc = "The greatest element over the axes, NaN if there is one. Nothing has none.",
    .arity = 1,
    .lowering = Lowering::reduction,
    .dtypes = numbers,
    .attributes = reduction_attributes,
    .type = nonempty_reduction_type,
    .reducer = extreme<Prim::gt>,
    .axes = reduced_axes,
    .gradient = jvp(extreme_jvp),
    .samples = samples::reductions_of_something,
};

inline constexpr OpDef reduce_min = {
    .name = "reduce_min",
    .doc = "The least element over the axes, NaN if there is one. Nothing has none.",
    .arity = 1,
    .lowering = Lowering::reduction,
    .dtypes = numbers,
    .attributes = reduction_attributes,
    .type = nonempty_reduction_type,
    .reducer = extreme<Prim::lt>,
    .axes = reduced_axes,
    .gradient = jvp(extreme_jvp),
    .samples = samples::reductions_of_something,
};

// ---- positions

inline constexpr FlagAttribute<1> argmax_last{"last", "whether the last of equals wins, not the first", 0,
                                              Presence::optional};
inline constexpr AttributeDef argmax_attributes[] = {reduction_axes, argmax_last};
// Version 1 had no last: the first of equals won.
inline constexpr Upgrade argmax_upgrades[] = {
    {reduction_attributes, [](WrittenNode& node) { node.attributes.emplace_back(false); }}};

// What a position is before any element has won, and behind all that have. Elements that are the least of their dtype
// need not win against it: where no other is there, the first of them is at 0.
inline Scalar no_position(const FoldContext& c) {
    return argmax_last(c.attributes) ? lowest(c.b, Dtype::i64) : highest(c.b, Dtype::i64);
}

// NaN is greatest, and all NaN are equal.
inline Scalar is_greater(Scalar x, Scalar y) { return is_float(x.dtype) ? !((x <= y) | is_nan(y)) : x > y; }
inline Scalar is_equal_or_nan(Scalar x, Scalar y) {
    return is_float(x.dtype) ? equal(x, y) | (is_nan(x) & is_nan(y)) : equal(x, y);
}

// An element behind all that the accumulator has seen.
inline Scalars fold_position(const FoldContext& c, std::span<const Scalar> acc, std::span<const Scalar> x,
                             Scalar index) {
    const Scalar replaces = argmax_last(c.attributes) ? !is_greater(acc[0], x[0]) : is_greater(x[0], acc[0]);
    return {c.b.select(replaces, x[0], acc[0]), c.b.select(replaces, index, acc[1])};
}
// Lanes hold elements of each other's neighbourhood: either may have the one that comes first.
inline Scalars merge_positions(const FoldContext& c, std::span<const Scalar> one, std::span<const Scalar> other) {
    const Scalar wins = argmax_last(c.attributes) ? other[1] > one[1] : other[1] < one[1];
    const Scalar replaces = is_greater(other[0], one[0]) | (is_equal_or_nan(other[0], one[0]) & wins);
    return {c.b.select(replaces, other[0], one[0]), c.b.select(replaces, other[1], one[1])};
}

inline constexpr OpDef argmax = {
    .name = "argmax",
    .version = 2,
    .doc =
        "The position of the greatest element along one axis, as i64: the first one's, or the last one's. NaN counts "
        "as\ngreatest. Nothing has none.",
    .arity = 1,
    .lowering = Lowering::reduction,
    .dtypes = numbers,
    .attributes = argmax_attributes,
    .type = [](TypeContext& c) -> Type {
        if (const std::size_t axes = c.attribute(reduction_axes).size(); axes != 1)
            c.fail("takes one axis, not " + std::to_string(axes));
        return {Dtype::i64, nonempty_reduction_type(c).shape};
    },
    .reducer =
        {
            .accumulator = same_dtype,
            .init = [](const FoldContext& c) -> Scalars { return {lowest(c.b, c.element), no_position(c)}; },
            .step = fold_position,
            .combine = merge_positions,
            .finish = [](const FoldContext& c, std::span<const Scalar> acc) -> Scalars {
                return {c.b.select(equal(acc[1], no_position(c)), c.b.constant_int(Dtype::i64, 0), acc[1])};
            },
            .keeps_position = true,
        },
    .axes = reduced_axes,
    .gradient = no_grad("a position is piecewise constant"),
    .samples =
        [](Dtype d) {
            std::vector<Sample> all;
            for (const Sample& s : samples::reductions_of_something(d))
                for (const bool last : {false, true})
                    if (reduction_axes(s.attributes).size() == 1)
                        all.push_back({s.operands, {reduction_axes(s.attributes), last}});
            return all;
        },
    .upgrades = argmax_upgrades,
};

inline constexpr auto reductions =
    std::to_array<const OpDef*>({&sum, &prod, &all, &any, &reduce_max, &reduce_min, &argmax});

}  // namespace lathe::ir::ops
