#include "ir/ops/math_hyperbolic.h"

#include <array>
#include <limits>

#include "ir/ops/math_exp.h"
#include "ir/ops/math_log.h"

namespace lathe::ir::math {
namespace {

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }

// (sinh(r) - r) / r^3 and (cosh(r) - 1) / r^2 in terms of r^2, for |r| <= ln 2 / 2. Own minimax fits.
constexpr std::array sinh_f32 = {0.166666672, 0.00833317637, 0.0001997293};
constexpr std::array cosh_f32 = {0.5, 0.0416664556, 0.00139358686};
constexpr std::array sinh_f64 = {0.16666666666666666,    0.0083333333333344174,  0.00019841269837145769,
                                 2.7557326073308531e-06, 2.5046935848055066e-08, 1.7523444297754855e-10};
constexpr std::array cosh_f64 = {0.5,
                                 0.041666666666666685,
                                 0.0013888888888873208,
                                 2.4801587349495119e-05,
                                 2.7557251460747047e-07,
                                 2.0921910819166675e-09};

// Of |x|.
struct SinhCosh {
    Scalar sinh, cosh;
};
SinhCosh sinh_cosh(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const FloatFormat& f = format_of(x.dtype);
    ScalarBuilder& b = *x.builder;
    const Reduced reduced = reduce(at_most(b.abs(x), wide ? 710.5 : 89.5), 1);
    const Scalar r = reduced.rest, square = r * r;
    const auto p = wide ? std::span<const double>(sinh_f64) : sinh_f32;
    const auto q = wide ? std::span<const double>(cosh_f64) : cosh_f32;
    const Scalar odd = fma(r * square, polynomial(square, p), r);
    const Scalar even = fma(square, polynomial(square, q), number(x, 1));

    // 2^n / 4 and 2^-n / 4: a quarter of everything, so that nothing overflows before its end. What is too small for a
    // normal number does not count.
    const auto integer = [&](std::int64_t value) { return b.constant_int(f.bits, value); };
    const Scalar zero = integer(0), bits = integer(f.mantissa_bits);
    const Scalar n = b.bitcast(reduced.shifted, f.bits) - b.bitcast(number(x, f.magic), f.bits);
    const Scalar bias = integer((f.one >> f.mantissa_bits) - 2);
    const Scalar below = bias - n;
    const Scalar up = b.bitcast(b.shl(bias + n, bits), x.dtype);
    const Scalar down = b.bitcast(b.shl(select(below > zero, below, zero), bits), x.dtype);
    const Scalar sinh_n = up - down, cosh_n = up + down, two = number(x, 2);
    return {fma(sinh_n, even, cosh_n * odd) * two, fma(cosh_n, even, sinh_n * odd) * two};
}

// log1p(t), or where x is so large that it is all that matters log(2 x).
Scalar log1p_or_log_of_twice(Scalar t, Scalar x) {
    const Scalar large = x > number(x, x.dtype == Dtype::f64 ? 0x1p60 : 0x1p30);
    return log1p(select(large, x, t)) + select(large, number(x, ln2), number(x, 0));
}

}  // namespace

Scalar sinh(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const Scalar small = x.builder->abs(x) < number(x, wide ? 0x1p-27 : 0x1p-12);
    return select(small, x, with_sign_of(sinh_cosh(x).sinh, x));
}

Scalar cosh(Scalar x) { return sinh_cosh(x).cosh; }

// log(a + sqrt(a^2 + 1)) = log1p(a + a^2 / (1 + sqrt(a^2 + 1)))
Scalar asinh(Scalar x) {
    const Scalar a = x.builder->abs(x), one = number(x, 1), square = a * a;
    const Scalar root = x.builder->sqrt(square + one);
    const Scalar y = log1p_or_log_of_twice(a + square / (one + root), a);
    return with_sign_of(y, x);
}

// log(x + sqrt(x^2 - 1)) = log1p(t + sqrt(t (t + 2))) with t = x - 1
Scalar acosh(Scalar x) {
    const Scalar t = x - number(x, 1);
    const Scalar root = x.builder->sqrt(t * (t + number(x, 2)));
    const Scalar nan = number(x, std::numeric_limits<double>::quiet_NaN());
    return select(t < number(x, 0), nan, log1p_or_log_of_twice(t + root, x));
}

// log((1 + a) / (1 - a)) / 2 = log1p(2 a / (1 - a)) / 2
Scalar atanh(Scalar x) {
    const Scalar a = x.builder->abs(x);
    const Scalar y = log1p((a + a) / (number(x, 1) - a)) * number(x, 0.5);
    const bool wide = x.dtype == Dtype::f64;
    return select(a < number(x, wide ? 0x1p-27 : 0x1p-12), x, with_sign_of(y, x));
}

}  // namespace lathe::ir::math
