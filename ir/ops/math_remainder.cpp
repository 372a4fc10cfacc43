// The number of steps is fixed. f32 is divided by y times ever smaller powers of two in f64, whose quotients fit 52
// bits. In f64 there would be 41 such steps. There x = n 2^d in units in which y is an integer m of 53 bits, and the
// power of two is found modulo m by squaring: products of two integers below m are exact as the sum of two f64.
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

}  // namespace

Scalar remainder(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scalar a = b.abs(x), c = b.abs(y);
    const bool wide = x.dtype == Dtype::f64;
    const Scalar r = wide ? of_magnitudes(a, c)
                          : b.convert(of_short_magnitudes(b.convert(a, Dtype::f64), b.convert(c, Dtype::f64)), x.dtype);
    const Scalar defined = (a < number(x, infinity)) & (c > number(x, 0));
    return select(defined, with_sign_of(select(a < c, a, r), x), number(x, nan));
}

Scalar floor_quotient(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scalar r = remainder(x, y);
    const auto wide = [&](Scalar v) { return b.convert(v, Dtype::f64); };
    const Scalar truncated = (wide(x) - wide(r)) / wide(y);
    const Scalar zero = number(x, 0);
    const Scalar falls = not_equal(r, zero) & ((r < zero) ^ (y < zero));
    const Scalar nearest = b.round_even(truncated);
    const Scalar quotient = b.convert(select(falls, nearest - b.constant(Dtype::f64, 1), nearest), x.dtype);
    const Scalar signed_quotient = select(equal(quotient, zero), with_sign_of(zero, x / y), quotient);
    return select(equal(y, zero), x / y, signed_quotient);
}

}  // namespace lathe::ir::math
