// Folds over axes, which the result drops unless it keeps them as extents of 1. No axes: all of them.
#pragma once

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// sum: of signed integers and booleans i64, of unsigned integers u64. mean: of integers and booleans f64. max, min,
// argmax and argmin of nothing are refused.

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = Where::current());
struct ArgmaxOptions {
    bool last = false;  // of equal elements the last one's position, not the first one's
};
// The position of the greatest element, as i64, and of the least; NaN counts as either.
Tensor argmax(const Tensor& x, std::int64_t axis = -1, ArgmaxOptions options = {}, Where where = Where::current());
Tensor argmin(const Tensor& x, std::int64_t axis = -1, ArgmaxOptions options = {}, Where where = Where::current());
struct VarianceOptions {
    std::int64_t correction = 0;  // taken off the number of elements that the sum is divided by
    bool keep = false;
};
// The mean of the squared differences from the mean; of integers and booleans f64.
Tensor variance(const Tensor& x, const Axes& axes = {}, VarianceOptions options = {}, Where where = Where::current());
Tensor softmax(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());
Tensor log_softmax(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());

}  // namespace lathe
