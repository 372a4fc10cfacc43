// Functions of two or three operands, which broadcast. Their dtypes are the same; numbers take that of the tensors.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

// The remainder of division toward zero, with the sign of x: C's fmod, as x % y. Exact. Of integers by 0 it is 0.
Tensor fmod(const detail::Operand& x, const detail::Operand& y);
// The remainder of division toward -infinity, with the sign of y; a zero of floats has that of x. Of integers by 0 it
// is 0.
Tensor mod(const detail::Operand& x, const detail::Operand& y);
// The greatest integer that is at most x / y. Of integers by 0 it is 0. Its derivatives are 0.
Tensor floor_divide(const detail::Operand& x, const detail::Operand& y);
// x / y of floats; integers are refused.
Tensor true_divide(const detail::Operand& x, const detail::Operand& y);

// x, but not below `low` nor above `high`; where they cross, `high`. A bound may be left out: std::nullopt.
Tensor clamp(const detail::Operand& x, const detail::Operand& low, const detail::Operand& high);
Tensor clamp(const detail::Operand& x, const detail::Operand& low, std::nullopt_t = std::nullopt);
Tensor clamp(const detail::Operand& x, std::nullopt_t, const detail::Operand& high);
// start + weight * (end - start), exact at both ends.
Tensor lerp(const detail::Operand& start, const detail::Operand& end, const detail::Operand& weight);
// x * y + z, rounded once; f16 and bf16 are rounded to f32 first.
Tensor fma(const detail::Operand& x, const detail::Operand& y, const detail::Operand& z);
Tensor copysign(const detail::Operand& x, const detail::Operand& y);
// The number next to x on the way to y.
Tensor nextafter(const detail::Operand& x, const detail::Operand& y);
// x * 2^n for an i32 n, rounded once.
Tensor ldexp(const Tensor& x, const Tensor& n, Where where = Where::current());

// sqrt(x^2 + y^2), without the squares of what is large or small.
Tensor hypot(const detail::Operand& x, const detail::Operand& y);
// log(e^x + e^y) and log2(2^x + 2^y), without the powers.
Tensor logaddexp(const detail::Operand& x, const detail::Operand& y);
Tensor logaddexp2(const detail::Operand& x, const detail::Operand& y);
// x * log(y), and 0 where x is 0 and y no NaN.
Tensor xlogy(const detail::Operand& x, const detail::Operand& y);
// x * log(1 + y), likewise.
Tensor xlog1py(const detail::Operand& x, const detail::Operand& y);
struct ClosenessOptions {
    double rtol = 1e-5, atol = 1e-8;
    bool equal_nan = false;  // whether NaN is close to NaN
};
// Whether |x - y| <= atol + rtol |y|, or both are equal, infinities too; of integers computed in f64.
Tensor isclose(const Tensor& x, const Tensor& y, ClosenessOptions options = {}, Where where = Where::current());
// Whether all are: a boolean.
Tensor allclose(const Tensor& x, const Tensor& y, ClosenessOptions options = {}, Where where = Where::current());
// 0 for negative x, 1 for positive ones, `at_zero` at 0; NaN stays.
Tensor heaviside(const detail::Operand& x, const detail::Operand& at_zero);

// As maximum and minimum, but of a number and NaN the number.
Tensor fmax(const detail::Operand& x, const detail::Operand& y);
Tensor fmin(const detail::Operand& x, const detail::Operand& y);
// |x - y|, of integers also where x - y is negative and they are unsigned.
Tensor absolute_difference(const detail::Operand& x, const detail::Operand& y);
Tensor logical_xor(const Tensor& a, const Tensor& b, Where where = Where::current());  // whether one of the two is true

// Of integers, never negative but where the least one is all there is. gcd(0, 0) is 0, as is lcm(x, 0). Euclid's
// algorithm, a loop that ends when all elements are done.
Tensor gcd(const detail::Operand& x, const detail::Operand& y);
Tensor lcm(const detail::Operand& x, const detail::Operand& y);

}  // namespace lathe
