// Differences of neighbours along an axis, and integrals.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

struct DiffOptions {
    std::int64_t order = 1;  // how often
    std::int64_t axis = -1;
    std::optional<Tensor> prepend = {};  // put in front along the axis before
    std::optional<Tensor> append = {};   // and behind
};
// x[i + 1] - x[i]; of booleans whether they differ.
Tensor diff(const Tensor& x, const DiffOptions& options = {}, Where where = Where::current());

// The sum of (y[i] + y[i + 1]) / 2 times the distance of the points: `distance`, or that of neighbours in x, which is a
// vector or broadcasts to y. The trapezoidal rule.
Tensor trapezoid(const Tensor& y, double distance = 1, std::int64_t axis = -1, Where where = Where::current());
Tensor trapezoid(const Tensor& y, const Tensor& x, std::int64_t axis = -1, Where where = Where::current());
// Up to each point but the first.
Tensor cumulative_trapezoid(const Tensor& y, double distance = 1, std::int64_t axis = -1,
                            Where where = Where::current());
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, std::int64_t axis = -1, Where where = Where::current());

}  // namespace lathe
