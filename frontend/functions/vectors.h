// Vectors along an axis: products, distances, covariances, powers.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

// The vector product of vectors of three numbers. The other axes broadcast.
Tensor cross(const Tensor& a, const Tensor& b, std::int64_t axis = -1, Where where = Where::current());
// The sum of the products of their elements. The other axes broadcast.
Tensor vecdot(const Tensor& a, const Tensor& b, std::int64_t axis = -1, Where where = Where::current());
// Slices at each place of an axis whose norm exceeds `most` are made as long as that; the others stay.
Tensor renorm(const Tensor& x, double p, std::int64_t axis, double most, Where where = Where::current());
// x divided by its norm along an axis, or by `least` where that is greater.
Tensor normalize(const Tensor& x, double p = 2, std::int64_t axis = -1, double least = 1e-12,
                 Where where = Where::current());

// The p-norms of the differences of all pairs of vectors: of a [.., m, k] and b [.., n, k], [.., m, n]. Derivatives at
// distance 0 are 0.
Tensor cdist(const Tensor& a, const Tensor& b, double p = 2, Where where = Where::current());
// Of the pairs (i, j), i < j, of the vectors of x [n, k], in the order (0, 1), (0, 2) ..: [n (n - 1) / 2]. While a jit
// function is traced, this fixes n.
Tensor pdist(const Tensor& x, double p = 2, Where where = Where::current());

struct CovarianceOptions {
    std::int64_t correction = 1;         // taken off the number of observations that sums are divided by
    std::optional<Tensor> counts = {};   // how often each observation was made: integers
    std::optional<Tensor> weights = {};  // how much each counts besides: floats of x's dtype
};
// Of x [variables, observations], or of one variable, the covariances of all pairs of variables: a matrix, or of one
// variable a number.
Tensor cov(const Tensor& x, const CovarianceOptions& options = {}, Where where = Where::current());
// Divided by the standard deviations of both, in [-1, 1].
Tensor corrcoef(const Tensor& x, Where where = Where::current());

// The powers x^0, x^1, ... along a new last axis, each the one before times x.
Tensor vander(const Tensor& x, std::int64_t count, Where where = Where::current());

}  // namespace lathe
