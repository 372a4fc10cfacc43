// The ops with attributes as functions, and small combinations that rules and other functions need. Everything here and
// in its neighbours works on graph values and on whatever wraps them.
#pragma once

#include <algorithm>
#include <concepts>

#include "ir/ops/forward.h"

namespace lathe::ir::functions {

// A rank-0 constant in x's dtype.
template <Operand T>
T number(const T& x, double value) {
    if constexpr (requires { Recorder<T>::number_like(x, value); })
        return Recorder<T>::number_like(x, value);
    else
        return Recorder<T>::constant_like(x, splat_literal(static_cast<const Type&>(x.type()).dtype, Shape{}, value),
                                          Loc{});
}

// An op without operands that belongs with x.
template <Operand T>
T source(const T& x, const OpDef& op, Attributes attributes) {
    if constexpr (requires { Recorder<T>::source_like(x, op, std::move(attributes), Loc{}); })
        return Recorder<T>::source_like(x, op, std::move(attributes), Loc{});
    else
        return Recorder<T>::record(op, std::span<const T>{}, std::move(attributes), Loc{});
}

template <Operand T>
const Shape& shape_of(const T& x) {
    return static_cast<const Type&>(x.type()).shape;
}
template <Operand T>
Dtype dtype_of(const T& x) {
    return static_cast<const Type&>(x.type()).dtype;
}

// Throws "function: why (type and type)". What is recorded speaks as its recorder does: tensors in the name of what the
// user called, at its line. Values of graphs have no line: whoever calls knows it.
template <Operand T, std::same_as<T>... Others>
[[noreturn]] void refuse(std::string_view function, std::string_view why, const T& x, const Others&... others) {
    const Type types[] = {static_cast<const Type&>(x.type()), static_cast<const Type&>(others.type())...};
    if constexpr (requires { Recorder<T>::refuse(function, why, std::span<const Type>(types)); })
        Recorder<T>::refuse(function, why, std::span<const Type>(types));
    else
        throw TypeError(std::string(function) + ": " + std::string(why) + in_parentheses(types), Loc{});
}
// `who` is x in the message. The others are operands that it names too.
template <Operand T, std::same_as<T>... Others>
void require_dtype(std::string_view function, std::string_view who, DtypeSet allowed, const T& x,
                   const Others&... others) {
    if (!allowed.contains(dtype_of(x))) refuse(function, dtype_refusal(who, dtype_of(x), allowed), x, others...);
}
template <Operand T, std::same_as<T>... Others>
void require_floats(std::string_view function, const T& x, const Others&... others) {
    require_dtype(function, "operand 0", floats, x, others...);
}
template <Operand T>
void require_same_dtype(std::string_view function, const T& x, const T& y) {
    if (dtype_of(x) != dtype_of(y)) refuse(function, "the dtypes differ; convert() makes them the same", x, y);
}

// Whether two extents are equal for some values of their symbols. An extent of 1 would stretch beside any other, so it
// has to meet one.
inline bool may_be_equal(Dim a, Dim b) { return a == b || !((a - b).is_constant() || a == Dim(1) || b == Dim(1)); }
inline bool may_be_equal(const Shape& a, const Shape& b) {
    bool equal = a.rank() == b.rank();
    for (std::size_t i = 0; equal && i < a.rank(); ++i) equal = may_be_equal(a[i], b[i]);
    return equal;
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
    return axes.empty() ? convert(x, sum_of(dtype_of(x))) : ops::sum.with({std::move(axes)}, x);
}

// A function of several steps, f(x), computed in the dtype that sums accumulate in and rounded once, at its end: totals
// of f16 leave its range, and digits that a step loses do not come back.
template <Operand T, class F>
T in_accumulator(const T& x, const F& f) {
    return convert(f(convert(x, accumulator_of(dtype_of(x)))), dtype_of(x));
}

// The same of two operands, rounded to the dtype of the first.
template <Operand T, class F>
T in_accumulators(const T& x, const T& y, const F& f) {
    const Dtype wide = accumulator_of(dtype_of(x));
    return convert(f(convert(x, wide), convert(y, wide)), dtype_of(x));
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

inline bool is_empty(const Shape& shape) {
    return std::ranges::any_of(shape, [](Dim d) { return d == Dim(0); });
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

// 1 where the condition holds, else 0, in x's dtype.
template <Operand T>
T indicator(const T& condition, const T& x) {
    return convert(condition, dtype_of(x));
}

}  // namespace lathe::ir::functions
