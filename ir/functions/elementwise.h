// Functions of each element that are short formulas of ops.
#pragma once

#include <limits>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

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

}  // namespace lathe::ir::functions
