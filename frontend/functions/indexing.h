// Elements chosen by integers that are computed. An index out of range is an IndexError when that is computed.
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis, Where where = Where::current());
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, std::int64_t axis,
                   Where where = Where::current());
// An index outside [0, classes) is an IndexError when that is computed, as of gather and scatter_add.
Tensor one_hot(const Tensor& indices, std::int64_t classes, Dtype dtype = Dtype::f32, Where where = Where::current());

}  // namespace lathe
