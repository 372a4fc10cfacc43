#include "ir/ops/math_exp.h"

#include <array>
#include <vector>

namespace lathe::ir::math {
namespace {

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }

// (exp(r) - 1 - r) / r^2 for |r| <= ln 2.
constexpr std::array exp_f32 = {0.500000536, 0.166666523, 0.0416596793, 0.0083331354, 0.001413199, 0.000201051953};
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
// -log(erfc(a)) / a - 1 for 0 <= a <= 4, or 6 for f64.
constexpr std::array erf_f32 = {0.128379166,  0.636619568,     0.102776304,    -0.0191478264,  -0.000169484469,
                                0.0016756379, -0.000637329125, 0.000118847209, -9.38579433e-06};
constexpr std::array erf_f64 = {
    0.12837916709551259,     0.63661977236758116,     0.10277260330195191,     -0.019128447009425217,
    -0.00020919463362782941, 0.0016962058612069841,   -0.00059012256073765455, 2.5866559919759245e-05,
    6.4527500723202106e-05,  -2.9803915808037799e-05, 3.5458645267738053e-06,  2.6457678298569121e-06,
    -1.5352630516847743e-06, 1.5558405224231331e-07,  2.6543402269746969e-07,  -2.1568265245538288e-07,
    1.0038632626781705e-07,  -3.4155762762295766e-08, 9.0595544678809838e-09,  -1.9117688508646254e-09,
    3.2144294970928933e-10,  -4.261043658176856e-11,  4.356336346016597e-12,   -3.3103974002382258e-13,
    1.757070536119539e-14,   -5.7970997443570601e-16, 8.9175528927510589e-18};

struct Reduced {
    Scalar r;
    Scalar shifted;  // the magic sum, whose low bits are the integer
};

// Subtracts the multiple of `unit` * ln 2 that is next to x.
Reduced reduce(Scalar x, double unit) {
    const FloatFormat& f = format_of(x.dtype);
    const Scalar magic = number(x, f.magic);
    const Scalar shifted = fma(x, number(x, log2_e / unit), magic);
    const Scalar n = shifted - magic;
    const Scalar high = fma(n, number(x, -f.ln2_high * unit), x);
    return {fma(n, number(x, -f.ln2_low * unit), high), shifted};
}

// 2^n, for n in the low bits of the magic sum; |n| below the largest exponent.
Scalar power_of_two(Scalar shifted) {
    const FloatFormat& f = format_of(shifted.dtype);
    ScalarBuilder& b = *shifted.builder;
    const Scalar exponent = b.shl(b.bitcast(shifted, f.bits), b.constant_int(f.bits, f.mantissa_bits));
    return b.bitcast(exponent + b.constant_int(f.bits, f.one), shifted.dtype);
}

// exp(x) where x is within [-104, 89], or [-746, 710] for f64. Reduces by 2 ln 2, so that two equal factors make up the
// scale: results that overflow or are denormal come out right.
Scalar exp_in_range(Scalar x, const Scalar* tail) {
    Reduced reduced = reduce(x, 2);
    if (tail != nullptr) reduced.r = reduced.r + *tail;
    const Scalar r = reduced.r, one = number(x, 1);
    const bool wide = x.dtype == Dtype::f64;
    const Scalar q = polynomial(r, wide ? std::span<const double>(exp_f64) : exp_f32);
    const Scalar p = fma(fma(q, r, one), r, one);
    const Scalar half = power_of_two(reduced.shifted);
    return p * half * half;
}

double least(Dtype d) { return d == Dtype::f64 ? -746 : -104; }
double greatest(Dtype d) { return d == Dtype::f64 ? 710 : 89; }

// exp(x) - 1 where neither it nor 1 / (it + 1) overflows; relative precision also near 0.
Scalar expm1_in_range(Scalar x) {
    const Reduced reduced = reduce(x, 1);
    const bool wide = x.dtype == Dtype::f64;
    const Scalar p = polynomial(reduced.r, wide ? std::span<const double>(expm1_f64) : expm1_f32);
    const Scalar scale = power_of_two(reduced.shifted);
    return fma(scale, p * reduced.r, scale - number(x, 1));
}

}  // namespace

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

Scalar exp(Scalar x) { return exp_in_range(at_least(at_most(x, greatest(x.dtype)), least(x.dtype)), nullptr); }

Scalar exp(Scalar x, Scalar tail) {
    return exp_in_range(at_least(at_most(x, greatest(x.dtype)), least(x.dtype)), &tail);
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
    const Scalar e = exp_in_range(at_least(-x.builder->abs(x), least(x.dtype)), nullptr);
    return select(x < number(x, 0), e, one) / (one + e);
}

// erf(a) = 1 - exp(-g(a)) with the smooth g(a) = -log(erfc(a)); from the limit on the result rounds to 1.
Scalar erf(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const Scalar a = at_most(x.builder->abs(x), wide ? 6 : 4);
    const Scalar g = fma(a, polynomial(a, wide ? std::span<const double>(erf_f64) : erf_f32), a);
    return with_sign_of(expm1_in_range(-g), x);
}

}  // namespace lathe::ir::math
