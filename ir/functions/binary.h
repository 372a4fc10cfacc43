// Functions of two or three operands.
#pragma once

#include <limits>
#include <optional>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

template <Operand T>
void require_same_dtypes(std::string_view function, const T& x, const T& y, const T& z) {
    require_same_dtype(function, x, y);
    require_same_dtype(function, x, z);
}

// x - y floor(x / y): the remainder of division toward -infinity, with the sign of y; a zero of floats has that of x.
// Of integers by 0 it is 0.
template <Operand T>
T mod(const T& x, const T& y) {
    const T r = ops::rem(x, y), zero = number(r, 0);
    if (is_unsigned_integer(dtype_of(r))) return r;
    const T differs = ops::ne(ops::lt(r, zero), ops::lt(y, zero));
    return ops::select(ops::logical_and(ops::ne(r, zero), differs), ops::add(r, y), r);
}

// x / y of floats. Integers have no such quotient.
template <Operand T>
T true_divide(const T& x, const T& y) {
    require_same_dtype("true_divide", x, y);
    require_floats("true_divide", x, y);
    return ops::div(x, y);
}

// x, but not below `low` nor above `high`, which wins. NaN stays, and is the result where a bound is NaN.
template <Operand T>
T clamp(const T& x, const std::optional<T>& low, const std::optional<T>& high) {
    T y = x;
    if (low) y = ops::max(y, *low);
    if (high) y = ops::min(y, *high);
    return y;
}

// start + weight (end - start), from the end that is nearer: exact at both.
template <Operand T>
T lerp(const T& start, const T& end, const T& weight) {
    require_same_dtypes("lerp", start, end, weight);
    const Dtype wide = accumulator_of(dtype_of(start));
    const T from = convert(start, wide), to = convert(end, wide), w = convert(weight, wide);
    const T difference = ops::sub(to, from), rest = ops::sub(number(w, 1), w);
    const T forwards = ops::add(from, ops::mul(w, difference)), backwards = ops::sub(to, ops::mul(difference, rest));
    return convert(ops::select(ops::lt(w, number(w, 0.5)), forwards, backwards), dtype_of(start));
}

// 0 for negative x, 1 for positive ones, `at_zero` at 0; NaN stays. Constant in x.
template <Operand T>
T heaviside(const T& x, const T& at_zero) {
    const T zero = number(x, 0), step = convert(ops::gt(x, zero), dtype_of(x));
    const T of_numbers = is_float(dtype_of(x)) ? ops::select(ops::ne(x, x), ops::stop_gradient(x), step) : step;
    return ops::select(ops::eq(x, zero), at_zero, of_numbers);
}

// x log(y), of a logarithm whose argument is finite above `pole` and 0 at `neutral`; and +0 where x is 0 and y no NaN.
// There the derivatives are those of the product where log(y) is finite, else 0.
template <Operand T>
T times_logarithm(std::string_view name, const OpDef& log, double pole, double neutral, const T& x, const T& y) {
    require_same_dtype(name, x, y);
    const Dtype wide = accumulator_of(dtype_of(x));
    const T a = convert(x, wide), b = convert(y, wide), zero = number(a, 0);
    const T infinite = ops::eq(b, number(b, std::numeric_limits<double>::infinity()));
    const T vanishes = ops::logical_and(ops::eq(a, zero), ops::logical_or(ops::le(b, number(b, pole)), infinite));
    const T product = ops::mul(a, log(ops::select(vanishes, number(b, neutral), b)));
    return convert(ops::add(product, zero), dtype_of(x));
}
template <Operand T>
T xlogy(const T& x, const T& y) {
    return times_logarithm("xlogy", ops::log, 0, 1, x, y);
}
template <Operand T>
T xlog1py(const T& x, const T& y) {
    return times_logarithm("xlog1py", ops::log1p, -1, 0, x, y);
}

// Whether |x - y| <= absolute + relative |y|, or both are equal; of integers and booleans computed in f64.
template <Operand T>
T isclose(const T& x, const T& y, double relative, double absolute, bool equal_nan) {
    if (!is_float(dtype_of(x)))
        return isclose(convert(x, Dtype::f64), convert(y, Dtype::f64), relative, absolute, false);
    const Dtype wide = accumulator_of(dtype_of(x));
    const T a = convert(x, wide), b = convert(y, wide);
    const T distance = ops::abs(ops::sub(a, b)), size = ops::abs(b);
    const T allowed = ops::add(ops::mul(size, number(size, relative)), number(size, absolute));
    const T is_finite = ops::lt(distance, number(distance, std::numeric_limits<double>::infinity()));
    const T close = ops::logical_or(ops::eq(a, b), ops::logical_and(is_finite, ops::le(distance, allowed)));
    return equal_nan ? ops::logical_or(close, ops::logical_and(ops::ne(a, a), ops::ne(b, b))) : close;
}

// The greater or the lesser one, where both are numbers; else the one that is no NaN.
template <Operand T>
T fmax(const T& x, const T& y) {
    return ops::select(ops::logical_or(ops::ge(x, y), ops::ne(y, y)), x, y);
}
template <Operand T>
T fmin(const T& x, const T& y) {
    return ops::select(ops::logical_or(ops::le(x, y), ops::ne(y, y)), x, y);
}

template <Operand T>
T logical_xor(const T& x, const T& y) {
    require_same_dtype("logical_xor", x, y);
    require_dtype("logical_xor", "operand 0", booleans, x, y);
    return ops::ne(x, y);
}

// |x - y|, of integers without the sign, so that it wraps only where it does not fit.
template <Operand T>
T absolute_difference(const T& x, const T& y) {
    if (is_float(dtype_of(x))) return ops::abs(ops::sub(x, y));
    return ops::select(ops::gt(x, y), ops::sub(x, y), ops::sub(y, x));
}

}  // namespace lathe::ir::functions
