// Functions of each element, of operands that broadcast; choice and conversion.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

Tensor abs(const Tensor& x, Where where = Where::current());
Tensor sign(const Tensor& x, Where where = Where::current());  // of NaN NaN
Tensor floor(const Tensor& x, Where where = Where::current());
Tensor ceil(const Tensor& x, Where where = Where::current());
Tensor round(const Tensor& x, Where where = Where::current());  // of two the even one
Tensor trunc(const Tensor& x, Where where = Where::current());
Tensor exp(const Tensor& x, Where where = Where::current());
Tensor exp2(const Tensor& x, Where where = Where::current());
Tensor expm1(const Tensor& x, Where where = Where::current());
Tensor log(const Tensor& x, Where where = Where::current());
Tensor log2(const Tensor& x, Where where = Where::current());
Tensor log10(const Tensor& x, Where where = Where::current());
Tensor log1p(const Tensor& x, Where where = Where::current());
Tensor sqrt(const Tensor& x, Where where = Where::current());
Tensor rsqrt(const Tensor& x, Where where = Where::current());
Tensor tanh(const Tensor& x, Where where = Where::current());
Tensor sigmoid(const Tensor& x, Where where = Where::current());
Tensor cbrt(const Tensor& x, Where where = Where::current());
Tensor erf(const Tensor& x, Where where = Where::current());
Tensor erfc(const Tensor& x, Where where = Where::current());
Tensor erfinv(const Tensor& x, Where where = Where::current());
Tensor lgamma(const Tensor& x, Where where = Where::current());
Tensor digamma(const Tensor& x, Where where = Where::current());
// The derivative of digamma of an order from 1 to 16.
Tensor polygamma(std::int64_t order, const Tensor& x, Where where = Where::current());
Tensor sin(const Tensor& x, Where where = Where::current());
Tensor cos(const Tensor& x, Where where = Where::current());
Tensor tan(const Tensor& x, Where where = Where::current());
Tensor asin(const Tensor& x, Where where = Where::current());
Tensor acos(const Tensor& x, Where where = Where::current());
Tensor atan(const Tensor& x, Where where = Where::current());
Tensor atan2(const detail::Operand& y, const detail::Operand& x);
Tensor sinh(const Tensor& x, Where where = Where::current());
Tensor cosh(const Tensor& x, Where where = Where::current());
Tensor asinh(const Tensor& x, Where where = Where::current());
Tensor acosh(const Tensor& x, Where where = Where::current());
Tensor atanh(const Tensor& x, Where where = Where::current());
Tensor reciprocal(const Tensor& x, Where where = Where::current());  // 1 / x, of floats
Tensor square(const Tensor& x, Where where = Where::current());
Tensor isnan(const Tensor& x, Where where = Where::current());  // false for integers and booleans
Tensor isinf(const Tensor& x, Where where = Where::current());
Tensor isfinite(const Tensor& x, Where where = Where::current());
Tensor isposinf(const Tensor& x, Where where = Where::current());
Tensor isneginf(const Tensor& x, Where where = Where::current());
Tensor signbit(const Tensor& x, Where where = Where::current());  // of -0 too; of NaN either
// x - trunc(x), of floats.
Tensor frac(const Tensor& x, Where where = Where::current());
// sin(pi x) / (pi x), and 1 at 0.
Tensor sinc(const Tensor& x, Where where = Where::current());
// Of degrees, and back.
Tensor deg2rad(const Tensor& x, Where where = Where::current());
Tensor rad2deg(const Tensor& x, Where where = Where::current());
// -x log(x), 0 at 0, -inf below.
Tensor entr(const Tensor& x, Where where = Where::current());
// The part of the normal distribution that lies below x.
Tensor ndtr(const Tensor& x, Where where = Where::current());
// Of real numbers as complex ones: pi below 0, else 0. (complex_angle() is that of complex ones.)
Tensor angle(const Tensor& x, Where where = Where::current());
// The logarithm of the multivariate gamma function of that dimension, 1 or more:
// log(pi) p (p - 1) / 4 + sum over j < p of lgamma(x - j / 2).
Tensor mvlgamma(const Tensor& x, std::int64_t dimension, Where where = Where::current());
struct NanToNumOptions {
    double nan = 0;
    std::optional<double> posinf = {}, neginf = {};  // the greatest and the least finite number where left out
};
// x, with numbers in the place of NaN and of infinities, through which no derivative flows.
Tensor nan_to_num(const Tensor& x, NanToNumOptions options = {}, Where where = Where::current());
Tensor pow(const detail::Operand& x, const detail::Operand& y);
Tensor maximum(const detail::Operand& x, const detail::Operand& y);  // NaN if either is
Tensor minimum(const detail::Operand& x, const detail::Operand& y);
Tensor logical_and(const Tensor& a, const Tensor& b, Where where = Where::current());
Tensor logical_or(const Tensor& a, const Tensor& b, Where where = Where::current());
Tensor logical_not(const Tensor& a, Where where = Where::current());
Tensor bit_and(const detail::Operand& a, const detail::Operand& b);
Tensor bit_or(const detail::Operand& a, const detail::Operand& b);
Tensor bit_xor(const detail::Operand& a, const detail::Operand& b);
Tensor bit_not(const Tensor& x, Where where = Where::current());
Tensor shift_left(const detail::Operand& a, const detail::Operand& b);
Tensor shift_right(const detail::Operand& a, const detail::Operand& b);
// One of two for each element of a condition, a bool; the three broadcast.
Tensor where(const Tensor& condition, const detail::Operand& if_true, const detail::Operand& if_false);
// In another dtype. Floats become integers by truncation and saturate; NaN becomes 0.
Tensor convert(const Tensor& x, Dtype dtype, Where where = Where::current());
// x, taken as a constant by derivatives. Nothing that x was computed from is kept for them.
Tensor stop_gradient(const Tensor& x, Where where = Where::current());

}  // namespace lathe
