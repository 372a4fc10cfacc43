#include "ir/ops/math_log.h"

#include <array>
#include <limits>

#include "ir/ops/math_exp.h"

namespace lathe::ir::math {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }

// (log(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) <= 1 + f <= sqrt(2). Own minimax fit.
constexpr std::array log_f32 = {0.333333313, -0.250008225, 0.200012609, -0.166233256,
                                0.142009377, -0.131596372, 0.127666593, -0.0764180124};
// (log(m) - 2 s) / s^3 in terms of s^2, with s = (m - 1) / (m + 1), sqrt(1/2) <= m <= sqrt(2). Own minimax fits: to the
// precision of f64, and to a little more than that of f32.
constexpr std::array log_f64 = {0.66666666666666663, 0.40000000000004926, 0.28571428569409774, 0.22222222607242237,
                                0.18181778329267656, 0.1538699012925337,  0.13252117003853597, 0.13235075175893629};
constexpr std::array log_short = {0.66666666673846819, 0.39999996138768057, 0.28572063138261938, 0.22177873598300665,
                                  0.19562332314717085};

// x = m * 2^e, with m in [sqrt(1/2), sqrt(2)); e as a float. x is positive and finite.
struct Split {
    Scalar m, e;
};

Split split(Scalar x, bool denormals) {
    const FloatFormat& f = format_of(x.dtype);
    ScalarBuilder& b = *x.builder;
    const auto integer = [&](std::int64_t value) { return b.constant_int(f.bits, value); };
    Scalar offset = integer(0);
    if (denormals) {
        const bool wide = x.dtype == Dtype::f64;
        const Scalar tiny = x < number(x, wide ? 0x1p-1022 : 0x1p-126);
        x = select(tiny, x * number(x, wide ? 0x1p54 : 0x1p25), x);
        offset = select(tiny, integer(wide ? -54 : -25), integer(0));
    }
    const Scalar root_half = b.bitcast(number(x, 0.70710678118654752440), f.bits);
    const Scalar above = b.bitcast(x, f.bits) - root_half;
    const Scalar exponent = b.shr(above, integer(f.mantissa_bits)) + offset;
    const Scalar mantissa = (above & integer((std::int64_t{1} << f.mantissa_bits) - 1)) + root_half;
    return {b.bitcast(mantissa, x.dtype), b.convert(exponent, x.dtype)};
}

// log(1 + f) + e ln 2 for sqrt(1/2) <= 1 + f <= sqrt(2). In f64 the formula of fdlibm's e_log.c around our polynomial.
Scalar log_of_parts_f64(Scalar f, Scalar e) {
    const Scalar s = f / (number(f, 2) + f), z = s * s;
    const Scalar half_square = number(f, 0.5) * f * f;
    const Scalar r = z * polynomial(z, log_f64);
    const Scalar low = fma(s, half_square + r, e * number(f, f64_format.ln2_low));
    return fma(e, number(f, f64_format.ln2_high), f - (half_square - low));
}

Scalar log_of_parts_f32(Scalar f, Scalar e) {
    const Scalar square = f * f;
    const Scalar cube = square * f;
    Scalar low = fma(cube, polynomial(f, log_f32), e * number(f, f32_format.ln2_low));
    low = fma(square, number(f, -0.5), low);
    return fma(e, number(f, f32_format.ln2_high), f + low);
}

Scalar log_of_parts(Scalar f, Scalar e) {
    return f.dtype == Dtype::f64 ? log_of_parts_f64(f, e) : log_of_parts_f32(f, e);
}

// log(1 + f)
Scalar log_of_fraction(Scalar f) {
    if (f.dtype == Dtype::f64) {
        const Scalar s = f / (number(f, 2) + f), z = s * s;
        const Scalar half_square = number(f, 0.5) * f * f;
        return f - fma(-s, fma(z, polynomial(z, log_f64), half_square), half_square);
    }
    const Scalar square = f * f;
    return f + fma(square, number(f, -0.5), square * f * polynomial(f, log_f32));
}

// What a logarithm of x is: `value` where it is positive and finite.
Scalar on_positive(Scalar x, Scalar value, double pole, Scalar elsewhere) {
    const Scalar nan = number(x, std::numeric_limits<double>::quiet_NaN()), limit = number(x, pole);
    const Scalar special = select(equal(x, limit), number(x, -infinity), select(x < limit, nan, elsewhere));
    return select((x > limit) & (x < number(x, infinity)), value, special);
}

// log(x) in f64 to about 43 bits, for x that came from f32.
Scalar short_log(Scalar x) {
    const Split parts = split(x, false);
    const Scalar f = parts.m - number(x, 1), s = f / (parts.m + number(x, 1)), z = s * s;
    const Scalar m = fma(s * z, polynomial(z, log_short), s + s);
    return fma(parts.e, number(x, ln2), m);
}

struct Pair {
    Scalar high, low;  // the unevaluated sum
};

// log(x) to about 64 bits: s = (m - 1) / (m + 1), the cube term and the sums carry their rounding errors along.
Pair long_log(Scalar x) {
    const Split parts = split(x, true);
    const Scalar one = number(x, 1), f = parts.m - one;
    const Scalar u = parts.m + one;
    // The rounding error of m + 1 (Dekker's sum works both ways: m and 1 are within a factor of 2).
    const Scalar u_low = parts.m - (u - one);
    const Scalar reciprocal = one / u;
    const Scalar s = f * reciprocal;
    const Scalar s_low = (fma(-s, u, f) - s * u_low) * reciprocal;
    const Scalar z = s * s;
    const Scalar z_low = fma(s, s, -z) + (s + s) * s_low;
    const Scalar cube = s * z;
    const Scalar cube_low = fma(s, z, -cube) + s * z_low + s_low * z;
    // 2/3 in two parts; the polynomial's other terms.
    constexpr double third_high = 0.66666666666666663, third_low = 3.7007434154171886e-17;
    const Scalar third = number(x, third_high);
    const Scalar p = third * cube;
    const Scalar rest = polynomial(z, std::span<const double>(log_f64).subspan(1)) * z * cube;
    const Scalar p_low = fma(third, cube, -p) + third * cube_low + number(x, third_low) * cube;
    const Scalar twice = s + s;
    const Scalar m_high = twice + p;
    const Scalar m_low = (p - (m_high - twice)) + (p_low + (s_low + s_low) + rest);
    const Scalar exponent = parts.e * number(x, f64_format.ln2_high);
    const Scalar high = exponent + m_high;
    const Scalar swap_low = m_high - (high - exponent);
    return {high, swap_low + fma(parts.e, number(x, f64_format.ln2_low), m_low)};
}

// x^y for x > 0 finite, |y| finite.
Scalar pow_of_positive_f32(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    return b.convert(exp_f64_short(b.convert(y, Dtype::f64) * short_log(b.convert(x, Dtype::f64))), Dtype::f32);
}

Scalar pow_of_positive_f64(Scalar x, Scalar y) {
    const Pair l = long_log(x);
    const Scalar high = y * l.high;
    const Scalar low = fma(y, l.low, fma(y, l.high, -high));
    const Scalar matters = x.builder->abs(high) < number(x, 1000);
    return exp_f64_with_tail(high, select(matters, low, number(x, 0)));
}

}  // namespace

Scalar log(Scalar x) {
    const Split parts = split(x, true);
    return on_positive(x, log_of_parts(parts.m - number(x, 1), parts.e), 0, x);
}

Scalar log2(Scalar x) {
    const Split parts = split(x, true);
    return on_positive(x, fma(log_of_fraction(parts.m - number(x, 1)), number(x, log2_e), parts.e), 0, x);
}

Scalar log10(Scalar x) {
    // log10(2) in two parts, of which the first times any exponent is exact.
    const bool wide = x.dtype == Dtype::f64;
    const double high = wide ? 0.30102999566383914 : 0.301025390625;
    const double low = wide ? 1.42050232272661e-13 : 4.605038981195214e-06;
    const Split parts = split(x, true);
    const Scalar fraction = log_of_fraction(parts.m - number(x, 1));
    const Scalar rest = fma(fraction, number(x, 0.43429448190325182765), parts.e * number(x, low));
    return on_positive(x, fma(parts.e, number(x, high), rest), 0, x);
}

// log of 1 + x = m 2^e, with the exponent of the rounded sum, and m - 1 as x 2^-e + (2^-e - 1), which loses nothing
// that matters.
Scalar log1p(Scalar x) {
    const FloatFormat& f = format_of(x.dtype);
    ScalarBuilder& b = *x.builder;
    const Scalar one = number(x, 1), bits = b.constant_int(f.bits, f.mantissa_bits);
    const Scalar root_half = b.bitcast(number(x, 0.70710678118654752440), f.bits);
    const Scalar exponent = b.shr(b.bitcast(x + one, f.bits) - root_half, bits);
    const Scalar shift = b.shl(exponent, bits);
    const Scalar scaled = b.bitcast(b.bitcast(x, f.bits) - shift, x.dtype);
    // 4 * 2^-e is a normal number for every e.
    const Scalar scale = b.bitcast(b.bitcast(number(x, 4), f.bits) - shift, x.dtype);
    const Scalar fraction = fma(scale, number(x, 0.25), number(x, -1)) + scaled;
    const Scalar value = log_of_parts(fraction, b.convert(exponent, x.dtype));
    const bool wide = x.dtype == Dtype::f64;
    const Scalar small = b.abs(x) < number(x, wide ? 0x1p-54 : 0x1p-25);
    return select(small, x, on_positive(x, value, -1, x));
}

// Special cases as in C's Annex F: x^0 and 1^y are 1 whatever the other operand; a negative base wants an integer.
Scalar pow(Scalar x, Scalar y) {
    ScalarBuilder& b = *x.builder;
    const Scalar zero = number(x, 0), one = number(x, 1), infinite = number(x, infinity);
    const Scalar a = b.abs(x);
    // Infinite exponents become huge finite ones, so that they meet log(1) = 0 as a factor without making NaN.
    const double huge = x.dtype == Dtype::f64 ? 0x1p1000 : 0x1p100;
    const Scalar finite_y = at_least(at_most(y, huge), -huge);
    const Scalar ordinary = x.dtype == Dtype::f64 ? pow_of_positive_f64(a, finite_y) : pow_of_positive_f32(a, finite_y);
    const Scalar rises = y > zero;
    const Scalar of_zero = select(rises, zero, infinite), of_infinity = select(rises, infinite, zero);
    Scalar magnitude = select(equal(a, zero), of_zero, ordinary);
    magnitude = select(equal(a, infinite), of_infinity, magnitude);

    const Scalar whole = equal(b.floor(y), y), half = y * number(x, 0.5);
    const Scalar odd = whole & not_equal(b.floor(half), half);
    const FloatFormat& f = format_of(x.dtype);
    const Scalar negative = b.bitcast(x, f.bits) < b.constant_int(f.bits, 0);
    Scalar result = select(negative & odd, -magnitude, magnitude);
    const Scalar nan = number(x, std::numeric_limits<double>::quiet_NaN());
    result = select((x < zero) & (a < infinite) & !whole, nan, result);
    result = select(is_nan(x) | is_nan(y), nan, result);
    return select(equal(x, one) | equal(y, zero), one, result);
}

}  // namespace lathe::ir::math
