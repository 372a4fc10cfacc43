#include "ir/ops/math_special.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "ir/ops/math_exp.h"
#include "ir/ops/math_log.h"
#include "ir/ops/math_trigonometric.h"

namespace lathe::ir::math {
namespace {

using Coefficients = std::span<const double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

// (1 + 2 a) e^(a^2) erfc(a) in terms of (a - 4) / (a + 4), for 0 <= a <= 10.1, in f64 27.4.
constexpr std::array erfc_f32 = {1.23299515,    -0.139621079, 0.0153773697,  0.0680937245, -0.100990817,  0.0938172787,
                                 -0.0666384026, 0.0364242159, -0.0158882458, 0.0070260223, 0.000885109184};
constexpr std::array erfc_f64 = {
    1.2329951186255526,      -0.13962111684056319,    0.015379652102606597,    0.068097054254766906,
    -0.10103906603558457,    0.093732834996087117,    -0.066330365827795473,   0.037167515567721687,
    -0.016197733883173061,   0.005031969769885139,    -0.00075777443610782836, -0.00019925592986952135,
    0.00015062636916752799,  -2.4400512261943466e-05, -1.1234235004828671e-05, 5.7094668164169944e-06,
    3.1375914600282723e-07,  -8.2036307448871663e-07, 5.5199700594470376e-08,  1.0158986934325461e-07,
    -8.0189690616512606e-09, -8.3798390371992084e-09};
// erfinv(x) / x in terms of w - c, with w = -log(1 - x^2), for 0 <= w <= 5, in f64 6.25; and beyond in terms of sqrt(w)
// - c.
constexpr std::array erfinv_f32 = {1.50140941,      0.246640295,     -0.00417739851, -0.001252744,   0.000218344023,
                                   -4.96334997e-06, -3.46270895e-06, 4.66169041e-07, 2.32326869e-08, -8.79096795e-09};
constexpr std::array erfinv_tail_f32 = {2.95832014,      1.00371861,     0.00704951817, -0.00529906154,
                                        0.00377816544,   -0.00253149983, 0.00131848932, -0.000303038803,
                                        -0.000179125185, 0.000116714815};
constexpr std::array erfinv_f64 = {
    1.6536545626831027,      0.24015818242558826,     -0.0060336708714277543,  -0.00074070253415395478,
    0.00018673420802425722,  -1.3882523395791763e-05, -1.3654691844358145e-06, 4.2347881907788122e-07,
    -2.9070382774193438e-08, -4.1126619780204272e-09, 1.0512183981190549e-09,  -5.4142389859360022e-11,
    -1.2976958201895851e-11, 2.6303545446193987e-12,  -8.1170101089070825e-14, -3.9989773997559181e-14,
    6.5947015482778214e-15,  -4.2866073935561568e-17, -1.3003917698277234e-16, 1.5759809624510048e-17,
    1.1444156747097637e-18,  -3.5755109893901786e-19, -1.0091495032744084e-21, 3.375771836155123e-21};
constexpr std::array erfinv_tail_f64 = {
    3.0838856104922208,      1.0052589676941657,      0.0053709145535709183,   -0.0037512085082630053,
    0.0024914420970179592,   -0.0016882755342505016,  0.0009532893630813823,   -0.00035503783084032216,
    2.4031263079998986e-05,  6.8287248864935297e-05,  -4.7319015313405592e-05, 1.2464432924509758e-05,
    2.9258234101107212e-06,  -3.9840768968313931e-06, 1.4985472437841273e-06,  -3.0266303598006354e-08,
    -2.7118773222784394e-07, 1.339424649436517e-07,   6.3470069185531159e-10,  -1.618746191170465e-08};
constexpr std::array erfinv_far_f64 = {
    4.8499064014085844,     1.0103004648645457,      -0.00013871931837563094, -0.00021503011984146524,
    7.5995277971553185e-05, -1.9681770517872254e-05, 4.5260538439373226e-06,  -9.9303048307883844e-07,
    2.2904594542690091e-07, -6.7552677250379845e-08, 2.9038616678130961e-08,  -1.5261477678788083e-08,
    7.7875598821945009e-09, -3.4646790939474196e-09, 1.3493462225898762e-09,  -4.4121747651158352e-10,
    5.1911276210619039e-11, 4.3693999533589968e-11,  -1.6504242642329948e-11};
// log(gamma(2 + y)) / y for -0.75 <= y <= 1.
constexpr std::array lgamma_f32 = {0.422784328,     0.322467029,    -0.0673523843,   0.0205805544,
                                   -0.00738426158,  0.00289280829,  -0.00119994709,  0.00050248456,
                                   -0.000204072436, 0.000107129745, -6.85169944e-05, 2.2044529e-05};
constexpr std::array lgamma_f64 = {
    0.42278433509846713,     0.32246703342411337,    -0.067352301053196673,   0.020580808427765822,
    -0.00738555102876335,    0.002890510331422365,   -0.0011927539095810558,  0.00050966951302866298,
    -0.00022315478336695983, 9.9457627471788917e-05, -4.4926074371244883e-05, 2.0506512841327944e-05,
    -9.4400931750027079e-06, 4.377647739714977e-06,  -2.0380397383999128e-06, 9.4786957815179204e-07,
    -4.4970792849989166e-07, 2.2432138487820289e-07, -1.0334799618683921e-07, 3.5326130096162866e-08,
    -1.6362974091104724e-08, 1.689232837790662e-08,  -1.0363796234211918e-08, 2.332561329638338e-09};
// What Stirling's formula lacks, times x, in terms of 1 / x^2, for x >= 8.
constexpr std::array stirling_f32 = {0.0833332762, -0.00276248786};
constexpr std::array stirling_f64 = {0.083333333333333107,   -0.0027777777773586691, 0.00079365057649570601,
                                     -0.0005951896860009289, 0.00083645876124212629, -0.0016334354285561946};
// digamma(1 + y) / (1 + y - its root), for 0 <= y <= 1.
constexpr std::array digamma_f32 = {1.25038016,  -0.854692221, 0.752419829, -0.713743627,  0.691499591, -0.65549463,
                                    0.567946076, -0.407946318, 0.2157996,   -0.0719801411, 0.0111192064};
constexpr std::array digamma_f64 = {
    1.2503801375034054,    -0.85469336060176992,   0.7524682722870164,   -0.71454071154032117, 0.69836349993702496,
    -0.69098197678327811,  0.68748733052172983,    -0.6857813774781335,  0.68482265097760786,  -0.68368158177482885,
    0.68035016097309153,   -0.66979320842772827,   0.64211031217802594,  -0.58401831878464927, 0.48683447215762143,
    -0.35766928727715208,  0.22229445183859248,    -0.11188604692802574, 0.043320002916638026, -0.01201508851092687,
    0.0021137687644471282, -0.00017656334428193916};
// (log(x) - 1 / (2 x) - digamma(x)) x^2 in terms of 1 / x^2, for x >= 8.
constexpr std::array digamma_far_f32 = {0.083332926, -0.00824854523};
constexpr std::array digamma_far_f64 = {0.083333333333325835,   -0.0083333333238995947, 0.0039682500063278345,
                                        -0.0041658979078457335, 0.0074995298625761186,  -0.017270656665563079};

Scalar number(Scalar like, double value) { return like.builder->constant(like.dtype, value); }

template <std::size_t narrow, std::size_t wide>
Coefficients of(Scalar x, const std::array<double, narrow>& f32, const std::array<double, wide>& f64) {
    return x.dtype == Dtype::f64 ? Coefficients(f64) : Coefficients(f32);
}

// From here on lgamma and digamma are series in 1 / x.
constexpr double far = 8;

// Of x > 0. Below 3 from lgamma(2 + y) by log(gamma(x + 1)) = log(gamma(x)) + log(x), so that nothing cancels beside
// the roots; then down to [2, 3) by a product.
Scalar lgamma_of_positive(Scalar x) {
    const Scalar one = number(x, 1), two = number(x, 2);
    const Scalar is_far = x >= number(x, far), rises = x >= number(x, 3);
    const Scalar is_low = x < number(x, 0.5), is_middle = x < number(x, 1.25);
    Scalar argument = one;
    for (int i = 1; i < 6; ++i) argument = select(x >= number(x, i + 2), argument * (x - number(x, i)), argument);
    argument = select(is_low, fma(x, x, x), select(is_middle | is_far, x, argument));
    const Scalar steps = select(rises, x.builder->floor(x), select(is_low, number(x, 0), select(is_middle, one, two)));
    const Scalar y = x - steps;

    const Scalar l = log(argument);
    const Scalar near = fma(y, polynomial(y, of(x, lgamma_f32, lgamma_f64)), select(rises, l, -l));
    const Scalar inverse = one / x;
    const Scalar series = inverse * polynomial(inverse * inverse, of(x, stirling_f32, stirling_f64));
    // log(2 pi) / 2 - 1 / 2
    const Scalar distant = fma(x - number(x, 0.5), l - one, number(x, 0.41893853320467274178) + series);
    return select(is_far, distant, near);
}

// Of x > 0.
Scalar digamma_of_positive(Scalar x) {
    const Scalar zero = number(x, 0), one = number(x, 1);
    const Scalar is_far = x >= number(x, far), is_low = x < one;
    // The sum of 1 / (x - i), as a quotient.
    Scalar above = zero, below = one;
    for (int i = 1; i < 7; ++i) {
        const Scalar taken = x >= number(x, i + 1), factor = x - number(x, i);
        above = select(taken, fma(above, factor, below), above);
        below = select(taken, below * factor, below);
    }
    above = select(is_far, one, select(is_low, -one, above));
    const Scalar quotient = above / select(is_far | is_low, x, below);

    const Scalar y = select(is_low, x, x - x.builder->floor(x));
    const bool wide = x.dtype == Dtype::f64;
    constexpr double root = 1.4616321449683622, root_f32 = 1.4616321325302124;
    const Scalar beside = y - number(x, (wide ? root : root_f32) - 1);
    const Scalar from_root = beside - number(x, wide ? 9.5499954299656974e-17 : 1.243815006546356e-08);
    const Scalar near = fma(from_root, polynomial(y, of(x, digamma_f32, digamma_f64)), quotient);
    const Scalar square = quotient * quotient;
    const Scalar series = square * polynomial(square, of(x, digamma_far_f32, digamma_far_f64));
    const Scalar distant = log(x) - fma(quotient, number(x, 0.5), series);
    return select(is_far, distant, near);
}

}  // namespace

// A step of third order from an estimate of 1 / cbrt(a) by its bits, two in f64, and one of Newton's for a times its
// square.
Scalar cbrt(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const FloatFormat& f = format_of(x.dtype);
    ScalarBuilder& b = *x.builder;
    const auto integer = [&](std::int64_t value) { return b.constant_int(f.bits, value); };
    const Scalar magnitude = b.abs(x), one = number(x, 1);
    const Scalar tiny = magnitude < number(x, wide ? 0x1p-1022 : 0x1p-126);
    const Scalar a = select(tiny, magnitude * number(x, wide ? 0x1p54 : 0x1p24), magnitude);

    // The upper half of the bits, times a third of its weight.
    const Scalar upper = b.shr(b.bitcast(a, f.bits), integer(wide ? 32 : 16));
    const Scalar third = upper * integer(wide ? 0x55555555 : 0x5555);
    Scalar r = b.bitcast(integer(wide ? 0x553ef0ff289dd796 : 0x54a2fa8c) - third, x.dtype);
    for (int i = 0; i < (wide ? 2 : 1); ++i) {
        const Scalar error = fma(-(a * r) * r, r, one);
        const Scalar series = fma(fma(error, number(x, 14.0 / 81), number(x, 2.0 / 9)), error, number(x, 1.0 / 3));
        r = fma(r * error, series, r);
    }
    const Scalar square = r * r, y = a * square;
    const Scalar root = fma(fma(-(y * y), y, a) * square, number(x, 1.0 / 3), y);
    const Scalar scaled = select(tiny, root * number(x, wide ? 0x1p-18 : 0x1p-8), root);
    return select(magnitude < number(x, infinity), with_sign_of(scaled, x), x);
}

// With t = (a - 4) / (a + 4), corrected; 2 less that of -x where x is negative.
Scalar erfc(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const Scalar a = at_most(x.builder->abs(x), wide ? 27.4 : 10.1);
    const Scalar one = number(x, 1), four = number(x, 4), inverse = one / (a + four);
    const Scalar estimate = (a - four) * inverse;
    const Scalar rest = fma(-estimate, a, fma(estimate + one, -four, a));
    const Scalar t = fma(inverse, rest, estimate);
    const Scalar factor = polynomial(t, of(x, erfc_f32, erfc_f64)) / fma(a, number(x, 2), one);
    const Scalar square = a * a;
    const Scalar y = exp_times(-square, -fma(a, a, -square), factor);
    return select(x < number(x, 0), number(x, 2) - y, y);
}

// x P(w), with w = -log(1 - x^2): Giles's variables ("Approximating the erfinv function", GPU Computing Gems, 2011).
Scalar erfinv(Scalar x) {
    const bool wide = x.dtype == Dtype::f64;
    const Scalar one = number(x, 1), w = -log(fma(-x, x, one));
    const auto series = [&](Scalar from, double center, Coefficients p) {
        return polynomial(from - number(x, center), p);
    };
    const Scalar s = x.builder->sqrt(w);
    Scalar tail = wide ? series(s, 3.25, erfinv_tail_f64) : series(s, 3.125, erfinv_tail_f32);
    if (wide) tail = select_rarely(s > number(x, 4), series(s, 5, erfinv_far_f64), tail);
    tail = select(equal(x.builder->abs(x), one), number(x, infinity), tail);
    const Scalar beside = wide ? series(w, 3.125, erfinv_f64) : series(w, 2.5, erfinv_f32);
    return x * select_rarely(w > number(x, wide ? 6.25 : 5), tail, beside);
}

// lgamma(x) = log(pi) - log|sin(pi x)| - lgamma(1 - x)
Scalar lgamma(Scalar x) {
    const Scalar negative = x < number(x, 0);
    const Scalar value = lgamma_of_positive(select(negative, number(x, 1) - x, x));
    const Scalar sine = x.builder->abs(sin_cos_pi(x).sin);
    const Scalar reflected = (number(x, 1.14472988584940017414) - log(sine)) - value;
    const Scalar infinite = number(x, infinity);
    return select_rarely(negative, select(equal(x, -infinite), infinite, reflected), value);
}

// digamma(x) = digamma(1 - x) - pi / tan(pi x)
Scalar digamma(Scalar x) {
    const Scalar zero = number(x, 0), nan = number(x, std::numeric_limits<double>::quiet_NaN());
    const Scalar negative = x < zero;
    const Scalar value = digamma_of_positive(select(negative, number(x, 1) - x, x));
    const SinCosPi turn = sin_cos_pi(x);
    const Scalar cotangent = turn.cos / turn.sin;
    const Scalar reflected = fma(cotangent, number(x, -std::numbers::pi), value);
    const Scalar has_pole = equal(turn.sin, zero) | equal(x, number(x, -infinity));
    return select_rarely(negative, select(has_pole, nan, reflected), value);
}

// For x > 0 the sum of m! / (x + i)^(m + 1) up to where the asymptotic series holds ("Handbook of Mathematical
// Functions", 6.4.11). Of negative x trigamma alone, by pi^2 / sin^2(pi x).
Scalar polygamma(Scalar x, int order) {
    const Scalar zero = number(x, 0), one = number(x, 1);
    const Scalar negative = x < zero;
    const bool reflects = order == 1;
    Scalar z = reflects ? select(negative, one - x, x) : x;
    const double factorial = std::tgamma(order + 1.0);
    const int steps = 12 + order;
    const Scalar limit = number(x, steps);
    const auto power = [&](Scalar v, int exponent) {
        Scalar product = v;
        for (int i = 1; i < exponent; ++i) product = product * v;
        return product;
    };
    Scalar sum = zero;
    for (int i = 0; i < steps; ++i) {
        const Scalar is_near = z < limit;
        sum = select(is_near, sum + power(one / z, order + 1), sum);
        z = select(is_near, z + one, z);
    }
    const Scalar inverse = one / z, square = inverse * inverse;
    // B(2 k) (2 k + m - 1)! / (2 k)!
    constexpr std::array bernoulli = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                      5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510};
    std::vector<double> terms;
    for (std::size_t k = 0; k < bernoulli.size(); ++k) {
        const double even = 2.0 * static_cast<double>(k + 1);
        terms.push_back(bernoulli[k] * std::tgamma(even + order) / std::tgamma(even + 1));
    }
    const Scalar series =
        fma(polynomial(square, terms), square, fma(inverse, number(x, factorial / 2), number(x, factorial / order)));
    Scalar y = fma(series, power(inverse, order), sum * number(x, factorial));
    if (order % 2 == 0) y = -y;
    const Scalar nan = number(x, std::numeric_limits<double>::quiet_NaN());
    if (!reflects) return select(negative, nan, y);
    const Scalar sine = sin_cos_pi(x).sin, ratio = number(x, std::numbers::pi) / sine;
    const Scalar is_infinite = equal(x, number(x, -infinity));
    return select_rarely(negative, select(is_infinite, nan, fma(ratio, ratio, -y)), y);
}

}  // namespace lathe::ir::math
