// Attention: means of values, weighted by how well keys fit queries.
#pragma once

#include <cmath>
#include <limits>
#include <optional>

#include "ir/functions/matmul.h"
#include "ir/functions/statistics.h"

namespace lathe::ir::functions {

// Softmax along the last axis; zeros where all of a row is -inf, which has no softmax.
template <Operand T>
T masked_softmax(const T& x) {
    const Integers axes = natural_axes({-1}, shape_of(x).rank());
    if (is_empty(shape_of(x))) return softmax(x);
    const T top = ops::stop_gradient(expand_dims(ops::reduce_max.with({axes}, x), shape_of(x), axes));
    const T none = ops::eq(top, number(x, -std::numeric_limits<double>::infinity()));
    const T powers = ops::exp(ops::sub(x, ops::select(none, number(x, 0), top)));
    const T total = expand_dims(sum(powers, axes), shape_of(x), axes);
    return ops::div(powers, ops::select(none, number(x, 1), total));
}

template <Operand T>
struct Attention {
    std::optional<T> mask = {};  // boolean: which pairs take part; of floats: what is added to the scores
    bool causal = false;         // only keys up to the query's own place take part
    double scale = 0;            // of the scores; 0: 1 / sqrt(width of a query)
};

// Whether the key's place is not behind the query's: [queries, keys].
template <Operand T>
T up_to_own_place(const T& like, Dim queries, Dim keys) {
    const T query = reshape(count_up(like, queries, Dtype::i64), Shape{queries, 1});
    return ops::le(count_up(like, keys, Dtype::i64), query);
}

// softmax(q k^T scale + mask) v, with q [.., queries, width], k [.., keys, width], v [.., keys, width of values]; the
// dimensions before broadcast. Rows in which nothing takes part are zeros.
template <Operand T>
T attention(const T& q, const T& k, const T& v, const Attention<T>& a) {
    const Dtype narrow = dtype_of(q), wide = accumulator_of(narrow);
    const std::size_t rank = shape_of(k).rank();
    Integers order = all_axes(rank);
    std::swap(order[rank - 1], order[rank - 2]);
    const Dim width = shape_of(q)[shape_of(q).rank() - 1];
    T scores = matmul(convert(q, wide), transpose(convert(k, wide), std::move(order)));
    const T scale = a.scale != 0          ? number(scores, a.scale)
                    : width.is_constant() ? number(scores, 1 / std::sqrt(static_cast<double>(width.constant())))
                                          : ops::rsqrt(extent_value(scores, width, wide));
    scores = ops::mul(scores, scale);
    const T lowest = number(scores, -std::numeric_limits<double>::infinity());
    const Shape shape = shape_of(scores);
    if (a.causal)
        scores = ops::select(up_to_own_place(scores, shape[shape.rank() - 2], shape[shape.rank() - 1]), scores, lowest);
    if (a.mask)
        scores = dtype_of(*a.mask) == Dtype::boolean ? ops::select(*a.mask, scores, lowest)
                                                     : ops::add(scores, convert(*a.mask, wide));
    return convert(matmul(masked_softmax(scores), convert(v, wide)), narrow);
}

// Each head of k or v for several heads of queries: [.., heads, length, width] with each head `times` times in a row.
template <Operand T>
T repeated_heads(const T& x, Dim times) {
    if (times == Dim(1)) return x;
    const Shape shape = shape_of(x);
    Shape apart, wide, joined = shape;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        apart.push_back(shape[i]);
        wide.push_back(shape[i]);
        if (i + 3 != shape.rank()) continue;
        apart.push_back(1);
        wide.push_back(times);
        joined[i] = shape[i] * times;
    }
    return reshape(broadcast_to(reshape(x, apart), wide), joined);
}

// Rotary embedding (Su and others, "RoFormer", 2021): pairs of elements of the last axis as points of a plane, turned
// by angles [.., length, width / 2] that broadcast. A pair is two halves' elements at one place, or two neighbours.
template <Operand T>
T rotated(const T& x, const T& cosine, const T& sine, bool neighbours) {
    const Shape shape = shape_of(x);
    const std::size_t last = shape.rank() - 1;
    const Dim half = floordiv(shape[last], 2);
    Shape pairs;
    for (std::size_t i = 0; i < last; ++i) pairs.push_back(shape[i]);
    pairs.push_back(neighbours ? half : Dim(2));
    pairs.push_back(neighbours ? Dim(2) : half);
    const std::size_t axis = neighbours ? last + 1 : last;
    const T apart = reshape(x, pairs);
    Shape part = pairs, drop = shape;
    part[axis] = 1;
    drop[last] = half;
    const auto of_pair = [&](std::int64_t which) {
        Shape start;
        for (std::size_t i = 0; i < pairs.rank(); ++i) start.push_back(i == axis ? which : 0);
        return reshape(slice(apart, start, part, Integers(pairs.rank(), 1)), drop);
    };
    const T a = of_pair(0), b = of_pair(1);
    const T first = ops::sub(ops::mul(a, cosine), ops::mul(b, sine));
    const T second = ops::add(ops::mul(b, cosine), ops::mul(a, sine));
    const auto back = [&](const T& v) {
        Shape wide = shape_of(v);
        Shape with_pair;
        for (std::size_t i = 0; i < last; ++i) with_pair.push_back(wide[i]);
        with_pair.push_back(neighbours ? half : Dim(1));
        with_pair.push_back(neighbours ? Dim(1) : half);
        return reshape(v, with_pair);
    };
    const T parts[] = {back(first), back(second)};
    return reshape(Recorder<T>::record(ops::concat, parts, {static_cast<std::int64_t>(axis)}, Loc{}), shape);
}

}  // namespace lathe::ir::functions
