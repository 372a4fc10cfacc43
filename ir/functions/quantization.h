// Floats as small integers: x is about (q - zero) * scale.
#pragma once

#include <optional>

#include "ir/functions/matmul.h"

namespace lathe::ir::functions {

// Numbers for each index of an axis, beside x; one for all is as it is.
template <Operand T>
T along(const T& numbers, std::int64_t axis, std::size_t rank) {
    if (shape_of(numbers).rank() == 0) return numbers;
    Shape column{shape_of(numbers)[0]};
    for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < rank; ++i) column.push_back(1);
    return reshape(numbers, column);
}

// round(x / scale) + zero, to the nearest, of two the even one, as a float.
template <Operand T>
T rounded_quotient(const T& x, const T& scale, const std::optional<T>& zero, std::int64_t axis) {
    const std::size_t rank = shape_of(x).rank();
    const T wide = convert(x, accumulator_of(dtype_of(x)));
    const T q = ops::round(ops::div(wide, along(convert(scale, dtype_of(wide)), axis, rank)));
    return zero ? ops::add(q, along(convert(*zero, dtype_of(wide)), axis, rank)) : q;
}

// The same as what the dtype holds; NaN gives 0.
template <Operand T>
T quantize(const T& x, const T& scale, const std::optional<T>& zero, Dtype dtype, std::int64_t axis) {
    return convert(rounded_quotient(x, scale, zero, axis), dtype);
}

// (q - zero) * scale, in the scale's dtype.
template <Operand T>
T dequantize(const T& q, const T& scale, const std::optional<T>& zero, std::int64_t axis) {
    const std::size_t rank = shape_of(q).rank();
    T whole = convert(q, Dtype::i32);
    if (zero) whole = ops::sub(whole, along(convert(*zero, Dtype::i32), axis, rank));
    return ops::mul(convert(whole, dtype_of(scale)), along(scale, axis, rank));
}

// x as it is after both; its derivative is that of x where x is not out of range.
template <Operand T>
T fake_quantize(const T& x, const T& scale, const std::optional<T>& zero, Dtype dtype, std::int64_t axis) {
    const T own = ops::stop_gradient(x), quotient = rounded_quotient(own, scale, zero, axis);
    const T q = convert(quotient, dtype);
    const T back = convert(dequantize(q, scale, zero, axis), dtype_of(x));
    const T fits = ops::eq(convert(q, dtype_of(quotient)), quotient);
    return ops::select(fits, ops::add(x, ops::sub(back, own)), back);
}

// The product of two matrices of 8-bit integers less their zeros, in i32.
template <Operand T>
T integer_matmul(const T& a, const T& b, const std::optional<T>& a_zero, const std::optional<T>& b_zero) {
    const auto whole = [](const T& x, const std::optional<T>& zero) {
        const T wide = convert(x, Dtype::i32);
        return zero ? ops::sub(wide, convert(*zero, Dtype::i32)) : wide;
    };
    return matmul(whole(a, a_zero), whole(b, b_zero));
}

}  // namespace lathe::ir::functions
