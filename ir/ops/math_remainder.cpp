// Most quotients are short: one division and a fused multiply-add give what remains. For the others the number of steps
// is fixed. f32 is divided by y times ever smaller powers of two in f64, whose quotients fit 52 bits. In f64 there
// would be 41 such steps. There x = n 2^d in units in which y is an integer m of 53 bits, and the power of two is found
// modulo m by squaring: products of two integers below m are exact as the sum of two f64.
#include "ir/ops/math_remainder.h"

#include <cmath>
#include <limits>

#include "ir/ops/math_exp.h"

namespace lathe::ir::math {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }
Scalar integer(Scalar like, std::int64_t value) { return like.builder->constant_int(Dtype::i64, value); }
Scalar raised(Scalar r, Scalar m) { return select(r < number(r, 0), r + m, r); }

// Of magnitudes that came from f32: the quotient of the first step is below 2^277 / 2^260.
Scalar of_short_magnitudes(Scalar x, Scalar y) {
    Scalar r = x;
    for (int shift = 260; shift >= 0; shift -= 52) {
        const Scalar unit = y * number(y, std::ldexp(1.0, shift));
        // At most one too large.
        const Scalar quotient = x.builder->floor(r / unit);
        r = raised(fma(-quotient, unit, r), unit);
    }
    return r;
}

// 2^exponent, for one of a normal number.
Scalar power_of_two(Scalar exponent) {
    ScalarBuilder& b = *exponent.builder;
    return b.bitcast(b.shl(exponent + integer(exponent, 1023), integer(exponent, 52)), Dtype::f64);
}

// A positive finite f64 as n 2^exponent, with 2^52 <= n < 2^53.
struct Scaled {
    Scalar n, exponent;
};
Scaled scaled(Scalar x) {
    ScalarBuilder& b = *x.builder;
    const Scalar tiny = x < number(x, 0x1p-1022);
    const Scalar bits = b.bitcast(select(tiny, x * number(x, 0x1p54), x), Dtype::i64);
    const Scalar bias = select(tiny, integer(x, 1075 + 54), integer(x, 1075));
    const Scalar mantissa = bits & integer(x, (std::int64_t{1} << 52) - 1);
    return {b.bitcast(mantissa | integer(x, std::int64_t{1075} << 52), Dtype::f64), b.shr(bits, integer(x, 52)) - bias};
}

// x y mod m, for integers 0 <= x, y < m.
Scalar product_modulo(Scalar x, Scalar y, Scalar m) {
    const Scalar high = x * y, low = fma(x, y, -high);
    const Scalar quotient = x.builder->round_even(high / m);
    const Scalar r = raised(fma(-quotient, m, high), m);  // in [0, m]
    return raised(select(low < number(low, 0), r, r - m) + low, m);
}

// Of positive finite x >= y.
Scalar of_magnitudes(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scaled dividend = scaled(x), divisor = scaled(y);
    const Scalar m = divisor.n, difference = dividend.exponent - divisor.exponent;
    const Scalar d = select(difference < integer(x, 0), integer(x, 0), difference);  // below 2^12
    constexpr int low_bits = 6;
    Scalar power = power_of_two(b.shr(d, integer(x, low_bits)));
    for (int bit = low_bits - 1; bit >= 0; --bit) {
        power = product_modulo(power, power, m);
        const Scalar twice = power + power;
        const Scalar doubled = select(twice >= m, twice - m, twice);
        const Scalar is_set = not_equal(d & integer(x, std::int64_t{1} << bit), integer(x, 0));
        power = select(is_set, doubled, power);
    }
    const Scalar n = select(dividend.n >= m, dividend.n - m, dividend.n);
    const Scalar half = b.shr(divisor.exponent, integer(x, 1));
    return product_modulo(power, n, m) * power_of_two(half) * power_of_two(divisor.exponent - half);
}

Scalar long_remainder(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    if (x.dtype == Dtype::f64) return of_magnitudes(x, y);
    return b.convert(of_short_magnitudes(b.convert(x, Dtype::f64), b.convert(y, Dtype::f64)), x.dtype);
}

// x / y of magnitudes, cut to an integer, and what remains; where the quotient is too long, neither means anything.
// Rounded and then cut, it is at most one too large, and what remains of so many y has no more digits than y.
struct ShortDivision {
    Scalar is_too_long, quotient, remainder;
};
ShortDivision short_division(Scalar x, Scalar y, Scalar ratio) {
    const Scalar n = x.builder->floor(ratio), r = fma(-n, y, x);
    const Scalar one_too_large = r < number(r, 0);
    return {ratio >= number(x, x.dtype == Dtype::f64 ? 0x1p53 : 0x1p24), select(one_too_large, n - number(n, 1), n),
            select(x < y, x, select(one_too_large, r + y, r))};
}

}  // namespace

Scalar remainder(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scalar a = b.abs(x), c = b.abs(y);
    const ShortDivision division = short_division(a, c, a / c);
    const Scalar r = select_rarely(division.is_too_long, long_remainder(a, c), division.remainder);
    const Scalar defined = (a < number(x, infinity)) & (c > number(x, 0));
    return select(defined, with_sign_of(r, x), number(x, nan));
}

Scalar floor_quotient(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scalar zero = number(x, 0), ratio = x / y, a = b.abs(x), c = b.abs(y);
    const ShortDivision division = short_division(a, c, b.abs(ratio));
    const Scalar falls = (x < zero) ^ (y < zero);  // below what the quotient was cut to, where something remains
    const auto rounded = [&](Scalar quotient, Scalar remainder) {
        const Scalar next = quotient + number(quotient, 1);
        return select(falls & not_equal(remainder, number(remainder, 0)), next, quotient);
    };
    const Scalar r = long_remainder(a, c);
    const auto wide = [&](Scalar v) { return b.convert(v, Dtype::f64); };
    const Scalar long_quotient = b.round_even((wide(a) - wide(r)) / wide(c));
    const Scalar magnitude = select_rarely(division.is_too_long, b.convert(rounded(long_quotient, r), x.dtype),
                                           rounded(division.quotient, division.remainder));
    const Scalar quotient = select(a < number(x, infinity), with_sign_of(magnitude, ratio), number(x, nan));
    return select(equal(y, zero), ratio, quotient);
}

}  // namespace lathe::ir::math
