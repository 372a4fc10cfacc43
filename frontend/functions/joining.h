// Tensors put together, and taken apart. Axes may be negative: they count from the end.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe {

// One behind the other along an axis.
Tensor concat(std::span<const Tensor> parts, std::int64_t axis, Where where = Where::current());
// Side by side along a new axis, at this place of the result; all of one shape.
Tensor stack(std::span<const Tensor> parts, std::int64_t axis = 0, Where where = Where::current());
// Along the second axis, vectors along their only one; and along the first, where a vector is a row.
Tensor hstack(std::span<const Tensor> parts, Where where = Where::current());
Tensor vstack(std::span<const Tensor> parts, Where where = Where::current());

inline Tensor concat(std::initializer_list<Tensor> parts, std::int64_t axis, Where where = Where::current()) {
    return concat(std::span<const Tensor>(parts.begin(), parts.size()), axis, where);
}
inline Tensor stack(std::initializer_list<Tensor> parts, std::int64_t axis = 0, Where where = Where::current()) {
    return stack(std::span<const Tensor>(parts.begin(), parts.size()), axis, where);
}
inline Tensor hstack(std::initializer_list<Tensor> parts, Where where = Where::current()) {
    return hstack(std::span<const Tensor>(parts.begin(), parts.size()), where);
}
inline Tensor vstack(std::initializer_list<Tensor> parts, Where where = Where::current()) {
    return vstack(std::span<const Tensor>(parts.begin(), parts.size()), where);
}

// Along the third axis, with axes of extent 1 for those that are missing: a vector is [1, n, 1], a matrix [m, n, 1].
Tensor dstack(std::span<const Tensor> parts, Where where = Where::current());
// Along the second axis, where a vector is a column.
Tensor column_stack(std::span<const Tensor> parts, Where where = Where::current());
// Matrices along a diagonal of blocks, of zeros elsewhere; a vector is a row, a number a matrix of one.
Tensor block_diag(std::span<const Tensor> parts, Where where = Where::current());
inline Tensor dstack(std::initializer_list<Tensor> parts, Where where = Where::current()) {
    return dstack(std::span<const Tensor>(parts.begin(), parts.size()), where);
}
inline Tensor column_stack(std::initializer_list<Tensor> parts, Where where = Where::current()) {
    return column_stack(std::span<const Tensor>(parts.begin(), parts.size()), where);
}
inline Tensor block_diag(std::initializer_list<Tensor> parts, Where where = Where::current()) {
    return block_diag(std::span<const Tensor>(parts.begin(), parts.size()), where);
}

// Parts of these sizes, one behind the other along an axis.
std::vector<Tensor> split(const Tensor& x, const std::vector<Dim>& sizes, std::int64_t axis = 0,
                          Where where = Where::current());
// At most `count` parts of one size, of which the last may be smaller, as torch.chunk. Of an extent that is not known
// while tracing always that many, and the last may be empty.
std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, std::int64_t axis = 0, Where where = Where::current());
// Exactly `count` parts whose sizes differ by one at most, the greater ones first: numpy.array_split.
std::vector<Tensor> tensor_split(const Tensor& x, std::int64_t count, std::int64_t axis = 0,
                                 Where where = Where::current());
// The parts between these places, which are sorted: numpy.split. They may be negative: they count from the end. While a
// jit function is traced, this fixes the extent.
std::vector<Tensor> tensor_split(const Tensor& x, const std::vector<std::int64_t>& places, std::int64_t axis = 0,
                                 Where where = Where::current());
// Along the second axis, vectors along their only one; along the first; along the third.
std::vector<Tensor> hsplit(const Tensor& x, std::int64_t count, Where where = Where::current());
std::vector<Tensor> vsplit(const Tensor& x, std::int64_t count, Where where = Where::current());
std::vector<Tensor> dsplit(const Tensor& x, std::int64_t count, Where where = Where::current());
// One for each place along an axis, which goes. While a jit function is traced, this fixes the extent.
std::vector<Tensor> unbind(const Tensor& x, std::int64_t axis = 0, Where where = Where::current());

enum class MeshIndexing : std::uint8_t {
    ij,  // the first vector runs along the first axis
    xy,  // the first two axes are exchanged: columns, then rows
};
// Of vectors x, y, ...: x[i], y[j], ... for each (i, j, ...).
std::vector<Tensor> meshgrid(std::span<const Tensor> vectors, MeshIndexing indexing = MeshIndexing::ij,
                             Where where = Where::current());
inline std::vector<Tensor> meshgrid(std::initializer_list<Tensor> vectors, MeshIndexing indexing = MeshIndexing::ij,
                                    Where where = Where::current()) {
    return meshgrid(std::span<const Tensor>(vectors.begin(), vectors.size()), indexing, where);
}

// All of them in the shape that they broadcast to together: torch.broadcast_tensors, numpy.broadcast_arrays.
std::vector<Tensor> broadcast_tensors(std::span<const Tensor> parts, Where where = Where::current());
inline std::vector<Tensor> broadcast_tensors(std::initializer_list<Tensor> parts, Where where = Where::current()) {
    return broadcast_tensors(std::span<const Tensor>(parts.begin(), parts.size()), where);
}

// All pairs, triples ... of an element of each vector, the last vector's fastest: [pairs, vectors].
Tensor cartesian_prod(std::span<const Tensor> vectors, Where where = Where::current());
inline Tensor cartesian_prod(std::initializer_list<Tensor> vectors, Where where = Where::current()) {
    return cartesian_prod(std::span<const Tensor>(vectors.begin(), vectors.size()), where);
}
// All choices of `count` elements of a vector in their order, [choices, count]; the same one more than once where it
// may be repeated. While a jit function is traced, this fixes the extent.
Tensor combinations(const Tensor& x, std::int64_t count = 2, bool repeated = false, Where where = Where::current());

}  // namespace lathe
