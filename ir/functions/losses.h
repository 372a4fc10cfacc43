// Losses of pairs of elements, and of pairs of rows. They are computed in the dtype that sums accumulate in, and what
// is left of them is rounded once.
#pragma once

#include <cmath>
#include <numbers>
#include <optional>

#include "ir/functions/activations.h"
#include "ir/functions/reduction.h"

namespace lathe::ir::functions {

// f(x, y) of elements that broadcast, reduced.
template <Operand T, class F>
T loss_of_pairs(const T& x, const T& y, Reduction reduction, const F& f) {
    const Dtype wide = accumulator_of(dtype_of(x));
    return convert(reduced(f(convert(x, wide), convert(y, wide)), reduction), dtype_of(x));
}

template <Operand T>
T times(const T& x, double factor) {
    return ops::mul(x, number(x, factor));
}
template <Operand T>
T plus(const T& x, double summand) {
    return ops::add(x, number(x, summand));
}
template <Operand T>
T squared(const T& x) {
    return ops::mul(x, x);
}
// max(0, x): NaN stays NaN, and the derivative at 0 is 0.
template <Operand T>
T positive_part(const T& x) {
    return ops::max(number(x, 0), x);
}

// (x - y)^2
template <Operand T>
T mse_loss(const T& x, const T& y, Reduction reduction) {
    return loss_of_pairs(x, y, reduction, [](const T& a, const T& b) { return squared(ops::sub(a, b)); });
}
// The mean of the squared differences of two tensors of one shape.
template <Operand T>
T mean_squared_error(const T& x, const T& y) {
    require_floats("mean_squared_error", x, y);
    require_same_dtype("mean_squared_error", x, y);
    if (!may_be_equal(shape_of(x), shape_of(y))) refuse("mean_squared_error", "the shapes differ", x, y);
    return mse_loss(x, y, Reduction::mean);
}
// |x - y|
template <Operand T>
T l1_loss(const T& x, const T& y, Reduction reduction) {
    return loss_of_pairs(x, y, reduction, [](const T& a, const T& b) { return ops::abs(ops::sub(a, b)); });
}
// d^2 / 2 for d = |x - y| below delta, else delta (d - delta / 2).
template <Operand T>
T huber_loss(const T& x, const T& y, double delta, Reduction reduction) {
    return loss_of_pairs(x, y, reduction, [&](const T& a, const T& b) {
        const T d = ops::abs(ops::sub(a, b));
        return ops::select(ops::lt(d, number(d, delta)), times(squared(d), 0.5), times(plus(d, -0.5 * delta), delta));
    });
}
// d^2 / (2 beta) for d = |x - y| below beta, else d - beta / 2; |x - y| for a beta of 0.
template <Operand T>
T smooth_l1_loss(const T& x, const T& y, double beta, Reduction reduction) {
    if (beta == 0) return l1_loss(x, y, reduction);
    return loss_of_pairs(x, y, reduction, [&](const T& a, const T& b) {
        const T d = ops::abs(ops::sub(a, b));
        return ops::select(ops::lt(d, number(d, beta)), ops::div(times(squared(d), 0.5), number(d, beta)),
                           plus(d, -0.5 * beta));
    });
}

// -(t log p + (1 - t) log(1 - p)), with logarithms of at least -100, so that a probability of 0 has a finite loss.
template <Operand T>
T binary_cross_entropy(const T& p, const T& t, const std::optional<T>& weights, Reduction reduction) {
    return loss_of_pairs(p, t, reduction, [&](const T& a, const T& b) {
        const auto bounded = [](const T& x) { return ops::max(x, number(x, -100)); };
        const T missed = ops::sub(number(a, 1), b);
        const T hit = ops::mul(b, bounded(ops::log(a)));
        const T losses = ops::neg(ops::add(hit, ops::mul(missed, bounded(ops::log1p(ops::neg(a))))));
        return weights ? ops::mul(losses, convert(*weights, dtype_of(a))) : losses;
    });
}
// The same of p = sigmoid(x): (1 - t) x + w log(1 + e^-x), with w = 1 + (positive - 1) t.
template <Operand T>
T binary_cross_entropy_with_logits(const T& x, const T& t, const std::optional<T>& weights,
                                   const std::optional<T>& positive, Reduction reduction) {
    return loss_of_pairs(x, t, reduction, [&](const T& a, const T& b) {
        const Dtype d = dtype_of(a);
        T rest = log_one_plus_exp(ops::neg(a));
        if (positive) rest = ops::mul(rest, plus(ops::mul(plus(convert(*positive, d), -1), b), 1));
        const T losses = ops::add(ops::mul(ops::sub(number(a, 1), b), a), rest);
        return weights ? ops::mul(losses, convert(*weights, d)) : losses;
    });
}

// t (log t - x), 0 where t is 0; of a logarithm in place of t e^t (t - x).
template <Operand T>
T kl_div(const T& x, const T& t, bool log_target, Reduction reduction) {
    return loss_of_pairs(x, t, reduction, [&](const T& a, const T& b) {
        if (log_target) return ops::mul(ops::exp(b), ops::sub(b, a));
        const T zero = number(b, 0), is_positive = ops::gt(b, zero);
        const T own = ops::select(is_positive, ops::mul(b, ops::log(ops::select(is_positive, b, number(b, 1)))), zero);
        return ops::sub(own, ops::mul(b, a));
    });
}

// e^x - t x, or, of a rate that is no logarithm, x - t log(x + epsilon); `full` adds Stirling's approximation of log t!
// where t is above 1.
template <Operand T>
T poisson_nll_loss(const T& x, const T& t, bool log_input, bool full, double epsilon, Reduction reduction) {
    return loss_of_pairs(x, t, reduction, [&](const T& a, const T& b) {
        const T losses =
            log_input ? ops::sub(ops::exp(a), ops::mul(b, a)) : ops::sub(a, ops::mul(b, ops::log(plus(a, epsilon))));
        if (!full) return losses;
        const T is_large = ops::gt(b, number(b, 1)), safe = ops::select(is_large, b, number(b, 1));
        const T logarithm = ops::log(safe);
        const T stirling = ops::add(ops::sub(ops::mul(safe, logarithm), safe),
                                    times(plus(logarithm, std::log(2 * std::numbers::pi)), 0.5));
        return ops::add(losses, ops::select(is_large, stirling, number(b, 0)));
    });
}

// (log v + (x - t)^2 / v) / 2 for a variance v of at least epsilon, through which bound no derivative flows; `full`
// adds log(2 pi) / 2.
template <Operand T>
T gaussian_nll_loss(const T& x, const T& t, const T& variance, bool full, double epsilon, Reduction reduction) {
    return loss_of_pairs(x, t, reduction, [&](const T& a, const T& b) {
        const T given = convert(variance, dtype_of(a)), least = number(a, epsilon);
        // The derivative of v is that of the variance, also where it is below the bound.
        const T lift = ops::stop_gradient(ops::sub(ops::max(given, least), given));
        const T v = ops::add(given, lift);
        const T losses = times(ops::add(ops::log(v), ops::div(squared(ops::sub(a, b)), v)), 0.5);
        return full ? plus(losses, 0.5 * std::log(2 * std::numbers::pi)) : losses;
    });
}

// x where y is 1, max(0, margin - x) where it is -1.
template <Operand T>
T hinge_embedding_loss(const T& x, const T& y, double margin, Reduction reduction) {
    return loss_of_pairs(x, y, reduction, [&](const T& a, const T& b) {
        const T zero = number(a, 0);
        const T near = ops::select(ops::ne(b, number(b, -1)), a, zero);
        const T far = ops::select(ops::ne(b, number(b, 1)), positive_part(ops::sub(number(a, margin), a)), zero);
        return ops::add(near, far);
    });
}
// log(1 + e^(-y x))
template <Operand T>
T soft_margin_loss(const T& x, const T& y, Reduction reduction) {
    return loss_of_pairs(x, y, reduction,
                         [](const T& a, const T& b) { return log_one_plus_exp(ops::neg(ops::mul(b, a))); });
}
// max(0, -y (a - b) + margin)
template <Operand T>
T margin_ranking_loss(const T& a, const T& b, const T& y, double margin, Reduction reduction) {
    return loss_of_pairs(a, b, reduction, [&](const T& u, const T& v) {
        return positive_part(plus(ops::neg(ops::mul(convert(y, dtype_of(u)), ops::sub(u, v))), margin));
    });
}

// ---- rows

// The sum of |x|^p along an axis, to the power of 1 / p.
template <Operand T>
T row_norm(const T& x, double p, const Integers& axes) {
    if (p == 1) return sum(ops::abs(x), axes);
    if (p == 2) return ops::sqrt(sum(squared(x), axes));
    return ops::pow(sum(ops::pow(ops::abs(x), number(x, p)), axes), number(x, 1 / p));
}

// The p-norm of x - y + epsilon along the last axis.
template <Operand T>
T pairwise_distance(const T& x, const T& y, double p, double epsilon, bool keep) {
    return loss_of_pairs(x, y, Reduction::none, [&](const T& a, const T& b) {
        const T difference = plus(ops::sub(a, b), epsilon);
        const Integers axes = natural_axes({-1}, shape_of(difference).rank());
        const T distance = row_norm(difference, p, axes);
        return keep ? expand_dims(distance, shape_of(difference), axes) : distance;
    });
}

// The cosine of the angle between x and y along an axis, for lengths of at least epsilon.
template <Operand T>
T cosine_similarity(const T& x, const T& y, std::int64_t axis, double epsilon) {
    return loss_of_pairs(x, y, Reduction::none, [&](const T& a, const T& b) {
        const T products = ops::mul(a, b);
        const Shape shape = shape_of(products);
        const Integers axes = natural_axes({axis}, shape.rank());
        const auto length = [&](const T& v) {
            const T wide = broadcast_to(v, shape);
            return ops::max(ops::sqrt(sum(squared(wide), axes)), number(wide, epsilon));
        };
        return ops::div(sum(products, axes), ops::mul(length(a), length(b)));
    });
}

// 1 - cos of the rows where y is 1, max(0, cos - margin) where it is -1.
template <Operand T>
T cosine_embedding_loss(const T& a, const T& b, const T& y, double margin, Reduction reduction) {
    return loss_of_pairs(a, b, reduction, [&](const T& u, const T& v) {
        const auto rank = static_cast<std::int64_t>(shape_of(u).rank());
        constexpr double epsilon = 1e-12;  // beside the squares of the lengths
        const Integers axes{rank - 1};
        const auto square = [&](const T& x) { return plus(sum(squared(x), axes), epsilon); };
        const T cosine = ops::div(sum(ops::mul(u, v), axes), ops::sqrt(ops::mul(square(u), square(v))));
        const T sign = convert(y, dtype_of(cosine)), zero = number(cosine, 0);
        const T near = ops::select(ops::eq(sign, number(sign, 1)), ops::sub(number(cosine, 1), cosine), zero);
        return ops::add(near, ops::select(ops::eq(sign, number(sign, -1)), positive_part(plus(cosine, -margin)), zero));
    });
}

// max(0, |a - p| - |a - n| + margin) of distances between rows; `swap` takes |p - n| where that is less than |a - n|.
template <Operand T>
T triplet_margin_loss(const T& anchor, const T& positive, const T& negative, double margin, double p, double epsilon,
                      bool swap, Reduction reduction) {
    const Dtype wide = accumulator_of(dtype_of(anchor));
    const T a = convert(anchor, wide), b = convert(positive, wide), c = convert(negative, wide);
    T far = pairwise_distance(a, c, p, epsilon, false);
    if (swap) far = ops::min(far, pairwise_distance(b, c, p, epsilon, false));
    const T losses = positive_part(plus(ops::sub(pairwise_distance(a, b, p, epsilon, false), far), margin));
    return convert(reduced(losses, reduction), dtype_of(anchor));
}

}  // namespace lathe::ir::functions
