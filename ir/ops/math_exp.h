// The exponential and what is built on it: exp, exp2, expm1, tanh, sigmoid, erf. f32 and f64; branch-free.
//
// exp(x) = 2^n * exp(r), with n = round(x / ln 2) and r = x - n ln 2 by Cody and Waite's two-part ln 2 ("Software
// Manual for the Elementary Functions", 1980; the split of fdlibm for f64). Adding 1.5 * 2^(mantissa bits) rounds to an
// integer and leaves it in the low bits, where a shift makes it the exponent of the scale factor. The polynomials are
// our own minimax fits (Remez exchange on the relative error of the function).
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

// Constants of the two formats.
struct FloatFormat {
    Dtype bits;  // integer of the same size
    int mantissa_bits;
    std::int64_t one, sign;    // bit patterns of 1.0 and of the sign bit
    double magic;              // 1.5 * 2^mantissa_bits
    double ln2_high, ln2_low;  // the high part times any exponent is exact
};
inline constexpr FloatFormat f32_format = {
    Dtype::i32, 23, 0x3f800000, -0x80000000LL, 12582912.0, 0.693359375, -2.12194440054690583e-4};
inline constexpr FloatFormat f64_format = {Dtype::i64,
                                           52,
                                           0x3ff0000000000000,
                                           std::int64_t{-1} << 63,
                                           6755399441055744.0,
                                           6.93147180369123816490e-01,
                                           1.90821492927058770002e-10};
constexpr const FloatFormat& format_of(Dtype d) { return d == Dtype::f64 ? f64_format : f32_format; }

inline constexpr double log2_e = 1.44269504088896340736, ln2 = 0.693147180559945309417;

// A multiple n of ln 2 taken off a number.
struct Reduced {
    Scalar rest;
    Scalar shifted;  // the magic sum, whose low bits are n
};
// Subtracts the multiple of `unit` * ln 2 that is next to x.
Reduced reduce(Scalar x, double unit);

// c[0] + x * (c[1] + x * (...)) by fma.
Scalar polynomial(Scalar x, std::span<const double> coefficients);

// x limited from above or below; NaN stays NaN.
Scalar at_most(Scalar x, double high);
Scalar at_least(Scalar x, double low);

// |x| with the sign of `sign`.
Scalar with_sign_of(Scalar magnitude, Scalar sign);

Scalar exp(Scalar x);
// exp(x + tail) * factor for -104 <= x <= 89, in f64 from -752 to 710, and a tail that is tiny; rounded once where the
// product is denormal.
Scalar exp_times(Scalar x, Scalar tail, Scalar factor);
Scalar exp2(Scalar x);
Scalar expm1(Scalar x);
// exp(x) in f64, to 3e-9 of it: for results that will be rounded to f32. Beyond the range of f32 it stays beyond.
Scalar exp_f64_short(Scalar x);
// exp(x + tail) in f64, for a tail that is tiny beside x.
Scalar exp_f64_with_tail(Scalar x, Scalar tail);
Scalar tanh(Scalar x);
Scalar sigmoid(Scalar x);
Scalar erf(Scalar x);

}  // namespace lathe::ir::math
