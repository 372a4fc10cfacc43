#include "ir/ops/math_trigonometric.h"

#include <array>
#include <limits>
#include <numbers>

#include "ir/ops/math_exp.h"

namespace lathe::ir::math {
namespace {

using Coefficients = std::span<const double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 in terms of r^2, for |r| <= pi / 4 and a little more.
constexpr std::array sin_f32 = {-0.166666538, 0.00833210628, -0.000195078828};
constexpr std::array sin_f64 = {-0.1666666666666663,    0.0083333333333217453,   -0.00019841269829238564,
                                2.7557313486757654e-06, -2.5050725114634563e-08, 1.5894842438286672e-10};
constexpr std::array cos_f32 = {0.0416666456, -0.00138873048, 2.44314251e-05};
constexpr std::array cos_f64 = {0.041666666666666588,    -0.0013888888888872186, 2.480158728829543e-05,
                                -2.7557314015147515e-07, 2.087567808988902e-09,  -1.1357337060170661e-11};
// (asin(x) - x) / x^3 in terms of x^2, for |x| <= 1 / 2.
constexpr std::array asin_f32 = {0.166667521, 0.0749530643, 0.0454697721, 0.0241807699, 0.0421664305};
constexpr std::array asin_f64 = {0.16666666666665403,  0.075000000003385581,  0.044642856826973575,
                                 0.030381959195641135, 0.022371756584405919,  0.017359727678581596,
                                 0.013885001771480006, 0.012170791130430847,  0.0065209599808514727,
                                 0.019547942689780839, -0.016255848778914946, 0.031934398771731626};
// (atan(x) - x) / x^3 in terms of x^2, for |x| <= 1.
constexpr std::array atan_f32 = {-0.333332986, 0.199985296,  -0.142640144, 0.109508604,   -0.0839920193,
                                 0.057878688,  -0.031093264, 0.0108660776, -0.00178209017};
constexpr std::array atan_f64 = {
    -0.33333333333333071,   0.1999999999995174,     -0.14285714282581971,    0.11111111006996688,
    -0.09090906999159365,   0.076922797634253332,   -0.066664032316359312,   0.05880521901021981,
    -0.052534878749304535,  0.047221980769399839,   -0.042187692320290432,   0.036630815282714002,
    -0.029879739098908335,  0.021944006689544132,   -0.01384816264133306,    0.0071470094077438207,
    -0.0028517198937755856, 0.00081639803876797914, -0.00014813520263756781, 1.2732868674056501e-05};

// What the two formats differ in.
struct AngleFormat {
    std::array<double, 3> half_pi;  // its leading parts
    double greatest;                // beyond it they do not suffice
    int exponent_bias;              // of a number as mantissa times a power of two, its mantissa an integer
    int first_digit;                // of 2 / pi that matters to the quarter turns of `greatest`
    int levels;                     // of choices between two words, to find those of a number
    int words;                      // of 64 digits that a product takes
    Coefficients sin, cos, asin, atan;
};
constexpr AngleFormat angles_f32 = {{1.5707963705062866, -4.3711388286737929e-08, -1.7151245100058819e-15},
                                    0x1p16,
                                    150,
                                    -10,
                                    1,
                                    2,
                                    sin_f32,
                                    cos_f32,
                                    asin_f32,
                                    atan_f32};
constexpr AngleFormat angles_f64 = {{1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33},
                                    0x1p45,
                                    1075,
                                    -10,
                                    4,
                                    3,
                                    sin_f64,
                                    cos_f64,
                                    asin_f64,
                                    atan_f64};
constexpr const AngleFormat& angles_of(Dtype d) { return d == Dtype::f64 ? angles_f64 : angles_f32; }

// The binary digits of 2 / pi behind the point.
constexpr std::array<std::uint64_t, 20> two_over_pi = {
    0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0,
    0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4,
    0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d};

// 64 of them; in front of the first are zeros.
constexpr std::uint64_t digits_from(int first) {
    std::uint64_t digits = 0;
    for (int i = first; i < first + 64; ++i) {
        const bool one = i >= 0 && (two_over_pi[static_cast<std::size_t>(i / 64)] >> (63 - i % 64) & 1U) != 0;
        digits = digits << 1U | std::uint64_t{one};
    }
    return digits;
}

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }

// What is left of an angle, in [-pi / 4, pi / 4], and the number of quarter turns in the lowest two bits of an integer.
struct Angle {
    Scalar rest;
    Scalar turns;
};

// Of |x|, for finite x that are large.
Angle reduce_large(Scalar x) {
    const AngleFormat& format = angles_of(x.dtype);
    const FloatFormat& f = format_of(x.dtype);
    ScalarBuilder& b = *x.builder;
    const auto integer = [&](std::uint64_t value) { return b.constant_bits(Dtype::u64, value); };
    // |x| = mantissa * 2^(exponent - bias)
    const auto mantissa_bits = static_cast<std::uint64_t>(f.mantissa_bits);
    const Scalar bits = b.convert(b.bitcast(b.abs(x), f.bits), Dtype::u64);
    const Scalar hidden = integer(std::uint64_t{1} << mantissa_bits);
    const Scalar mantissa = (bits & (hidden - integer(1))) | hidden;
    const Scalar exponent = b.shr(bits, integer(mantissa_bits));

    // The digits whose products are neither whole turns nor too small: the first is worth two quarters.
    const int start = format.first_digit;
    const Scalar offset = exponent - integer(static_cast<std::uint64_t>(format.exponent_bias + 2 + start));
    std::vector<Scalar> words;
    for (int i = 0; i < (1 << format.levels) + format.words; ++i) words.push_back(integer(digits_from(start + 64 * i)));
    for (int level = format.levels; level-- > 0;) {
        const auto step = std::size_t{1} << static_cast<unsigned>(level);
        const Scalar further = not_equal(offset & integer(64 * step), integer(0));
        for (std::size_t i = 0; i + step < words.size(); ++i) words[i] = ir::select(further, words[i + step], words[i]);
        words.resize(step + static_cast<std::size_t>(format.words));
    }
    // Halves of words, the lowest first.
    const Scalar shift = offset & integer(63), half = integer(32), low_half = integer(0xffffffff);
    std::vector<Scalar> digits;
    for (auto i = static_cast<std::size_t>(format.words); i-- > 0;) {
        const Scalar follows = b.shr(b.shr(words[i + 1], integer(1)), integer(63) - shift);
        const Scalar word = b.shl(words[i], shift) | follows;
        digits.push_back(word & low_half);
        digits.push_back(b.shr(word, half));
    }

    // The product, of which what is above is dropped: whole turns.
    std::vector<Scalar> product(digits.size(), integer(0));
    const bool is_long = mantissa_bits >= 32;
    for (const std::size_t row : {0, 1}) {
        if (row == 1 && !is_long) break;
        const Scalar factor = row == 0 ? mantissa & low_half : b.shr(mantissa, half);
        Scalar carry = integer(0);
        for (std::size_t i = row; i < digits.size(); ++i) {
            const Scalar sum = digits[i - row] * factor + product[i] + carry;
            product[i] = sum & low_half;
            carry = b.shr(sum, half);
        }
    }
    const std::size_t n = product.size();
    const Scalar high = b.shl(product[n - 1], half) | product[n - 2];
    const Scalar low = b.shl(product[n - 3], half) | product[n - 4];

    // Two bits of turns; the rest is rounded to the nearest, so that it has a sign.
    const Scalar turns = b.shr(high + integer(std::uint64_t{1} << 61U), integer(62));
    const Scalar fraction = b.bitcast(high - b.shl(turns, integer(62)), Dtype::i64);
    const Scalar like = b.constant(Dtype::f64, 0);
    const Scalar rest = fma(b.convert(low, Dtype::f64), number(like, 0x1p-126),
                            b.convert(fraction, Dtype::f64) * number(like, 0x1p-62));
    return {b.convert(rest * number(like, std::numbers::pi / 2), x.dtype), b.convert(turns, f.bits)};
}

// Of a = |x|, for what is not large.
Angle reduce_small(Scalar a) {
    const FloatFormat& f = format_of(a.dtype);
    const Scalar magic = number(a, f.magic);
    const Scalar shifted = fma(a, number(a, 2 * std::numbers::inv_pi), magic), n = shifted - magic;
    Scalar rest = a;
    for (const double part : angles_of(a.dtype).half_pi) rest = fma(n, number(a, -part), rest);
    return {rest, a.builder->bitcast(shifted, f.bits)};
}

// r + r^3 P(r^2)
Scalar odd_polynomial(Scalar r, Scalar square, Coefficients p) { return fma(r * square, polynomial(square, p), r); }

Scalar sign_bit(Scalar like) {
    const FloatFormat& f = format_of(like.dtype);
    return like.builder->constant_int(f.bits, f.sign);
}
// x with its sign changed where the highest bit of an integer is set.
Scalar flip_sign(Scalar x, Scalar bits) {
    ScalarBuilder& b = *x.builder;
    return b.bitcast(b.bitcast(x, bits.dtype) ^ (bits & sign_bit(x)), x.dtype);
}
// A bit of an integer as its highest.
Scalar highest(Scalar bits, int place) {
    const int last = static_cast<int>(8 * size_of(bits.dtype)) - 1;
    return bits.builder->shl(bits, bits.builder->constant_int(bits.dtype, last - place));
}

struct SinCos {
    Scalar sin, cos;
    Scalar turns, is_even;
};
SinCos sin_cos(const Angle& angle) {
    const Scalar r = angle.rest, square = r * r, turns = angle.turns;
    ScalarBuilder& b = *r.builder;
    const AngleFormat& format = angles_of(r.dtype);
    const Scalar even = equal(turns & b.constant_int(turns.dtype, 1), b.constant_int(turns.dtype, 0));
    const Scalar cos = fma(square, fma(square, polynomial(square, format.cos), number(r, -0.5)), number(r, 1));
    return {odd_polynomial(r, square, format.sin), cos, turns, even};
}

// f(what |x| is reduced to).
template <class F>
Scalar of_angle(Scalar x, const F& f) {
    const Scalar a = x.builder->abs(x);
    const Scalar large = !(a < number(x, angles_of(x.dtype).greatest));
    const Scalar nan = number(x, std::numeric_limits<double>::quiet_NaN());
    const Scalar of_large = ir::select(a < number(x, infinity), f(sin_cos(reduce_large(x))), nan);
    return select_rarely(large, of_large, f(sin_cos(reduce_small(a))));
}

// asin(q) for 0 <= q <= 1/2, from q^2.
Scalar asin_in_range(Scalar q, Scalar square) { return odd_polynomial(q, square, angles_of(q.dtype).asin); }

// Near 1, asin(x) = pi / 2 - 2 asin(sqrt((1 - x) / 2)).
struct HalfAngle {
    Scalar is_near_1;
    Scalar asin;  // of |x|, or of the root
};
HalfAngle half_angle(Scalar x) {
    const Scalar a = x.builder->abs(x), half = number(x, 0.5);
    const Scalar near = a > half;
    const Scalar square = ir::select(near, fma(-half, a, half), a * a);
    return {near, asin_in_range(ir::select(near, x.builder->sqrt(square), a), square)};
}

// atan of a quotient of positive numbers, from the lesser by the greater.
Scalar atan_of_quotient(Scalar quotient, Scalar inverted) {
    const Scalar angle = odd_polynomial(quotient, quotient * quotient, angles_of(quotient.dtype).atan);
    return ir::select(inverted, number(quotient, std::numbers::pi / 2) - angle, angle);
}

}  // namespace

Scalar sin(Scalar x) {
    const Scalar y = of_angle(x, [](const SinCos& angle) {
        return flip_sign(ir::select(angle.is_even, angle.sin, angle.cos), highest(angle.turns, 1));
    });
    return flip_sign(y, x.builder->bitcast(x, format_of(x.dtype).bits));
}

Scalar cos(Scalar x) {
    return of_angle(x, [](const SinCos& angle) {
        const Scalar one = angle.turns.builder->constant_int(angle.turns.dtype, 1);
        return flip_sign(ir::select(angle.is_even, angle.cos, angle.sin), highest(angle.turns + one, 1));
    });
}

Scalar tan(Scalar x) {
    const Scalar y = of_angle(x, [](const SinCos& angle) {
        const Scalar quotient =
            ir::select(angle.is_even, angle.sin, angle.cos) / ir::select(angle.is_even, angle.cos, angle.sin);
        return flip_sign(quotient, highest(angle.turns, 0));
    });
    return flip_sign(y, x.builder->bitcast(x, format_of(x.dtype).bits));
}

SinCosPi sin_cos_pi(Scalar x) {
    ScalarBuilder& b = *x.builder;
    const FloatFormat& f = format_of(x.dtype);
    const Scalar magic = number(x, f.magic), half = number(x, 0.5);
    const Scalar within = fma(b.round_even(x * half), number(x, -2), x);  // whole turns less
    const Scalar shifted = fma(within, number(x, 2), magic), n = shifted - magic;
    const Scalar rest = fma(n, -half, within) * number(x, std::numbers::pi);
    const SinCos angle = sin_cos({rest, b.bitcast(shifted, f.bits)});
    const Scalar one = b.constant_int(f.bits, 1);
    return {flip_sign(ir::select(angle.is_even, angle.sin, angle.cos), highest(angle.turns, 1)),
            flip_sign(ir::select(angle.is_even, angle.cos, angle.sin), highest(angle.turns + one, 1))};
}

Scalar asin(Scalar x) {
    const HalfAngle angle = half_angle(x);
    const Scalar right = number(x, std::numbers::pi / 2);
    return with_sign_of(ir::select(angle.is_near_1, fma(angle.asin, number(x, -2), right), angle.asin), x);
}

Scalar acos(Scalar x) {
    ScalarBuilder& b = *x.builder;
    const HalfAngle angle = half_angle(x);
    const Scalar negative = x < number(x, 0);
    const Scalar twice = angle.asin + angle.asin, straight = number(x, std::numbers::pi);
    const Scalar near = ir::select(negative, straight - twice, twice);
    const Scalar right = number(x, std::numbers::pi / 2);
    const Scalar far = right - flip_sign(angle.asin, b.bitcast(x, format_of(x.dtype).bits));
    return ir::select(angle.is_near_1, near, far);
}

Scalar atan(Scalar x) {
    const Scalar a = x.builder->abs(x), one = number(x, 1);
    const Scalar inverted = a > one;
    const Scalar quotient = ir::select(inverted, one, a) / ir::select(inverted, a, one);
    return with_sign_of(atan_of_quotient(quotient, inverted), x);
}

// Special cases as in C's Annex F: zeros and infinities of both have the angles of the diagonals and the axes.
Scalar atan2(Scalar y, Scalar x) {
    ScalarBuilder& b = *x.builder;
    const Scalar zero = number(x, 0), one = number(x, 1);
    const Scalar across = b.abs(x), up = b.abs(y);
    const Scalar inverted = up > across;
    const Scalar least = ir::select(inverted, across, up), greatest = ir::select(inverted, up, across);
    Scalar quotient = ir::select(equal(least, number(x, infinity)), one, least / greatest);
    quotient = ir::select(equal(greatest, zero), zero, quotient);
    const Scalar angle = atan_of_quotient(quotient, inverted);
    const FloatFormat& f = format_of(x.dtype);
    const Scalar left = b.bitcast(x, f.bits) < b.constant_int(f.bits, 0);
    const Scalar magnitude = ir::select(left, number(x, std::numbers::pi) - angle, angle);
    return ir::select(is_nan(x) | is_nan(y), x + y, with_sign_of(magnitude, y));
}

}  // namespace lathe::ir::math
