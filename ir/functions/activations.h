// Activation functions, of floats. A branch of a select that is not taken is computed as well, and so is its
// derivative, times 0: what could be infinite there gets an operand that is limited.
#pragma once

#include <optional>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// max(0, x), in this order: 0 is known not to be NaN, which makes it one instruction, and the derivative at 0 is 0. NaN
// stays NaN.
template <Operand T>
T relu(const T& x) {
    return ops::max(number(x, 0), x);
}

// x limited to [low, high], where the derivative is 0 from the ends on. NaN stays NaN.
template <Operand T>
T hardtanh(const T& x, double low, double high) {
    require_floats("hardtanh", x);
    if (!(low <= high)) refuse("hardtanh", "low is above high, or one of them is NaN", x);
    const T above = ops::max(number(x, low), x);
    return ops::min(number(x, high), above);
}
template <Operand T>
T relu6(const T& x) {
    require_floats("relu6", x);
    return ops::min(number(x, 6), relu(x));
}

// relu6(x + 3) / 6, and x times that.
template <Operand T>
T hardsigmoid(const T& input) {
    require_floats("hardsigmoid", input);
    return in_accumulator(input, [](const T& x) {
        const T shifted = ops::add(x, number(x, 3));
        return ops::div(relu6(shifted), number(x, 6));
    });
}
template <Operand T>
T hardswish(const T& input) {
    require_floats("hardswish", input);
    return in_accumulator(input, [](const T& x) { return ops::mul(x, hardsigmoid(x)); });
}

// x, or `slope` times x where it is not positive.
template <Operand T>
T leaky_relu(const T& input, double slope) {
    require_floats("leaky_relu", input);
    return in_accumulator(input, [&](const T& x) {
        const T positive = ops::gt(x, number(x, 0));
        return ops::select(positive, x, ops::mul(x, number(x, slope)));
    });
}

// The same with slopes as operands: one, or one for each index of axis 1.
template <Operand T>
T prelu(const T& x, const T& slope) {
    require_floats("prelu", x, slope);
    require_same_dtype("prelu", x, slope);
    const Shape& shape = shape_of(x);
    if (shape_of(slope).rank() > 1) refuse("prelu", "wants one slope, or one for each index of axis 1", x, slope);
    const Dim count = shape_of(slope).rank() == 0 ? Dim(1) : shape_of(slope)[0];
    const bool one = count == Dim(1);
    if (!one && (shape.rank() < 2 || !may_be_equal(count, shape[1])))
        refuse("prelu", "wants one slope, or one for each index of axis 1", x, slope);
    Shape along;
    if (!one) {
        along = Shape{count};
        for (std::size_t i = 2; i < shape.rank(); ++i) along.push_back(1);
    }
    const T positive = ops::gt(x, number(x, 0));
    return ops::select(positive, x, ops::mul(x, reshape(slope, along)));
}

// e^x - 1 where x is negative, else 0.
template <Operand T>
T negative_expm1(const T& x) {
    return ops::expm1(ops::min(x, number(x, 0)));
}

// x, or scale * (e^(x / width) - 1) where it is not positive.
template <Operand T>
T exponential_unit(const T& x, double scale, double width) {
    const T ratio = width == 1 ? x : ops::div(x, number(x, width));
    const T below = ops::mul(negative_expm1(ratio), number(x, scale));
    return ops::select(ops::gt(x, number(x, 0)), x, below);
}
template <Operand T>
T elu(const T& input, double alpha) {
    require_floats("elu", input);
    return in_accumulator(input, [&](const T& x) { return exponential_unit(x, alpha, 1); });
}
template <Operand T>
T celu(const T& input, double alpha) {
    require_floats("celu", input);
    return in_accumulator(input, [&](const T& x) { return exponential_unit(x, alpha, alpha); });
}
// The constants of Klambauer and others, "Self-Normalizing Neural Networks" (2017).
template <Operand T>
T selu(const T& input) {
    require_floats("selu", input);
    return in_accumulator(input, [](const T& x) {
        constexpr double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
        return ops::mul(exponential_unit(x, alpha, 1), number(x, scale));
    });
}

// x times the normal distribution's cumulative function, by erf.
template <Operand T>
T gelu(const T& input) {
    require_floats("gelu", input);
    return in_accumulator(input, [](const T& x) {
        constexpr double root_half = 0.70710678118654752440;
        const T cumulative = ops::add(ops::erf(ops::mul(x, number(x, root_half))), number(x, 1));
        return ops::mul(ops::mul(x, number(x, 0.5)), cumulative);
    });
}

// x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). From 10 on the hyperbolic tangent is 1, also in f64.
template <Operand T>
T gelu_by_tanh(const T& input) {
    require_floats("gelu", input);
    return in_accumulator(input, [](const T& x) {
        constexpr double root_two_over_pi = 0.79788456080286535588, cubic = 0.044715 * root_two_over_pi;
        const T a = hardtanh(x, -10, 10), square = ops::mul(a, a);
        const T factor = ops::add(ops::mul(square, number(x, cubic)), number(x, root_two_over_pi));
        const T cumulative = ops::add(ops::tanh(ops::mul(a, factor)), number(x, 1));
        return ops::mul(ops::mul(x, number(x, 0.5)), cumulative);
    });
}

// x * sigmoid(x).
template <Operand T>
T silu(const T& input) {
    return in_accumulator(input, [](const T& x) { return ops::mul(x, ops::sigmoid(x)); });
}

// log(1 + e^x), which is x from the limit on. No limit is beyond 60, where the two are the same in every format. There
// is no |x| in it: its derivatives at 0 are those of the function.
template <Operand T>
T log_one_plus_exp(const T& x, double threshold = 60) {
    const T limit = number(x, std::min(threshold, 60.0));
    const T e = ops::exp(ops::min(x, limit));
    return ops::select(ops::gt(x, limit), x, ops::log1p(e));
}
template <Operand T>
T softplus(const T& input, double beta, double threshold) {
    require_floats("softplus", input);
    return in_accumulator(input, [&](const T& x) {
        if (beta == 1) return log_one_plus_exp(x, threshold);
        const T scaled = ops::mul(x, number(x, beta));
        return ops::div(log_one_plus_exp(scaled, threshold), number(x, beta));
    });
}
template <Operand T>
T log_sigmoid(const T& input) {
    require_floats("log_sigmoid", input);
    return in_accumulator(input, [](const T& x) { return ops::neg(log_one_plus_exp(ops::neg(x))); });
}
// x * tanh(softplus(x)).
template <Operand T>
T mish(const T& input) {
    require_floats("mish", input);
    return in_accumulator(input, [](const T& x) { return ops::mul(x, ops::tanh(log_one_plus_exp(x))); });
}

// x / (1 + |x|). Beyond 1 in other words, whose derivative keeps its digits where x is large.
template <Operand T>
T softsign(const T& input) {
    require_floats("softsign", input);
    return in_accumulator(input, [](const T& x) {
        const T one = number(x, 1), minus_one = number(x, -1);
        const T part = ops::div(one, ops::add(one, ops::abs(x)));
        const T inside = ops::mul(hardtanh(x, -2, 2), part);
        const T below = ops::select(ops::lt(x, minus_one), ops::sub(part, one), inside);
        return ops::select(ops::gt(x, one), ops::sub(one, part), below);
    });
}

// x moved towards 0 by `lambda`, but not past it. NaN stays NaN.
template <Operand T>
T softshrink(const T& input, double lambda) {
    require_floats("softshrink", input);
    return in_accumulator(input, [&](const T& x) {
        const T above = ops::max(x, number(x, -lambda));
        return ops::sub(x, ops::min(above, number(x, lambda)));
    });
}
// x where it is farther from 0 than `lambda`, else 0. NaN stays NaN.
template <Operand T>
T hardshrink(const T& input, double lambda) {
    require_floats("hardshrink", input);
    return in_accumulator(input, [&](const T& x) {
        const T within = ops::le(ops::abs(x), number(x, lambda));
        return ops::select(within, number(x, 0), x);
    });
}
// x - tanh(x).
template <Operand T>
T tanhshrink(const T& input) {
    require_floats("tanhshrink", input);
    return in_accumulator(input, [](const T& x) { return ops::sub(x, ops::tanh(x)); });
}

// x where it is above the threshold, else `value`. NaN stays NaN.
template <Operand T>
T threshold(const T& input, double limit, double value) {
    require_floats("threshold", input);
    return in_accumulator(input,
                          [&](const T& x) { return ops::select(ops::le(x, number(x, limit)), number(x, value), x); });
}

// The first half along an axis times the sigmoid of the second.
template <Operand T>
T glu(const T& input, std::int64_t along) {
    require_floats("glu", input);
    const auto rank = static_cast<std::int64_t>(shape_of(input).rank());
    if (along < -rank || along >= rank)
        refuse("glu", "axis " + std::to_string(along) + " is out of range for rank " + std::to_string(rank), input);
    const auto axis = static_cast<std::size_t>(along < 0 ? along + rank : along);
    return in_accumulator(input, [&](const T& x) {
        const Shape& shape = shape_of(x);
        const Dim half = floordiv(shape[axis], 2);
        if (shape[axis].is_constant() && half * 2 != shape[axis])
            refuse("glu",
                   "wants an even extent along axis " + std::to_string(axis) + ", not " + shape[axis].to_string(),
                   input);
        Shape halves, part;
        for (std::size_t i = 0; i < shape.rank(); ++i) {
            if (i == axis) halves.push_back(2);
            halves.push_back(i == axis ? half : shape[i]);
            part.push_back(i == axis ? half : shape[i]);
        }
        const T both = reshape(x, halves);
        const auto one_of = [&](std::int64_t which) {
            Shape begin, extent = halves;
            for (std::size_t i = 0; i < halves.rank(); ++i) begin.push_back(i == axis ? which : 0);
            extent[axis] = 1;
            return reshape(slice(both, begin, extent, Integers(halves.rank(), 1)), part);
        };
        const T first = one_of(0);
        return ops::mul(first, ops::sigmoid(one_of(1)));
    });
}

// log(x / (1 - x)), of x limited to [eps, 1 - eps] where there is an eps.
template <Operand T>
T logit(const T& input, std::optional<double> eps) {
    require_floats("logit", input);
    if (eps && !(*eps <= 0.5)) refuse("logit", "eps is above 1/2, or NaN", input);
    return in_accumulator(input, [&](const T& x) {
        const T p = eps ? hardtanh(x, *eps, 1 - *eps) : x;
        const T left = ops::log(p);
        return ops::sub(left, ops::log1p(ops::neg(p)));
    });
}

}  // namespace lathe::ir::functions
