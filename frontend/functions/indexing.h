// Elements whose positions are data. See also x[{...}] and x.at({...}). A position out of range is an IndexError when
// it is computed; where negative ones count from the end, that is said.
#pragma once

#include <initializer_list>
#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- along one axis, whose place the positions' dimensions take

Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where = Where::current());
// The same, where negative positions count from the end: numpy.take.
Tensor take(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where = Where::current());
// Of the elements in row-major order.
Tensor take(const Tensor& x, const Tensor& indices, Where where = Where::current());
// gather() for positions of rank 1.
Tensor index_select(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where = Where::current());
// Where the positions of gather() are, one after the other in row-major order: the updates added; for positions of rank
// 1 the same, the updates themselves, and a number.
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis,
                   Where where = Where::current());
Tensor index_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis,
                 Where where = Where::current());
Tensor index_copy(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis,
                  Where where = Where::current());
// x with one number at indices of an axis.
Tensor index_fill(const Tensor& x, const Tensor& indices, double value, std::int64_t axis,
                  Where where = Where::current());

// ---- along one axis, for each line of its own; the other extents broadcast. Negative positions count from the end

Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where = Where::current());
// x with the values there, one after the other: torch.scatter, and with another update torch.scatter_reduce. Values
// broadcast to the positions. Of several for one element put has the last.
Tensor put_along_axis(const Tensor& x, const Tensor& indices, const detail::Operand& values, std::int64_t axis,
                      Update how = Update::set);

// x with another slice at one place of an axis. A negative place counts from the end.
Tensor select_scatter(const Tensor& x, const Tensor& slice, std::int64_t axis, std::int64_t place,
                      Where where = Where::current());
// x with other slices from a place of an axis on, `step` apart.
Tensor slice_scatter(const Tensor& x, const Tensor& slices, std::int64_t axis, std::int64_t start = 0,
                     std::int64_t step = 1, Where where = Where::current());

// ---- by masks of booleans, which broadcast

// The value where the mask is true, x elsewhere.
Tensor masked_fill(const Tensor& x, const Tensor& mask, const detail::Operand& value);
// The elements where it is true, in row-major order. The mask is computed now, as the result's extent is how many.
Tensor masked_select(const Tensor& x, const Tensor& mask, Where where = Where::current());

// ---- blocks

// `size` elements along each axis, from starts on that are integers [rank]. As in JAX, negative starts count from the
// end, and those that would lead outside become the nearest that do not.
Tensor dynamic_slice(const Tensor& x, const Tensor& starts, const Shape& size, Where where = Where::current());
Tensor dynamic_slice(const Tensor& x, std::initializer_list<Tensor> starts, const Shape& size,
                     Where where = Where::current());
// x with the block there.
Tensor dynamic_update_slice(const Tensor& x, const Tensor& block, const Tensor& starts, Where where = Where::current());
Tensor dynamic_update_slice(const Tensor& x, const Tensor& block, std::initializer_list<Tensor> starts,
                            Where where = Where::current());

// ---- classes

// An index outside [0, classes) is an IndexError when that is computed, as of gather and scatter_add.
Tensor one_hot(const Tensor& indices, std::int64_t classes, Dtype dtype = Dtype::f32, Where where = Where::current());
struct EmbeddingOptions {
    std::optional<std::int64_t> padding_idx = {};  // a row that derivatives leave as it is; negative: from the end
};
// The rows of a matrix that integers say: gather() along the first axis.
Tensor embedding(const Tensor& indices, const Tensor& weights, EmbeddingOptions options = {},
                 Where where = Where::current());

}  // namespace lathe
