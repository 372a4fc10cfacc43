// The same elements elsewhere. Axes may be negative: they count from the end. A result takes memory only where its
// elements are asked for and do not lie row by row in that of x: what reads it reads x.
#pragma once

#include <vector>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- other shapes

// One extent may be -1: what the others leave.
Tensor reshape(const Tensor& x, const Shape& shape, Where where = Where::current());
// The axes from `first` to `last` as one.
Tensor flatten(const Tensor& x, std::int64_t first = 0, std::int64_t last = -1, Where where = Where::current());
// One axis as several, of which one extent may be -1.
Tensor unflatten(const Tensor& x, std::int64_t axis, const Shape& shape, Where where = Where::current());
// Without the axes, whose extents are 1; without any, no axis of extent 1 is left. An extent that is not known while
// tracing does not count as 1.
Tensor squeeze(const Tensor& x, const Axes& axes = {}, Where where = Where::current());
// With axes of extent 1 at these places of the result.
Tensor unsqueeze(const Tensor& x, const Axes& axes, Where where = Where::current());
Tensor broadcast_to(const Tensor& x, const Shape& shape, Where where = Where::current());
// The same, where -1 keeps an extent.
Tensor expand(const Tensor& x, const Shape& shape, Where where = Where::current());

// ---- other orders of axes

Tensor transpose(const Tensor& x, const Axes& permutation, Where where = Where::current());
inline Tensor permute(const Tensor& x, const Axes& permutation, Where where = Where::current()) {
    return transpose(x, permutation, where);
}
// The axes `from` come to stand at `to`; the others keep their order.
Tensor movedim(const Tensor& x, const Axes& from, const Axes& to, Where where = Where::current());
Tensor swapaxes(const Tensor& x, std::int64_t a, std::int64_t b, Where where = Where::current());  // axis a for axis b

// ---- other orders of elements

// The last first, along the axes; without any, along all.
Tensor flip(const Tensor& x, const Axes& axes = {}, Where where = Where::current());
// By a number of places toward the end along each axis; what leaves there comes in at the start.
Tensor roll(const Tensor& x, std::int64_t shift, std::int64_t axis, Where where = Where::current());
// By a number of places for each of several axes.
Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts, const Axes& axes, Where where = Where::current());
// In row-major order.
Tensor roll(const Tensor& x, std::int64_t shift, Where where = Where::current());
// By so many quarter turns, from the first of the axes toward the second.
Tensor rot90(const Tensor& x, std::int64_t turns = 1, const Axes& axes = {0, 1}, Where where = Where::current());

// ---- parts

// `size` elements along each axis, from `start` on. See also x[{...}].
Tensor slice(const Tensor& x, Shape start, Shape size, Where where = Where::current());
// The same along one axis.
Tensor narrow(const Tensor& x, std::int64_t axis, Dim start, Dim size, Where where = Where::current());
// y[i, j, ...] = element offset + i * stride + j * stride ... of those of x in row-major order. Strides may be 0 or
// negative, and elements come several times.
Tensor as_strided(const Tensor& x, const Shape& shape, Shape strides, Dim offset = 0, Where where = Where::current());

// ---- more of the same

// All of x, so many times along each axis, the last count for the last one: numpy.tile, torch.Tensor.repeat.
Tensor tile(const Tensor& x, const Shape& counts, Where where = Where::current());
// Each element so many times along an axis: numpy.repeat. (`repeat` means one in NumPy and the other in PyTorch.)
Tensor repeat_interleave(const Tensor& x, Dim count, std::int64_t axis, Where where = Where::current());
// Each element as often as integers say, one for each; they are computed now, as the result's extent is their sum.
Tensor repeat_interleave(const Tensor& x, const Tensor& counts, std::int64_t axis, Where where = Where::current());
// With so many elements of `fill` before the first along each axis, and behind the last; negative: without so many.
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, double fill = 0, Where where = Where::current());
enum class PadMode : std::uint8_t {
    reflect,    // mirrored at the first element and at the last, which are not repeated
    replicate,  // the first and the last element again
    circular,   // from the other end
};
// The same with elements of x.
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, PadMode mode, Where where = Where::current());

}  // namespace lathe
