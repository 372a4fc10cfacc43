// How far the functions of real numbers are from the exact values, which are MPFR's: at every exponent, at special
// values, and where a function is hard: beside its zeros, its poles and the ends of its ranges. The worst distance of
// each is printed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <mpfr.h>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/tensor/record.h"
#include "ir/float_environment.h"
#include "ir/ops/ops.h"
#include "lathe.h"

namespace lathe::ir {
namespace {

// A number of MPFR, with so many digits that what rounds it to f64 hardly ever errs.
class Real {
public:
    explicit Real(double x = 0) {
        mpfr_init2(value_, 160);
        mpfr_set_d(value_, x, MPFR_RNDN);
    }
    ~Real() { mpfr_clear(value_); }
    Real(const Real&) = delete;
    Real& operator=(const Real&) = delete;
    operator mpfr_ptr() { return value_; }  // NOLINT(google-explicit-constructor): reads as a number of MPFR

private:
    mpfr_t value_;
};

using Unary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
using Binary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

// 1 / (1 + e^-x)
int exact_sigmoid(mpfr_ptr y, mpfr_srcptr x, mpfr_rnd_t rounding) {
    mpfr_neg(y, x, rounding);
    mpfr_exp(y, y, rounding);
    mpfr_add_ui(y, y, 1, rounding);
    return mpfr_ui_div(y, 1, y, rounding);
}

// As IEEE has it, unlike MPFR: of -0 -infinity.
int exact_rsqrt(mpfr_ptr y, mpfr_srcptr x, mpfr_rnd_t rounding) {
    return mpfr_zero_p(x) != 0 ? mpfr_ui_div(y, 1, x, rounding) : mpfr_rec_sqrt(y, x, rounding);
}

// By two of Newton's steps from a value in f64.
int exact_erfinv(mpfr_ptr y, mpfr_srcptr x, mpfr_rnd_t rounding) {
    if (mpfr_nan_p(x) != 0 || mpfr_cmpabs_ui(x, 1) > 0) return mpfr_set_d(y, NAN, rounding);
    if (mpfr_cmpabs_ui(x, 1) == 0) return mpfr_set_inf(y, mpfr_sgn(x)), 0;
    if (mpfr_zero_p(x) != 0) return mpfr_set(y, x, rounding);
    mpfr_t value, error, slope;
    mpfr_inits2(220, value, error, slope, nullptr);
    // Giles: from the logarithm of 1 - x^2; then as often as it takes.
    mpfr_sqr(value, x, rounding);
    mpfr_ui_sub(value, 1, value, rounding);
    const double w = -mpfr_get_d((mpfr_log(value, value, rounding), value), rounding);
    mpfr_mul_d(value, x, w < 3 ? 0.9 : std::sqrt(w - 1), rounding);
    for (int i = 0; i < 40; ++i) {
        mpfr_erf(error, value, rounding);
        mpfr_sub(error, error, x, rounding);
        mpfr_sqr(slope, value, rounding);
        mpfr_exp(slope, slope, rounding);
        mpfr_mul(error, error, slope, rounding);
        mpfr_mul_d(error, error, 0.88622692545275801365, rounding);
        mpfr_mul(slope, error, value, rounding);  // Halley's term
        mpfr_add_ui(slope, slope, 1, rounding);
        mpfr_div(error, error, slope, rounding);
        mpfr_sub(value, value, error, rounding);
        if (mpfr_zero_p(error) != 0 || mpfr_get_exp(error) < mpfr_get_exp(value) - 120) break;
    }
    mpfr_set(y, value, rounding);
    mpfr_clears(value, error, slope, nullptr);
    return 0;
}
int exact_lgamma(mpfr_ptr y, mpfr_srcptr x, mpfr_rnd_t rounding) {
    int sign = 0;
    return mpfr_lgamma(y, &sign, x, rounding);
}

struct Interval {
    double low, high;
};
struct Case {
    const OpDef* op;
    Unary exact;
    std::vector<Interval> dense = {};  // where more is drawn
    std::vector<double> hard = {};     // values whose neighbours are tried
    bool of_positive = false;          // negative numbers have a test of their own
    std::size_t share = 1;             // one of so many values is tried: MPFR is slow
};

std::vector<Case> cases() {
    const std::vector<double> ends = {88.72284,           88.72283905206835, -87.33655,          -103.97208,
                                      89.41599,           709.782712893384,  -745.1332191019411, 710.4758600739439,
                                      -708.3964185322641, -17.32868,         -37.42995};
    const std::vector<double> powers = {127.99999, 128, -126, -149, -150, 1023.999999, 1024, -1022, -1074, -1075};
    return {
        {&ops::exp, mpfr_exp, {{-104, 89}, {-746, 710}, {-1, 1}}, ends},
        {&ops::exp2, mpfr_exp2, {{-150, 128}, {-1075, 1024}, {-1, 1}}, powers},
        {&ops::expm1, mpfr_expm1, {{-40, 89}, {-1, 1}, {-60, 710}, {-0.01, 0.01}}, ends},
        {&ops::log, mpfr_log, {{0, 4}, {0.5, 2}, {0.99, 1.01}, {0, 1e-307}}, {1}},
        {&ops::log2, mpfr_log2, {{0, 4}, {0.5, 2}, {0.99, 1.01}}, {1, 2, 0.5}},
        {&ops::log10, mpfr_log10, {{0, 4}, {0.5, 2}, {0.99, 1.01}}, {1, 10, 0.1}},
        {&ops::log1p, mpfr_log1p, {{-1, 4}, {-0.5, 1}, {-0.01, 0.01}}, {-1, 1, -0.2928932, 0.41421356}},
        {&ops::sqrt, mpfr_sqrt, {{0, 4}}},
        {&ops::rsqrt, exact_rsqrt, {{0, 4}}},
        {&ops::tanh, mpfr_tanh, {{-1, 1}, {-25, 25}}},
        {&ops::sigmoid, exact_sigmoid, {{-104, 40}, {-745, 40}}},
        {&ops::erf, mpfr_erf, {{-1, 1}, {-7, 7}}},
        {&ops::cbrt, mpfr_cbrt, {{-10, 10}, {-1e-30, 1e-30}}},
        {&ops::erfc, mpfr_erfc, {{-1, 1}, {-3, 10.1}, {9, 10.1}, {0, 27}}, {10.054, 26.54}},
        {&ops::erfinv, exact_erfinv, {{-1, 1}, {0.99, 1}, {-0.01, 0.01}, {0.9999, 1}}, {1, -1}, false, 10},
        {&ops::lgamma, exact_lgamma, {{0, 4}, {0, 20}, {0.9, 1.1}, {1.9, 2.1}, {7, 9}}, {0.5, 1, 1.25, 2, 3, 8}, true},
        {&ops::digamma, mpfr_digamma, {{0, 4}, {0, 20}, {7, 9}}, {1, 2, 8, 1.4616321449683622}, true, 10},
        {&ops::sin, mpfr_sin, {{-4, 4}, {-1e3, 1e3}, {-1e5, 1e5}, {-1e9, 1e9}}},
        {&ops::cos, mpfr_cos, {{-4, 4}, {-1e3, 1e3}, {-1e5, 1e5}, {-1e9, 1e9}}},
        {&ops::tan, mpfr_tan, {{-4, 4}, {-1e3, 1e3}, {-1e5, 1e5}, {-1e9, 1e9}}},
        {&ops::asin, mpfr_asin, {{-1, 1}, {0.4, 0.6}}, {0.5, 1, -1}},
        {&ops::acos, mpfr_acos, {{-1, 1}, {0.4, 0.6}}, {0.5, 1, -1}},
        {&ops::atan, mpfr_atan, {{-1, 1}, {-10, 10}}, {1, -1}},
        {&ops::sinh, mpfr_sinh, {{-1, 1}, {-90, 90}, {-711, 711}}, ends},
        {&ops::cosh, mpfr_cosh, {{-1, 1}, {-90, 90}, {-711, 711}}, ends},
        {&ops::asinh, mpfr_asinh, {{-1, 1}, {-100, 100}}, {0x1p30, 0x1p60}},
        {&ops::acosh, mpfr_acosh, {{1, 1.1}, {1, 3}, {1, 100}}, {1, 0x1p30, 0x1p60}},
        {&ops::atanh, mpfr_atanh, {{-1, 1}, {-0.1, 0.1}}, {1, -1}},
    };
}

template <class T>
constexpr Dtype dtype_of() {
    return sizeof(T) == 8 ? Dtype::f64 : Dtype::f32;
}

// The row's program, run without anything around it.
template <class T>
class Function {
public:
    Function(const OpDef& op, std::size_t operands)
        : program_(scalar_program(op, std::vector<Dtype>(operands, dtype_of<T>()), {}, dtype_of<T>())) {}
    T operator()(std::initializer_list<T> operands) {
        std::vector<std::uint64_t> bits;
        for (const T& x : operands) std::memcpy(&bits.emplace_back(), &x, sizeof x);
        std::uint64_t result = 0;
        execute(program_, bits, {&result, 1}, scratch_);
        T y;
        std::memcpy(&y, &result, sizeof y);
        return y;
    }

private:
    const ScalarProgram& program_;
    std::vector<std::uint64_t> scratch_;
};

template <class T>
T rounded(mpfr_srcptr x) {
    return sizeof(T) == 8 ? static_cast<T>(mpfr_get_d(x, MPFR_RNDN)) : static_cast<T>(mpfr_get_flt(x, MPFR_RNDN));
}

// The distance in units of the last place of the exact value; a zero has the sign of the exact one.
template <class T>
double ulps(T actual, Real& exact) {
    using L = std::numeric_limits<T>;
    constexpr double wrong = 1e18;
    const T nearest = rounded<T>(exact);
    if (std::isnan(nearest) || std::isnan(actual)) return std::isnan(nearest) == std::isnan(actual) ? 0 : wrong;
    if (mpfr_zero_p(exact) != 0) return actual == 0 && std::signbit(actual) == std::signbit(nearest) ? 0 : wrong;
    if (actual == nearest) return actual == 0 && std::signbit(actual) != std::signbit(nearest) ? wrong : 0;
    if (mpfr_inf_p(exact) != 0) return wrong;
    // Infinity is the next number beyond the greatest.
    Real difference;
    mpfr_set_d(difference, std::isinf(actual) ? std::copysign(1, actual) : static_cast<double>(actual), MPFR_RNDN);
    if (std::isinf(actual)) mpfr_mul_2si(difference, difference, L::max_exponent, MPFR_RNDN);
    mpfr_sub(difference, difference, exact, MPFR_RNDN);
    const auto exponent = std::max<long>(mpfr_get_exp(exact), L::min_exponent);
    mpfr_mul_2si(difference, difference, L::digits - exponent, MPFR_RNDN);
    return std::abs(mpfr_get_d(difference, MPFR_RNDN));
}

using Random = std::mt19937_64;
double uniform(Random& random, double low, double high) {
    return low + (high - low) * (static_cast<double>(random() >> 11) * 0x1p-53);
}

template <class T>
std::vector<T> special_values() {
    using L = std::numeric_limits<T>;
    std::vector<T> values = {T(0),    T(1),    T(0.5),          T(2),     T(3),     T(1e-3),       T(10),
                             T(1e10), T(7.25), L::denorm_min(), L::min(), L::max(), L::infinity(), L::epsilon(),
                             T(2.5),  T(100)};
    const std::size_t n = values.size();
    for (std::size_t i = 0; i < n; ++i) values.push_back(-values[i]);
    values.push_back(L::quiet_NaN());
    return values;
}

template <class T>
void add_neighbours(std::vector<T>& values, T x, int count) {
    T up = x, down = x;
    values.push_back(x);
    for (int i = 0; i < count; ++i) {
        values.push_back(up = std::nextafter(up, std::numeric_limits<T>::infinity()));
        values.push_back(down = std::nextafter(down, -std::numeric_limits<T>::infinity()));
    }
}

// Every exponent, with mantissas at random.
template <class T>
void add_exponents(std::vector<T>& values, Random& random) {
    using L = std::numeric_limits<T>;
    const int repeats = sizeof(T) == 8 ? 2 : 20;
    for (int exponent = L::min_exponent - L::digits; exponent <= L::max_exponent; ++exponent)
        for (int i = 0; i < repeats; ++i) {
            const T x = std::ldexp(static_cast<T>(uniform(random, 0.5, 1)), exponent);
            values.push_back(x);
            values.push_back(-x);
        }
}

// The numbers next to multiples of pi / 2 of every size.
template <class T>
void add_right_angles(std::vector<T>& values, Random& random) {
    using L = std::numeric_limits<T>;
    mpfr_t angle;
    mpfr_init2(angle, 1300);
    for (int i = 0; i < 3000; ++i) {
        mpfr_const_pi(angle, MPFR_RNDN);
        const double exponent = i < 1500 ? uniform(random, 0, 30) : uniform(random, 0, L::max_exponent - 2);
        mpfr_mul_d(angle, angle, std::max(1.0, std::floor(std::exp2(exponent))), MPFR_RNDN);
        mpfr_div_ui(angle, angle, 2, MPFR_RNDN);
        values.push_back(rounded<T>(angle));
    }
    mpfr_clear(angle);
    // The hardest of each format: "Elementary Functions" (Muller, 2016), section 11.3.
    for (const T x : {T(16367173.0 * 0x1p72), T(6381956970095103.0 * 0x1p797), T(11), T(22), T(710), T(355), T(103993)})
        add_neighbours(values, x, 2);
}

// What the row promises.
double bound_of(const OpDef& op, Dtype d) { return d == Dtype::f64 ? op.accuracy.f64 : op.accuracy.f32; }

void report(const OpDef& op, Dtype d, double worst, double at) {
    const double bound = bound_of(op, d);
    EXPECT_LE(worst, bound) << op.name << " in " << name(d) << " at " << at;
    std::printf("%-10s %s %8.3f ulp of %g, at %.17g\n", std::string(op.name).c_str(), std::string(name(d)).c_str(),
                worst, bound, at);
}

template <class T>
class Accuracy : public testing::Test {};
using RealTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Accuracy, RealTypes);

TYPED_TEST(Accuracy, OfFunctionsOfOneNumber) {
    using T = TypeParam;
    const FloatEnvironment environment;
    Random random(3);
    std::vector<T> everywhere, angles;
    add_exponents(everywhere, random);
    add_right_angles(angles, random);
    for (const Case& c : cases()) {
        std::vector<T> x = special_values<T>();
        for (std::size_t i = 0; i < everywhere.size(); i += c.share) x.push_back(everywhere[i]);
        if (c.op == &ops::sin || c.op == &ops::cos || c.op == &ops::tan)
            x.insert(x.end(), angles.begin(), angles.end());
        for (const Interval& interval : c.dense)
            for (std::size_t i = 0; i < 4000; i += c.share)
                x.push_back(static_cast<T>(uniform(random, interval.low, interval.high)));
        for (const double hard : c.hard) add_neighbours(x, static_cast<T>(hard), 20);
        Function<T> f(*c.op, 1);
        double worst = 0, at = 0;
        for (const T v : x) {
            Real exact(static_cast<double>(v));
            if (c.of_positive && v < T(0)) continue;
            c.exact(exact, exact, MPFR_RNDN);
            const double distance = ulps(f({v}), exact);
            if (distance > worst) worst = distance, at = static_cast<double>(v);
        }
        report(*c.op, dtype_of<T>(), worst, at);
    }
}

TYPED_TEST(Accuracy, OfFunctionsOfTwoNumbers) {
    using T = TypeParam;
    constexpr bool wide = sizeof(T) == 8;
    const FloatEnvironment environment;
    Random random(5);
    std::vector<std::pair<T, T>> special, powers, points;
    for (const T a : special_values<T>())
        for (const T b : special_values<T>()) special.emplace_back(a, b);
    for (int i = 0; i < 30000; ++i) {
        const double e = uniform(random, -10, 10);
        powers.emplace_back(static_cast<T>(std::exp2(e)),
                            static_cast<T>(uniform(random, -1, 1) * (wide ? 1000 : 125) / std::max(0.3, std::abs(e))));
        const double far = uniform(random, -30, 30);
        points.emplace_back(static_cast<T>(uniform(random, -1, 1) * std::exp2(far)),
                            static_cast<T>(uniform(random, -1, 1)));
    }
    const auto expect = [&](const OpDef& op, Binary exact, const std::vector<std::pair<T, T>>& more) {
        const double bound = bound_of(op, dtype_of<T>());
        Function<T> f(op, 2);
        double worst = 0, at = 0;
        for (const auto* values : {&std::as_const(special), &more})
            for (const auto& [a, b] : *values) {
                Real left(static_cast<double>(a)), right(static_cast<double>(b)), y;
                exact(y, left, right, MPFR_RNDN);
                const double distance = ulps(f({a, b}), y);
                EXPECT_LE(distance, bound) << op.name << "(" << a << ", " << b << ")";
                if (distance > worst) worst = distance, at = static_cast<double>(a);
            }
        report(op, dtype_of<T>(), worst, at);
    };
    expect(ops::pow, mpfr_pow, powers);
    expect(ops::atan2, mpfr_atan2, points);
}

// Beside the roots, of which there is one at nearly every negative integer, an error of what is added there counts.
TYPED_TEST(Accuracy, OfTheGammaFunctionBelowZero) {
    using T = TypeParam;
    const FloatEnvironment environment;
    Random random(7);
    std::vector<T> x;
    for (int i = 0; i < 3000; ++i) x.push_back(static_cast<T>(uniform(random, -30, 0)));
    for (int i = 1; i < 30; ++i) add_neighbours(x, static_cast<T>(-i), 3);
    for (const double root : {-2.457024738220801, -2.747682646727413, -0.5040830082644554, -1.573498473162390})
        add_neighbours(x, static_cast<T>(root), 10);
    Function<T> lgamma(ops::lgamma, 1), digamma(ops::digamma, 1);
    for (const T v : x) {
        Real exact(static_cast<double>(v)), y;
        exact_lgamma(y, exact, MPFR_RNDN);
        const double expected = mpfr_get_d(y, MPFR_RNDN), added = 4 + std::abs(v) * std::log1p(std::abs(v));
        constexpr double digits = 4 * static_cast<double>(std::numeric_limits<T>::epsilon());
        if (v == std::floor(v)) {
            EXPECT_EQ(lgamma({v}), std::numeric_limits<T>::infinity());
            EXPECT_TRUE(std::isnan(digamma({v})));
            continue;
        }
        EXPECT_NEAR(lgamma({v}), expected, digits * (added + std::abs(expected))) << v;
        mpfr_digamma(y, exact, MPFR_RNDN);
        const double slope = mpfr_get_d(y, MPFR_RNDN);
        // What is added is digamma(1 - x) and pi / tan(pi x).
        EXPECT_NEAR(digamma({v}), slope, digits * (8 + 2 * std::abs(slope))) << v;
    }
}

// Of an order is a sum over the inverse powers of x, x + 1, ... .
TYPED_TEST(Accuracy, OfDerivativesOfDigamma) {
    using T = TypeParam;
    const FloatEnvironment environment;
    Random random(9);
    for (const int order : {1, 2, 3, 7, 16}) {
        const ScalarProgram& program =
            scalar_program(ops::polygamma, {{dtype_of<T>()}}, {{std::int64_t{order}}}, dtype_of<T>());
        std::vector<std::uint64_t> scratch;
        for (int i = 0; i < 200; ++i) {
            const T x = static_cast<T>(uniform(random, 0.01, 40));
            std::uint64_t bits = 0, result = 0;
            std::memcpy(&bits, &x, sizeof x);
            execute(program, {&bits, 1}, {&result, 1}, scratch);
            T y;
            std::memcpy(&y, &result, sizeof y);
            // The first terms, and the rest by Euler and Maclaurin's formula.
            long double sum = 0, z = static_cast<long double>(x);
            for (; z < 200; ++z) sum += std::pow(z, -(order + 1.0L));
            sum += std::pow(z, -static_cast<long double>(order)) / order + std::pow(z, -(order + 1.0L)) / 2;
            sum += (order + 1) / 12.0L * std::pow(z, -(order + 2.0L));
            sum -= (order + 1) * (order + 2) * (order + 3.0L) / 720 * std::pow(z, -(order + 4.0L));
            const long double exact = sum * std::tgamma(order + 1.0L) * (order % 2 == 0 ? -1 : 1);
            EXPECT_NEAR(
                static_cast<double>(y / exact), 1,
                bound_of(ops::polygamma, dtype_of<T>()) * static_cast<double>(std::numeric_limits<T>::epsilon()))
                << order << " at " << x;
        }
    }
    Function<T> digamma(ops::digamma, 1);
    EXPECT_EQ(digamma({T(0)}), -std::numeric_limits<T>::infinity());
}

// Compiled code leaves out what no lane of a vector wants.
TYPED_TEST(Accuracy, OfCompiledCodeIsTheSame) {
    using T = TypeParam;
    Random random(11);
    std::vector<T> odd = special_values<T>(), angles;
    add_right_angles(angles, random);
    odd.insert(odd.end(), angles.begin(), angles.begin() + 60);
    for (const T x : {T(1), T(-1)}) add_neighbours(odd, x, 30);
    for (int i = 2; i < 52; i += 3) odd.push_back(T(1) - std::ldexp(T(1), -i));
    for (const Case& c : cases()) {
        // Ordinary values with one that is not among them, and such that are not side by side.
        std::vector<T> x = odd;
        for (const T v : odd)
            for (int i = 0; i < 20; ++i) x.push_back(i == 7 ? v : static_cast<T>(uniform(random, 0.01, 0.9)));
        const Tensor y = detail::unary(*c.op, Tensor::from(x, {static_cast<std::int64_t>(x.size())}), Where::current());
        const std::vector<T> found = y.to_vector<T>();
        const FloatEnvironment environment;
        Function<T> f(*c.op, 1);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const T expected = f({x[i]});
            const bool is_same =
                std::isnan(expected) ? std::isnan(found[i]) : std::memcmp(&expected, &found[i], sizeof expected) == 0;
            EXPECT_TRUE(is_same) << c.op->name << "(" << x[i] << ") = " << found[i] << ", not " << expected;
        }
    }
}

// Exactness that bounds say nothing of.
TYPED_TEST(Accuracy, WholePowersAreExact) {
    using T = TypeParam;
    using L = std::numeric_limits<T>;
    EXPECT_EQ(Function<T>(ops::cos, 1)({T(0)}), T(1));
    Function<T> exp2(ops::exp2, 1), log2(ops::log2, 1), log10(ops::log10, 1);
    for (int e = L::min_exponent - L::digits; e < L::max_exponent; ++e) {
        const T power = std::ldexp(T(1), e);
        EXPECT_EQ(exp2({static_cast<T>(e)}), power);
        EXPECT_EQ(log2({power}), static_cast<T>(e));
    }
    T power = 1;
    for (int e = 0; e <= (sizeof(T) == 8 ? 22 : 10); ++e, power *= 10) EXPECT_EQ(log10({power}), static_cast<T>(e));
}

TEST(AccuracyCases, EveryRowOfRealNumbersIsTested) {
    const std::vector<Case> tested = cases();
    for (const Case& c : tested) EXPECT_GT(c.op->accuracy.f32, 0) << c.op->name << " promises nothing";
    for (const OpDef* op : op_table())
        if (op->lowering == Lowering::elementwise && op->dtypes.bits == floats.bits && op->attributes.empty()) {
            const bool is_binary = op->arity.minimum > 1;  // tested above, and in functions of two and three operands
            EXPECT_TRUE(is_binary || std::ranges::find(tested, op, &Case::op) != tested.end()) << op->name;
        }
}

}  // namespace
}  // namespace lathe::ir
