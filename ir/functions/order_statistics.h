// What depends on the order of the elements along an axis: medians and quantiles.
#pragma once

#include <vector>

#include "ir/functions/along_axis.h"
#include "ir/functions/binary.h"

namespace lathe::ir::functions {

// One element of each line; the axis stays, with extent 1.
template <Operand T>
T element_at(const T& x, std::int64_t axis, Dim index) {
    Shape start, size = keep_dims(shape_of(x), {axis});
    for (std::size_t i = 0; i < size.rank(); ++i) start.push_back(i == static_cast<std::size_t>(axis) ? index : Dim(0));
    return slice(x, start, size, Integers(size.rank(), 1));
}

// Of lines of `values` that belong to sorted ones: that of the lower median, or of a NaN if there is one: it is last.
template <Operand T>
T at_median(const T& values, const T& sorted, std::int64_t axis) {
    const Dim last = shape_of(sorted)[static_cast<std::size_t>(axis)] - 1;
    const T middle = element_at(values, axis, floordiv(last, 2));
    if (!is_float(dtype_of(sorted))) return middle;
    const T greatest = element_at(sorted, axis, last);
    return ops::select(ops::ne(greatest, greatest), element_at(values, axis, last), middle);
}

// Whether elements of sorted lines, at their places, are the first of their value; NaN equals NaN.
template <Operand T>
T begins_run(const T& sorted, const T& places, std::int64_t axis) {
    const T before = shifted(sorted, axis, 0, false);
    T differs = ops::ne(sorted, before);
    if (is_float(dtype_of(sorted))) {
        const T are_none = ops::logical_and(ops::ne(sorted, sorted), ops::ne(before, before));
        differs = ops::logical_and(differs, ops::logical_not(are_none));
    }
    return ops::logical_or(differs, ops::eq(places, number(places, 0)));
}
// Where the longest run of equal elements of sorted lines begins, the first of several. The axis stays, with extent 1.
template <Operand T>
T longest_run(const T& sorted, std::int64_t axis) {
    Shape along(std::vector<Dim>(shape_of(sorted).rank(), 1));
    const Dim extent = shape_of(sorted)[static_cast<std::size_t>(axis)];
    along[static_cast<std::size_t>(axis)] = extent;
    const T places = broadcast_to(reshape(count_up(sorted, extent, Dtype::i64), along), shape_of(sorted));
    const T begins = begins_run(sorted, places, axis);
    const T starts = ops::cummax.with({axis, false}, ops::select(begins, places, number(places, 0)));
    const T longest = ops::argmax.with({Integers{axis}, false}, ops::sub(places, starts));
    return take_along_axis(starts, expand_dims(longest, shape_of(sorted), {axis}), axis);
}

// What a quantile between two elements is: between them in proportion, one of them, their mean, or the nearer one; of
// two equally near the one at an even position.
enum class QuantileInterpolation : std::uint8_t { linear, lower, higher, midpoint, nearest };

// Between the elements of sorted lines that `at` gives for positions, where they are no integers. `beside` brings
// weights, one for each position, to where they stand beside elements.
template <Operand T, class At, class Beside>
T between_elements(const T& position, Dtype dtype, QuantileInterpolation interpolation, const At& at,
                   const Beside& beside) {
    const T whole = ops::floor(position), rest = ops::sub(position, whole), lower = convert(whole, Dtype::i64);
    const T upper = ops::add(lower, convert(ops::gt(rest, number(rest, 0)), Dtype::i64));
    const T half = number(rest, 0.5);
    if (interpolation == QuantileInterpolation::lower) return at(lower);
    if (interpolation == QuantileInterpolation::higher) return at(upper);
    if (interpolation == QuantileInterpolation::nearest) {
        const T is_odd = ops::ne(ops::rem(lower, number(lower, 2)), number(lower, 0));
        const T tie = ops::logical_and(ops::eq(rest, half), is_odd);
        return at(ops::select(ops::logical_or(ops::gt(rest, half), tie), upper, lower));
    }
    const bool is_linear = interpolation == QuantileInterpolation::linear;
    const T share = ops::select(ops::gt(rest, number(rest, 0)), is_linear ? rest : half, number(rest, 0));
    const T weight = beside(convert(share, dtype)), below = at(lower), above = at(upper);
    return ops::select(ops::eq(below, above), below, lerp(below, above, weight));
}

// Where among elements up to the last a part of them is. A part that is none, or is NaN, is at -1, where nothing is.
template <Operand T>
T place_of_part(const T& q, const T& last) {
    const T is_part = ops::logical_and(ops::ge(q, number(q, 0)), ops::le(q, number(q, 1)));
    return ops::select(is_part, ops::mul(q, last), number(q, -1));
}

// The quantiles of sorted lines, in the place of the axis, for parts q, f64 [count]. The position of q is q (n - 1).
template <Operand T>
T quantiles(const T& sorted, const T& q, std::int64_t axis, QuantileInterpolation interpolation) {
    const Dim extent = shape_of(sorted)[static_cast<std::size_t>(axis)];
    const T position = place_of_part(q, extent_value(sorted, extent - 1, Dtype::f64));
    Shape beside = shape_of(q);
    for (auto i = static_cast<std::size_t>(axis) + 1; i < shape_of(sorted).rank(); ++i) beside.push_back(1);
    const T between = between_elements(
        position, dtype_of(sorted), interpolation,
        [&](const T& index) { return ops::gather.with({axis}, sorted, index); },
        [&](const T& weight) { return reshape(weight, beside); });
    const T greatest = element_at(sorted, axis, extent - 1);
    return ops::select(ops::ne(greatest, greatest), greatest, between);
}

// ---- of what is not NaN: it comes first among sorted elements. NaN where there is nothing else

// The place of the last one, at least 0; the axis stays, with extent 1.
template <Operand T>
T last_number(const T& sorted, std::int64_t axis) {
    const T numbers = expand_dims(sum(ops::eq(sorted, sorted), {axis}), shape_of(sorted), {axis});
    const T last = ops::sub(numbers, number(numbers, 1));
    return ops::max(last, number(last, 0));
}
template <Operand T>
T nanmedian_place(const T& sorted, std::int64_t axis) {
    const T last = last_number(sorted, axis);
    return ops::div(last, number(last, 2));
}
template <Operand T>
T nanquantiles(const T& sorted, const T& q, std::int64_t axis, QuantileInterpolation interpolation) {
    Shape along(std::vector<Dim>(shape_of(sorted).rank(), 1));
    along[static_cast<std::size_t>(axis)] = shape_of(q)[0];
    const T last = convert(last_number(sorted, axis), Dtype::f64);
    return between_elements(
        place_of_part(reshape(q, along), last), dtype_of(sorted), interpolation,
        [&](const T& index) { return take_along_axis(sorted, index, axis); }, [](const T& weight) { return weight; });
}

}  // namespace lathe::ir::functions
