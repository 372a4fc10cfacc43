#include "ir/ops/math_exp.h"

#include <array>
#include <vector>

namespace lathe::ir::math {
namespace {

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }

// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2; the short one is within 1e-7 of exp(r).
constexpr std::array exp_f32 = {0.49999994, 0.166665211, 0.041668389, 0.00836874545, 0.00138146};
constexpr std::array exp_f32_short = {0.499992311, 0.166671157, 0.0418903306, 0.00831250101};
// The same for |r| <= ln 2.
constexpr std::array exp_f64 = {0.5,
                                0.16666666666666655,
                                0.041666666666667254,
                                0.0083333333333377932,
                                0.0013888888888805523,
                                0.00019841269835921591,
                                2.4801587354126123e-05,
                                2.7557322277581104e-06,
                                2.755730306002508e-07,
                                2.5051208344460897e-08,
                                2.0879045908689968e-09,
                                1.6191263163071401e-10,
                                1.1378408004420249e-11};
// (exp(r) - 1) / r for |r| <= ln 2 / 2.
constexpr std::array expm1_f32 = {1.0, 0.5, 0.166665316, 0.041666165, 0.00836803485, 0.00139737024};
constexpr std::array expm1_f64 = {1.0,
                                  0.5,
                                  0.1666666666666668,
                                  0.041666666666666491,
                                  0.0083333333333196983,
                                  0.0013888888888965152,
                                  0.00019841269889818333,
                                  2.4801587172459561e-05,
                                  2.7557241136016147e-06,
                                  2.755739991741824e-07,
                                  2.5109965287485987e-08,
                                  2.0876743389610041e-09};
// erf(x) = x P(x^2) / Q(x^2) for |x| <= 3.85, where the quotient is 1 to the precision of f32.
constexpr std::array erf_f32_above = {1.12837911,    0.187840432,    0.0524723306,
                                      0.00367149524, 0.000285623857, 2.10879398e-06};
constexpr std::array erf_f32_below = {1.0, 0.499802142, 0.113105446, 0.0147800623, 0.00114491454, 3.87345244e-05};
// -log(erfc(a)) / a - 1 for 0 <= a <= 6.
constexpr std::array erf_f64_exponent = {
    0.12837916709551259,     0.63661977236758116,     0.10277260330195191,     -0.019128447009425217,
    -0.00020919463362782941, 0.0016962058612069841,   -0.00059012256073765455, 2.5866559919759245e-05,
    6.4527500723202106e-05,  -2.9803915808037799e-05, 3.5458645267738053e-06,  2.6457678298569121e-06,
    -1.5352630516847743e-06, 1.5558405224231331e-07,  2.6543402269746969e-07,  -2.1568265245538288e-07,
    1.0038632626781705e-07,  -3.4155762762295766e-08, 9.0595544678809838e-09,  -1.9117688508646254e-09,
    3.2144294970928933e-10,  -4.261043658176856e-11,  4.356336346016597e-12,   -3.3103974002382258e-13,
    1.757070536119539e-14,   -5.7970997443570601e-16, 8.9175528927510589e-18};

// 2^n, for n in the low bits of the magic sum; |n| below the largest exponent.
Scalar power_of_two(Scalar shifted) {
    const FloatFormat& f = format_of(shifted.dtype);
    ScalarBuilder& b = *shifted.builder;
    const Scalar exponent = b.shl(b.bitcast(shifted, f.bits), b.constant_int(f.bits, f.mantissa_bits));
    return b.bitcast(exponent + b.constant_int(f.bits, f.one), shifted.dtype);
}

// (q(r) r + 1) r + 1
Scalar exp_polynomial(Scalar r, std::span<const double> q) {
    const Scalar one = number(r, 1);
    return fma(fma(polynomial(r, q), r, one), r, one);
}

// exp(r) 2^n for f32. The scale is two factors, so that results that overflow or are denormal come out right; halving
// the exponent costs integer operations, which run beside those of the polynomial.
Scalar scaled_exp_f32(const Reduced& reduced, std::span<const double> q, const Scalar* factor = nullptr) {
    ScalarBuilder& b = *reduced.rest.builder;
    const auto integer = [&](std::int64_t value) { return b.constant_int(Dtype::i32, value); };
    const Scalar n = b.bitcast(reduced.shifted, Dtype::i32), to_exponent = integer(f32_format.mantissa_bits);
    const Scalar half = b.shl(b.shr(n, integer(1)), to_exponent), rest = b.shl(n, to_exponent) - half;
    const auto power = [&](Scalar exponent) { return b.bitcast(exponent + integer(f32_format.one), Dtype::f32); };
    const Scalar e = exp_polynomial(reduced.rest, q);
    return (factor == nullptr ? e : e * *factor) * power(half) * power(rest);
}

// exp(x) for f32 where x is within [-104, 89].
Scalar exp_in_range_f32(Scalar x, std::span<const double> q) { return scaled_exp_f32(reduce(x, 1), q); }

// exp(x + tail) for f64 where x is within [-746, 710]. Reduces by 2 ln 2, so that two equal factors make up the scale.
Scalar exp_in_range_f64(Scalar x, const Scalar* tail) {
    Reduced reduced = reduce(x, 2);
    if (tail != nullptr) reduced.rest = reduced.rest + *tail;
    const Scalar half = power_of_two(reduced.shifted);
    return exp_polynomial(reduced.rest, exp_f64) * half * half;
}

double least(Dtype d) { return d == Dtype::f64 ? -746 : -104; }
double greatest(Dtype d) { return d == Dtype::f64 ? 710 : 89; }

// exp(x) - 1 where neither it nor 1 / (it + 1) overflows; relative precision also near 0.
Scalar expm1_in_range(Scalar x) {
    const Reduced reduced = reduce(x, 1);
    const bool wide = x.dtype == Dtype::f64;
    const Scalar p = polynomial(reduced.rest, wide ? std::span<const double>(expm1_f64) : expm1_f32);
    const Scalar scale = power_of_two(reduced.shifted);
    return fma(scale, p * reduced.rest, scale - number(x, 1));
}

}  // namespace

Reduced reduce(Scalar x, double unit) {
    const FloatFormat& f = format_of(x.dtype);
    const Scalar magic = number(x, f.magic);
    const Scalar shifted = fma(x, number(x, log2_e / unit), magic);
    const Scalar n = shifted - magic;
    const Scalar high = fma(n, number(x, -f.ln2_high * unit), x);
    return {fma(n, number(x, -f.ln2_low * unit), high), shifted};
}

Scalar polynomial(Scalar x, std::span<const double> coefficients) {
    Scalar sum = number(x, coefficients.back());
    for (std::size_t i = coefficients.size() - 1; i-- > 0;) sum = fma(sum, x, number(x, coefficients[i]));
    return sum;
}

Scalar at_most(Scalar x, double high) {
    const Scalar limit = number(x, high);
    return select(x > limit, limit, x);
}

Scalar at_least(Scalar x, double low) {
    const Scalar limit = number(x, low);
    return select(x < limit, limit, x);
}

Scalar with_sign_of(Scalar magnitude, Scalar sign) {
    const FloatFormat& f = format_of(sign.dtype);
    ScalarBuilder& b = *sign.builder;
    const Scalar sign_bit = b.constant_int(f.bits, f.sign);
    const Scalar own = b.bitcast(b.abs(magnitude), f.bits);
    return b.bitcast(own | (b.bitcast(sign, f.bits) & sign_bit), sign.dtype);
}

Scalar exp(Scalar x) {
    const Scalar a = at_least(at_most(x, greatest(x.dtype)), least(x.dtype));
    return x.dtype == Dtype::f64 ? exp_in_range_f64(a, nullptr) : exp_in_range_f32(a, exp_f32);
}

Scalar exp_times(Scalar x, Scalar tail, Scalar factor) {
    const bool wide = x.dtype == Dtype::f64;
    Reduced reduced = reduce(x, wide ? 2 : 1);
    reduced.rest = reduced.rest + tail;
    if (!wide) return scaled_exp_f32(reduced, exp_f32, &factor);
    const Scalar half = power_of_two(reduced.shifted);
    return exp_polynomial(reduced.rest, exp_f64) * factor * half * half;
}

// With x = n + r, or 2 n + r in f64: exp(r ln 2), scaled.
Scalar exp2(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const Scalar a = at_least(at_most(x, wide ? 1025 : 129), wide ? -1076 : -151);
    const FloatFormat& f = format_of(x.dtype);
    const Scalar magic = number(x, f.magic);
    const Scalar shifted = wide ? fma(a, number(x, 0.5), magic) : a + magic, n = shifted - magic;
    const Scalar r = (wide ? fma(n, number(x, -2), a) : a - n) * number(x, ln2);
    if (!wide) return scaled_exp_f32({r, shifted}, exp_f32);
    const Scalar half = power_of_two(shifted);
    return exp_polynomial(r, exp_f64) * half * half;
}

// 2^n (e^r - 1) + (2^n - 1), of which half is computed: it does not overflow before the result does.
Scalar expm1(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const FloatFormat& f = format_of(x.dtype);
    ScalarBuilder& b = *x.builder;
    const Reduced reduced = reduce(at_least(at_most(x, greatest(x.dtype)), wide ? -60 : -40), 1);
    const Scalar p = polynomial(reduced.rest, wide ? std::span<const double>(expm1_f64) : expm1_f32) * reduced.rest;
    const Scalar exponent = b.shl(b.bitcast(reduced.shifted, f.bits), b.constant_int(f.bits, f.mantissa_bits));
    const std::int64_t half = f.one - (std::int64_t{1} << f.mantissa_bits);
    const Scalar scale = b.bitcast(exponent + b.constant_int(f.bits, half), x.dtype);
    const Scalar y = fma(scale, p, scale - number(x, 0.5)) * number(x, 2);
    return select(b.abs(x) < number(x, wide ? 0x1p-54 : 0x1p-25), x, y);
}

Scalar exp_f64_short(Scalar x) {
    const Scalar a = at_least(at_most(x, 95), -110);
    const Scalar magic = number(x, f64_format.magic);
    const Scalar shifted = fma(a, number(x, log2_e), magic);
    const Scalar r = fma(shifted - magic, number(x, -ln2), a);
    return exp_polynomial(r, exp_f32) * power_of_two(shifted);
}

Scalar exp_f64_with_tail(Scalar x, Scalar tail) {
    return exp_in_range_f64(at_least(at_most(x, greatest(x.dtype)), least(x.dtype)), &tail);
}

// (e^2a - 1) / (e^2a + 1); from the limit on the result rounds to 1.
Scalar tanh(Scalar x) {
    const Scalar a = at_most(x.builder->abs(x), x.dtype == Dtype::f64 ? 20 : 9.5);
    const Scalar e = expm1_in_range(a + a);
    return with_sign_of(e / (e + number(x, 2)), x);
}

// 1 / (1 + e^-x) for x >= 0 and e^x / (1 + e^x) for x < 0: never loses relative precision.
Scalar sigmoid(Scalar x) {
    const Scalar one = number(x, 1);
    const Scalar a = at_least(-x.builder->abs(x), least(x.dtype));
    const Scalar e = x.dtype == Dtype::f64 ? exp_in_range_f64(a, nullptr) : exp_in_range_f32(a, exp_f32_short);
    return select(x < number(x, 0), e, one) / (one + e);
}

namespace {

// The two polynomials do not wait for each other, and the division runs beside other work.
Scalar erf_f32(Scalar x) {
    const Scalar a = at_least(at_most(x, 3.85), -3.85), z = a * a;
    const Scalar y = a * polynomial(z, erf_f32_above) / polynomial(z, erf_f32_below);
    return at_least(at_most(y, 1), -1);
}

// erf(a) = 1 - exp(-g(a)) with the smooth g(a) = -log(erfc(a)); from the limit on the result rounds to 1.
Scalar erf_f64(Scalar x) {
    const Scalar a = at_most(x.builder->abs(x), 6);
    const Scalar g = fma(a, polynomial(a, erf_f64_exponent), a);
    return with_sign_of(expm1_in_range(-g), x);
}

}  // namespace

Scalar erf(Scalar x) { return x.dtype == Dtype::f64 ? erf_f64(x) : erf_f32(x); }

}  // namespace lathe::ir::math
