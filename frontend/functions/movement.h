// The same elements elsewhere. Axes may be negative: they count from the end.
#pragma once

#include <initializer_list>
#include <span>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// One extent may be -1: what the others leave.
Tensor reshape(const Tensor& x, const Shape& shape, Where where = Where::current());
Tensor transpose(const Tensor& x, const Axes& permutation, Where where = Where::current());
Tensor broadcast_to(const Tensor& x, const Shape& shape, Where where = Where::current());
// `size` elements along each axis, from `start` on. See also x[{...}].
Tensor slice(const Tensor& x, Shape start, Shape size, Where where = Where::current());
// With so many elements of `fill` before the first along each axis, and behind the last; negative: without so many.
Tensor pad(const Tensor& x, const Shape& low, const Shape& high, double fill = 0, Where where = Where::current());
Tensor concat(std::span<const Tensor> parts, std::int64_t axis, Where where = Where::current());
inline Tensor concat(std::initializer_list<Tensor> parts, std::int64_t axis, Where where = Where::current()) {
    return concat(std::span<const Tensor>(parts.begin(), parts.size()), axis, where);
}

}  // namespace lathe
