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

// Parts of these sizes, one behind the other along an axis.
std::vector<Tensor> split(const Tensor& x, const std::vector<Dim>& sizes, std::int64_t axis = 0,
                          Where where = Where::current());
// At most `count` parts of one size, of which the last may be smaller, as torch.chunk. Of an extent that is not known
// while tracing always that many, and the last may be empty.
std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, std::int64_t axis = 0, Where where = Where::current());
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

}  // namespace lathe
