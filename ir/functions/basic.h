// The ops with attributes as functions, and small combinations that rules and other functions need. Everything here and
// in its neighbours works on graph values and on whatever wraps them.
#pragma once

#include <algorithm>

#include "ir/ops/forward.h"

namespace lathe::ir::functions {

// A rank-0 constant in x's dtype.
template <Operand T>
T number(const T& x, double value) {
    if constexpr (requires { T::number_like(x, value); })
        return T::number_like(x, value);
    else
        return T::constant_like(x, splat_literal(static_cast<const Type&>(x.type()).dtype, Shape{}, value), Loc{});
}

// An op without operands that belongs with x.
template <Operand T>
T source(const T& x, const OpDef& op, Attributes attributes) {
    if constexpr (requires { T::source_like(x, op, std::move(attributes), Loc{}); })
        return T::source_like(x, op, std::move(attributes), Loc{});
    else
        return T::record(op, std::span<const T>{}, std::move(attributes), Loc{});
}

template <Operand T>
const Shape& shape_of(const T& x) {
    return static_cast<const Type&>(x.type()).shape;
}
template <Operand T>
Dtype dtype_of(const T& x) {
    return static_cast<const Type&>(x.type()).dtype;
}

template <Operand T>
T convert(const T& x, Dtype dtype) {
    return dtype_of(x) == dtype ? x : ops::convert.with({dtype}, x);
}
template <Operand T>
T reshape(const T& x, const Shape& shape) {
    return shape_of(x) == shape ? x : ops::reshape.with({shape}, x);
}
template <Operand T>
T broadcast_to(const T& x, const Shape& shape) {
    return shape_of(x) == shape ? x : ops::broadcast_to.with({shape}, x);
}
inline Integers all_axes(std::size_t rank) {
    Integers axes;
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
    return axes;
}

template <Operand T>
T transpose(const T& x, Integers permutation) {
    return permutation == all_axes(shape_of(x).rank()) ? x : ops::transpose.with({std::move(permutation)}, x);
}
template <Operand T>
T slice(const T& x, const Shape& start, const Shape& size, Integers step) {
    return ops::slice.with({start, size, std::move(step)}, x);
}
template <Operand T>
T pad(const T& x, const T& fill, const Shape& low, const Shape& high) {
    return ops::pad.with({low, high}, x, fill);
}
template <Operand T>
T sum(const T& x, Integers axes) {
    return axes.empty() ? x : ops::sum.with({std::move(axes)}, x);
}

// 0, 1, ... along one dimension.
template <Operand T>
T count_up(const T& x, Dim extent, Dtype dtype) {
    return source(x, ops::iota, {Shape{extent}, std::int64_t{0}, dtype});
}

// An extent as a rank-0 value: the last of the numbers 0 ... extent. A computation from the shape rather than a
// constant, so that a program for one extent serves all.
template <Operand T>
T extent_value(const T& x, Dim extent, Dtype dtype) {
    const T last = slice(count_up(x, extent + 1, Dtype::i64), Shape{extent}, Shape{1}, {1});
    return convert(reshape(last, Shape{}), dtype);
}

// A splat of any shape, symbolic or not.
template <Operand T>
T full_like(const T& x, const Shape& shape, double value) {
    return broadcast_to(number(x, value), shape);
}

// `shape` with extent 1 at the (ascending, non-negative) axes.
inline Shape keep_dims(Shape shape, const Integers& axes) {
    for (std::int64_t axis : axes) shape[static_cast<std::size_t>(axis)] = 1;
    return shape;
}
// Puts extent-1 axes back where a reduction of something of shape `before` dropped them.
template <Operand T>
T expand_dims(const T& reduced, const Shape& before, const Integers& axes) {
    return reshape(reduced, keep_dims(before, axes));
}

// Sums over the dimensions that broadcasting added or stretched: the transpose of broadcasting to x's shape.
template <Operand T>
T sum_to(const T& x, const Shape& shape) {
    const Shape& from = shape_of(x);
    if (from == shape) return x;
    const std::size_t extra = from.rank() - shape.rank();
    Integers axes;
    for (std::size_t i = 0; i < from.rank(); ++i)
        if (i < extra || (shape[i - extra] == Dim(1) && from[i] != Dim(1)))
            axes.push_back(static_cast<std::int64_t>(i));
    return reshape(sum(x, std::move(axes)), shape);
}

// -1, 0 or 1; 0 for NaN.
template <Operand T>
T sign(const T& x) {
    const T zero = number(x, 0);
    return ops::sub(convert(ops::gt(x, zero), dtype_of(x)), convert(ops::lt(x, zero), dtype_of(x)));
}

// 1 where the condition holds, else 0, in x's dtype.
template <Operand T>
T indicator(const T& condition, const T& x) {
    return convert(condition, dtype_of(x));
}

}  // namespace lathe::ir::functions
