// Tensors made of nothing but a shape. The extents of a tensor that is being traced may be part of it:
// zeros({x.dim(0), 10}).
#pragma once

#include <concepts>

#include "frontend/tensor/tensor.h"

namespace lathe {

// All elements equal to a number that the dtype has.
Tensor full(const Shape& shape, double value, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor zeros(const Shape& shape, Dtype dtype = Dtype::f32, Where where = Where::current());  // all 0
Tensor ones(const Shape& shape, Dtype dtype = Dtype::f32, Where where = Where::current());   // all 1
// The same with the shape and dtype of x.
Tensor full_like(const Tensor& x, double value, Where where = Where::current());
Tensor zeros_like(const Tensor& x, Where where = Where::current());  // all 0, as x
Tensor ones_like(const Tensor& x, Where where = Where::current());   // all 1, as x
// Ones on a diagonal that starts `offset` to the right of the first element, or below it, and zeros elsewhere.
Tensor eye(Dim n, Dtype dtype = Dtype::f32, Where where = Where::current());
Tensor eye(Dim rows, Dim columns, std::int64_t offset = 0, Dtype dtype = Dtype::f32, Where where = Where::current());

// 0, 1, ..., n - 1.
Tensor arange(Dim n, Dtype dtype = Dtype::i64, Where where = Where::current());
// start, start + step, ..., up to stop, which is no part of it; they wrap in a dtype that does not hold them.
Tensor arange(Dim start, Dim stop, std::int64_t step = 1, Dtype dtype = Dtype::i64, Where where = Where::current());
namespace detail {
Tensor arange_of_floats(double start, double stop, double step, Dtype dtype, Where where);
}
// The same in steps that are no integers: start + i * step, computed in f64 and rounded once. Rounding may make it one
// more than expected: linspace says how many.
template <Number A, Number B, Number C = int>
    requires(std::floating_point<A> || std::floating_point<B> || std::floating_point<C>)
Tensor arange(A start, B stop, C step = 1, Dtype dtype = Dtype::f32, Where where = Where::current()) {
    return detail::arange_of_floats(static_cast<double>(start), static_cast<double>(stop), static_cast<double>(step),
                                    dtype, where);
}
template <std::floating_point T>
Tensor arange(T stop, Dtype dtype = Dtype::f32, Where where = Where::current()) {
    return detail::arange_of_floats(0, static_cast<double>(stop), 1, dtype, where);
}
// n numbers from start to stop at equal distances, both ends among them; computed in f64 from the nearer end, and
// rounded once. Integers are truncated. One number is `start`.
Tensor linspace(double start, double stop, Dim n, Dtype dtype = Dtype::f32, Where where = Where::current());
// Those powers of the base.
Tensor logspace(double start, double stop, Dim n, double base = 10, Dtype dtype = Dtype::f32,
                Where where = Where::current());

}  // namespace lathe
