// Activation functions.
#pragma once

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// max(0, x), in this order: 0 is known not to be NaN, which makes it one instruction, and the derivative at 0 is 0. NaN
// stays NaN.
template <Operand T>
T relu(const T& x) {
    return ops::max(number(x, 0), x);
}

// x times the normal distribution's cumulative function, by erf.
template <Operand T>
T gelu(const T& input) {
    return in_accumulator(input, [](const T& x) {
        constexpr double root_half = 0.70710678118654752440;
        const T cumulative = ops::add(ops::erf(ops::mul(x, number(x, root_half))), number(x, 1));
        return ops::mul(ops::mul(x, number(x, 0.5)), cumulative);
    });
}

// x * sigmoid(x).
template <Operand T>
T silu(const T& input) {
    return in_accumulator(input, [](const T& x) { return ops::mul(x, ops::sigmoid(x)); });
}

}  // namespace lathe::ir::functions
