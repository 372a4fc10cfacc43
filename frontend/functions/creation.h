// Tensors made of nothing but a shape. The extents of a tensor that is being traced may be part of it:
// zeros({x.dim(0), 10}).
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

Tensor full(const Shape& shape, double value, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor zeros(const Shape& shape, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor ones(const Shape& shape, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor zeros_like(const Tensor& x, Where where = Where::current());
Tensor ones_like(const Tensor& x, Where where = Where::current());
// 0, 1, ..., n - 1.
Tensor arange(Dim n, Dtype dtype = Dtype::i64, Where where = Where::current());

}  // namespace lathe
