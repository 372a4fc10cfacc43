// What depends on the order of the elements along an axis: medians and quantiles.
#pragma once

#include <span>

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

// What a quantile between two elements is: between them in proportion, one of them, their mean, or the nearer one; of
// two equally near the one at an even position.
enum class QuantileInterpolation : std::uint8_t { linear, lower, higher, midpoint, nearest };

// The quantiles of sorted lines, in the place of the axis. The position of q is q (n - 1), in f64.
template <Operand T>
T quantiles(const T& sorted, std::span<const double> q, std::int64_t axis, QuantileInterpolation interpolation) {
    const auto count = static_cast<std::int64_t>(q.size());
    const Dim extent = shape_of(sorted)[static_cast<std::size_t>(axis)];
    const T of_last = extent_value(sorted, extent - 1, Dtype::f64);
    const Literal fractions = make_literal({Dtype::f64, Shape{count}}, std::as_bytes(q));
    const T position = ops::mul(Recorder<T>::constant_like(sorted, fractions, Loc{}), of_last);
    const T lower = convert(position, Dtype::i64), rest = ops::sub(position, convert(lower, Dtype::f64));
    const T upper = ops::add(lower, convert(ops::gt(rest, number(rest, 0)), Dtype::i64));
    const auto at = [&](const T& index) { return ops::gather.with({axis}, sorted, index); };
    const auto between = [&] {
        const T half = number(rest, 0.5);
        if (interpolation == QuantileInterpolation::lower) return at(lower);
        if (interpolation == QuantileInterpolation::higher) return at(upper);
        if (interpolation == QuantileInterpolation::nearest) {
            const T is_odd = ops::ne(ops::rem(lower, number(lower, 2)), number(lower, 0));
            const T tie = ops::logical_and(ops::eq(rest, half), is_odd);
            return at(ops::select(ops::logical_or(ops::gt(rest, half), tie), upper, lower));
        }
        // The axis at its place again, so that the weights stand beside it.
        Shape beside = Shape{count};
        for (auto i = static_cast<std::size_t>(axis) + 1; i < shape_of(sorted).rank(); ++i) beside.push_back(1);
        const bool is_linear = interpolation == QuantileInterpolation::linear;
        const T share = ops::select(ops::gt(rest, number(rest, 0)), is_linear ? rest : half, number(rest, 0));
        const T weight = reshape(convert(share, dtype_of(sorted)), beside);
        const T below = at(lower), above = at(upper);
        return ops::select(ops::eq(below, above), below, lerp(below, above, weight));
    };
    const T greatest = element_at(sorted, axis, extent - 1);
    return ops::select(ops::ne(greatest, greatest), greatest, between());
}

}  // namespace lathe::ir::functions
