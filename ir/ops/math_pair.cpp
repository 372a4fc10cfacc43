#include "ir/ops/math_pair.h"

#include <limits>

#include "ir/ops/math_exp.h"
#include "ir/ops/math_log.h"

namespace lathe::ir::math {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }
Scalar greater(Scalar x, Scalar y) { return select((x > y) | is_nan(x), x, y); }

// The root of the sum of squares of high >= low >= 0, and what its square is too large by taken off: C. F. Borges, "An
// Improved Algorithm for hypot(a,b)", 2019. The squares neither overflow nor underflow in what counts.
Scalar hypot_f64(Scalar high, Scalar low) {
    const Scalar is_large = high > number(high, 0x1p500), is_small = high < number(high, 0x1p-450);
    const auto either = [&](double large, double small) {
        return select(is_large, number(high, large), select(is_small, number(high, small), number(high, 1)));
    };
    const Scalar scale = either(0x1p-600, 0x1p600);
    const Scalar x = high * scale, y = low * scale;
    const Scalar h = x.builder->sqrt(fma(x, x, y * y));
    const Scalar h_square = h * h, x_square = x * x;
    const Scalar excess = fma(-y, y, h_square - x_square) + fma(h, h, -h_square) - fma(x, x, -x_square);
    const Scalar corrected = h - excess / (h + h);
    return select(h > number(h, 0), corrected, h) * either(0x1p600, 0x1p-600);
}

// log(1 + e) for e in [0, 1]: the rounding error of the sum is put back to first order.
Scalar log1p_of_fraction(Scalar e) {
    const Scalar one = number(e, 1), sum = e + one;
    return log(sum) + (e - (sum - one)) / sum;
}

// The greater one, and the logarithm of 1 + base^-difference, both in units of log(base).
Scalar add_exponentials(Scalar x, Scalar y, double log_of_base) {
    const Scalar difference = x.builder->abs(x - y);
    const Scalar power = exp(-difference * number(x, log_of_base));
    const Scalar more = log1p_of_fraction(power) * number(x, 1 / log_of_base);
    return select(equal(x, y) & is_nan(difference), x, greater(x, y) + more);
}

}  // namespace

Dtype bits_of(Dtype d) { return d == Dtype::f64 ? Dtype::i64 : d == Dtype::f32 ? Dtype::i32 : Dtype::i16; }
Scalar sign_bit(ScalarBuilder& b, Dtype bits) {
    return b.constant_int(bits, std::numeric_limits<std::int64_t>::min() >> (64 - 8 * size_of(bits)));
}

Scalar hypot(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scalar a = b.abs(x), c = b.abs(y), infinite = number(x, infinity);
    Scalar h = x;
    if (x.dtype == Dtype::f64) {
        h = hypot_f64(greater(a, c), select(a > c, c, a));
    } else {
        const Scalar wide_a = b.convert(a, Dtype::f64), wide_c = b.convert(c, Dtype::f64);
        h = b.convert(b.sqrt(wide_a * wide_a + wide_c * wide_c), x.dtype);
    }
    h = select(is_nan(x) | is_nan(y), x + y, h);
    return select(equal(a, infinite) | equal(c, infinite), infinite, h);
}

Scalar logaddexp(Scalar x, Scalar y) { return add_exponentials(x, y, 1); }
Scalar logaddexp2(Scalar x, Scalar y) { return add_exponentials(x, y, ln2); }

// Factors before the last one leave what is not going to be a denormal number exact.
Scalar ldexp(Scalar x, Scalar n) {
    ScalarBuilder& b = *x.builder;
    const auto integer = [&](std::int64_t value) { return b.constant_int(Dtype::i64, value); };
    Scalar wide = b.convert(x, Dtype::f64), exponent = b.convert(n, Dtype::i64);
    for (int i = 0; i < 2; ++i) {
        const Scalar falls = exponent<integer(-1022), rises = exponent> integer(1023);
        const Scalar factor =
            select(falls, number(wide, 0x1p-969), select(rises, number(wide, 0x1p1023), number(wide, 1)));
        wide = wide * factor;
        exponent = exponent + select(falls, integer(969), select(rises, integer(-1023), integer(0)));
    }
    exponent = select(exponent < integer(-1022), integer(-1022), exponent);
    exponent = select(exponent > integer(1023), integer(1023), exponent);
    const Scalar power = b.bitcast(b.shl(exponent + integer(1023), integer(52)), Dtype::f64);
    return b.convert(wide * power, x.dtype);
}

Scalar nextafter(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Dtype bits = bits_of(x.dtype);
    const Scalar zero = number(x, 0), one = b.constant_int(bits, 1), own = b.bitcast(x, bits);
    const Scalar outwards = not_equal(x < y, x < zero);
    const Scalar moved = select(outwards, own + one, own - one);
    const Scalar least = one | (b.bitcast(y, bits) & sign_bit(b, bits));  // of y's sign, next to 0
    const Scalar next = b.bitcast(select(equal(x, zero), least, moved), x.dtype);
    const Scalar same = select(equal(x, y), y, next);
    return select(is_nan(x), x, select(is_nan(y), y, same));
}

}  // namespace lathe::ir::math
