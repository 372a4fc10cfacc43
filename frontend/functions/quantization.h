// Floats as small integers: x is about (q - zero) * scale.
#pragma once

#include <cstdint>

#include "frontend/tensor/tensor.h"

namespace lathe {

// Scale and zero are single numbers, or one for each index of an axis.
struct QuantizeOptions {
    Dtype dtype = Dtype::u8;  // of the result: i8, u8, i16, u16 or i32
    Tensor zero = {};         // integers, if not empty: what 0 becomes
    std::int64_t axis = 1;    // that scale and zero go along, where they are vectors
};
// round(x / scale) + zero: to the nearest, of two the even one; the least or greatest integer beyond the range, 0 of
// NaN.
Tensor quantize(const Tensor& x, const Tensor& scale, const QuantizeOptions& options = {},
                Where where = Where::current());
// (q - zero) * scale, in the scale's dtype.
Tensor dequantize(const Tensor& q, const Tensor& scale, const QuantizeOptions& options = {},
                  Where where = Where::current());
// Both, one after the other: x as it would be. The derivative is that of x, 0 where x is out of range.
Tensor fake_quantize(const Tensor& x, const Tensor& scale, const QuantizeOptions& options = {},
                     Where where = Where::current());

struct IntegerMatmulOptions {
    Tensor a_zero = {}, b_zero = {};  // single integers, if not empty, that are taken off
};
// The product of matrices of i8 or u8 in i32, exact but that it wraps there.
Tensor integer_matmul(const Tensor& a, const Tensor& b, const IntegerMatmulOptions& options = {},
                      Where where = Where::current());

}  // namespace lathe
