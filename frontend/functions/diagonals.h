// Diagonals and triangles of matrices. A diagonal is called by its offset to the right of the main one; negative:
// below.
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

// Of each matrix of two axes, along a new last axis.
Tensor diagonal(const Tensor& x, std::int64_t offset = 0, std::int64_t rows = 0, std::int64_t columns = 1,
                Where where = Where::current());
// The sums of the elements on it: numpy.trace. (`trace` records functions.)
Tensor matrix_trace(const Tensor& x, std::int64_t offset = 0, Where where = Where::current());
// The elements along the last axis on the diagonals of matrices, which are zero elsewhere: the last two axes.
Tensor diag_embed(const Tensor& x, std::int64_t offset = 0, Where where = Where::current());
// A matrix with a vector on its diagonal, and the diagonal of a matrix.
Tensor diag(const Tensor& x, std::int64_t offset = 0, Where where = Where::current());
// The matrices of the last two axes, with zeros above a diagonal, and below.
Tensor tril(const Tensor& x, std::int64_t offset = 0, Where where = Where::current());
Tensor triu(const Tensor& x, std::int64_t offset = 0, Where where = Where::current());

}  // namespace lathe
