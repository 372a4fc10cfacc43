// Folds over axes, which the result drops, in terms of the ops that fold. No axes fold nothing.
#pragma once

#include <cmath>
#include <limits>

#include "ir/functions/statistics.h"

namespace lathe::ir::functions {

// Which elements are not 0; NaN is not.
template <Operand T>
T nonzero(const T& x) {
    return dtype_of(x) == Dtype::boolean ? x : ops::ne(x, number(x, 0));
}

// Whether all, or any, elements are not 0.
template <Operand T>
T all(const T& x, Integers axes) {
    return axes.empty() ? nonzero(x) : ops::all.with({std::move(axes)}, nonzero(x));
}
template <Operand T>
T any(const T& x, Integers axes) {
    return axes.empty() ? nonzero(x) : ops::any.with({std::move(axes)}, nonzero(x));
}
template <Operand T>
T count_nonzero(const T& x, Integers axes) {
    return sum(nonzero(x), std::move(axes));
}
template <Operand T>
T prod(const T& x, Integers axes) {
    return axes.empty() ? convert(x, sum_of(dtype_of(x))) : ops::prod.with({std::move(axes)}, x);
}

// Floats as they are, others as f64.
template <Operand T>
T as_float(const T& x) {
    return is_float(dtype_of(x)) ? x : convert(x, Dtype::f64);
}

// x where it is finite, else 0.
template <Operand T>
T finite_or_zero(const T& x) {
    const T is_finite = ops::lt(ops::abs(x), number(x, std::numeric_limits<double>::infinity()));
    return ops::select(is_finite, x, number(x, 0));
}

// log(sum(exp(x))), -inf of nothing. Exponents are taken beside the greatest one, through which no derivative flows.
template <Operand T>
T logsumexp(const T& input, const Integers& axes) {
    return in_accumulator(as_float(input), [&](const T& x) {
        const Shape shape = shape_of(x);
        if (axes.empty()) return x;
        if (is_empty(shape)) return ops::log(sum(ops::exp(x), axes));
        const T top = ops::stop_gradient(finite_or_zero(ops::reduce_max.with({axes}, x)));
        const T total = sum(ops::exp(ops::sub(x, expand_dims(top, shape, axes))), axes);
        return ops::add(ops::log(total), top);
    });
}

// f(x), but `instead` with derivatives of 0 where x is `pole`.
template <Operand T, class F>
T away_from(double pole, double instead, const T& x, const F& f) {
    const T is_pole = ops::eq(x, number(x, pole));
    return ops::select(is_pole, number(x, instead), f(ops::select(is_pole, number(x, 1), x)));
}
template <Operand T>
T root(const T& x) {
    return away_from(0, 0, x, [](const T& v) { return ops::sqrt(v); });
}

// The root of the variance. Its derivative is 0 where it is 0.
template <Operand T>
T standard_deviation(const T& input, const Integers& axes, std::int64_t correction = 0) {
    return in_accumulator(as_float(input), [&](const T& x) { return root(variance(x, axes, correction)); });
}

// (sum |x|^p)^(1/p): for an infinite p the greatest or least |x|, for 0 how many are not 0. Nothing is scaled: squares
// that leave the range of the accumulator make it infinite, or 0. Derivatives at 0 are 0.
template <Operand T>
T norm(const T& input, const Integers& axes, double p = 2) {
    require_floats("norm", input);
    if (std::isnan(p)) refuse("norm", "p is NaN", input);
    return in_accumulator(input, [&](const T& x) {
        if (p == 0) return sum(indicator(nonzero(x), x), axes);
        if (axes.empty()) return ops::abs(x);
        if (p == 2) return root(sum(ops::mul(x, x), axes));
        const T size = ops::abs(x);
        if (std::isinf(p)) return (p > 0 ? ops::reduce_max : ops::reduce_min).with({axes}, size);
        if (p == 1) return sum(size, axes);
        const double of_zero = p > 0 ? 0 : std::numeric_limits<double>::infinity();
        const T powers = away_from(0, of_zero, size, [&](const T& v) { return ops::pow(v, number(v, p)); });
        return away_from(of_zero, 0, sum(powers, axes), [&](const T& v) { return ops::pow(v, number(v, 1 / p)); });
    });
}

// The sum and the mean of what is not NaN.
template <Operand T>
T nansum(const T& x, const Integers& axes) {
    return sum(is_float(dtype_of(x)) ? ops::select(ops::ne(x, x), number(x, 0), x) : x, axes);
}
template <Operand T>
T nanmean(const T& input, const Integers& axes) {
    if (!is_float(dtype_of(input))) return mean(input, axes);
    return in_accumulator(
        input, [&](const T& x) { return ops::div(nansum(x, axes), convert(sum(ops::eq(x, x), axes), dtype_of(x))); });
}

}  // namespace lathe::ir::functions
