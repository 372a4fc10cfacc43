// Functions of each element that are short formulas of ops.
#pragma once

#include <limits>
#include <numbers>
#include <optional>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// The greatest number of a dtype of floats.
inline double greatest_finite(Dtype d) {
    switch (d) {
        case Dtype::f16:
            return 65504;
        case Dtype::bf16:
            return 0x1.fep127;
        case Dtype::f32:
            return std::numeric_limits<float>::max();
        default:
            return std::numeric_limits<double>::max();
    }
}

// 1 / x.
template <Operand T>
T reciprocal(const T& x) {
    require_floats("reciprocal", x);
    return ops::div(number(x, 1), x);
}

// x * x.
template <Operand T>
T square(const T& x) {
    return ops::mul(x, x);
}

// Integers and booleans are finite numbers.
template <Operand T>
T isnan(const T& x) {
    return ops::ne(x, x);
}
template <Operand T>
T isinf(const T& x) {
    return is_float(dtype_of(x)) ? ops::eq(ops::abs(x), number(x, std::numeric_limits<double>::infinity()))
                                 : ops::ne(x, x);
}
template <Operand T>
T isfinite(const T& x) {
    return is_float(dtype_of(x)) ? ops::lt(ops::abs(x), number(x, std::numeric_limits<double>::infinity()))
                                 : ops::eq(x, x);
}

// Whether x is infinite, of a sign.
template <Operand T>
T is_infinity(const T& x, double sign) {
    return is_float(dtype_of(x)) ? ops::eq(x, number(x, sign * std::numeric_limits<double>::infinity()))
                                 : ops::ne(x, x);
}
// Whether x is negative, or -0.
template <Operand T>
T signbit(const T& x) {
    if (!is_float(dtype_of(x)) && !is_signed_integer(dtype_of(x))) return ops::ne(x, x);
    return is_float(dtype_of(x)) ? ops::lt(ops::copysign(number(x, 1), x), number(x, 0)) : ops::lt(x, number(x, 0));
}

// sin(pi x) / (pi x), and 1 at 0.
template <Operand T>
T sinc(const T& x) {
    const T is_zero = ops::eq(x, number(x, 0));
    const T angle = ops::mul(ops::select(is_zero, number(x, 1), x), number(x, std::numbers::pi));
    return ops::select(is_zero, number(x, 1), ops::div(ops::sin(angle), angle));
}

// -x log(x), 0 at 0, -inf below.
template <Operand T>
T entr(const T& x) {
    const T zero = number(x, 0), is_positive = ops::logical_or(ops::gt(x, zero), ops::ne(x, x));
    const T inside = ops::select(is_positive, x, number(x, 1));
    const T below = number(x, -std::numeric_limits<double>::infinity());
    return ops::select(is_positive, ops::neg(ops::mul(inside, ops::log(inside))),
                       ops::select(ops::eq(x, zero), zero, below));
}

// The part of the normal distribution that lies below x.
template <Operand T>
T ndtr(const T& x) {
    return ops::mul(ops::erfc(ops::mul(x, number(x, -1 / std::numbers::sqrt2))), number(x, 0.5));
}

// x, with numbers in the place of NaN and of infinities: where none is given, the greatest finite ones.
template <Operand T>
T nan_to_num(const T& x, double nan, std::optional<double> above, std::optional<double> below) {
    if (!is_float(dtype_of(x))) return x;
    const double greatest = greatest_finite(dtype_of(x));
    const T no_nan = ops::select(ops::ne(x, x), number(x, nan), x);
    const T no_top = ops::select(is_infinity(x, 1), number(x, above.value_or(greatest)), no_nan);
    return ops::select(is_infinity(x, -1), number(x, below.value_or(-greatest)), no_top);
}

}  // namespace lathe::ir::functions
