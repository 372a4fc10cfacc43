// Folds over axes, which the result drops unless it keeps them as extents of 1. No axes: all of them.
#pragma once

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// sum, prod: of signed integers and booleans i64, of unsigned integers u64. mean, logsumexp and what is made of means:
// of integers and booleans f64. max, min, argmax, argmin and norms of infinite p of nothing are refused.

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
// 1 of nothing.
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
// Of numbers, those that are not 0 are true; so is NaN. Of nothing, all are and none is.
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor count_nonzero(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
struct Extremes {
    Tensor min, max;
};
Extremes aminmax(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
struct ArgmaxOptions {
    bool last = false;  // of equal elements the last one's position, not the first one's
};
// The position of the greatest element, as i64, and of the least; NaN counts as either.
Tensor argmax(const Tensor& x, std::int64_t axis = -1, ArgmaxOptions options = {}, Where where = Where::current());
Tensor argmin(const Tensor& x, std::int64_t axis = -1, ArgmaxOptions options = {}, Where where = Where::current());
struct VarianceOptions {
    std::int64_t correction = 0;  // taken off the number of elements that the sum is divided by; 1 in PyTorch
    bool keep = false;
};
// The mean of the squared differences from the mean; of integers and booleans f64.
Tensor variance(const Tensor& x, const Axes& axes = {}, VarianceOptions options = {}, Where where = Where::current());
Tensor var(const Tensor& x, const Axes& axes = {}, VarianceOptions options = {}, Where where = Where::current());
// The root of the variance: std of NumPy and PyTorch, a name that C++ has for itself. Where it is 0, so is its
// derivative.
Tensor stddev(const Tensor& x, const Axes& axes = {}, VarianceOptions options = {}, Where where = Where::current());
struct NormOptions {
    double p = 2;
    bool keep = false;
};
// (sum |x|^p)^(1/p): for an infinite p the greatest or the least |x|, for 0 how many are not 0. Powers that leave the
// range of the dtype, of f16 and bf16 that of f32, make it infinite, or 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, NormOptions options = {}, Where where = Where::current());
// log(sum(exp(x))), where exp(x) may be out of range. Of nothing -inf, where the extents are known to be 0.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
// Of what is not NaN.
Tensor nansum(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor nanmean(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
// Lines whose greatest element is infinite, of either sign, give NaN; -inf beside numbers gives 0, its logarithm -inf.
Tensor softmax(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());
Tensor softmin(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());  // of -x
Tensor log_softmax(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());

}  // namespace lathe
