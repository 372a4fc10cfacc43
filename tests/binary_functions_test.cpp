// Functions of two and three operands: values against the C library and exact arithmetic, edges, derivatives, the ways
// in which they run, and what they refuse.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "ir/ops/ops.h"
#include "lathe.h"
#include "tests/op_samples.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

using testing_support::here;
using testing_support::refusal;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

template <class T>
Tensor vector_of(const std::vector<T>& x) {
    return Tensor::from(x, {static_cast<std::int64_t>(x.size())});
}

template <class T>
bool same_bits(T a, T b) {
    return std::isnan(a) ? std::isnan(b) : std::memcmp(&a, &b, sizeof a) == 0;
}

// Pairs of odd numbers, and of random ones of any magnitude.
template <class T>
std::pair<std::vector<T>, std::vector<T>> pairs(int count = 20000) {
    using L = std::numeric_limits<T>;
    std::vector<T> special = {0,
                              1,
                              T(0.5),
                              2,
                              3,
                              T(7.25),
                              T(1e10),
                              L::denorm_min(),
                              3 * L::denorm_min(),
                              L::min(),
                              L::max(),
                              L::infinity(),
                              L::epsilon(),
                              1 + L::epsilon(),
                              1 - L::epsilon() / 2};
    for (std::size_t i = 0, n = special.size(); i < n; ++i) special.push_back(-special[i]);
    special.push_back(L::quiet_NaN());
    std::pair<std::vector<T>, std::vector<T>> all;
    for (const T a : special)
        for (const T b : special) {
            all.first.push_back(a);
            all.second.push_back(b);
        }
    std::mt19937_64 random(5);
    const auto number = [&](int low, int high) {
        const T mantissa = 1 + static_cast<T>(static_cast<double>(random() >> 11) * 0x1p-53);
        const int exponent = low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1));
        return std::ldexp((random() & 1U) != 0 ? mantissa : -mantissa, exponent);
    };
    const int low = L::min_exponent - L::digits, high = L::max_exponent - 1;
    for (int i = 0; i < count; ++i) {
        const bool near = i % 2 == 0;
        all.first.push_back(near ? number(-3, 60) : number(low, high));
        all.second.push_back(near ? number(-10, 10) : number(low, high));
    }
    return all;
}

template <class T>
double ulps(T actual, long double exact, long double scale = 0) {
    const T rounded = static_cast<T>(exact);
    if (std::isnan(rounded) || std::isnan(actual)) return std::isnan(rounded) == std::isnan(actual) ? 0 : 1e9;
    if (actual == rounded) return 0;
    if (std::isinf(rounded) || std::isinf(actual)) return 1e9;
    int exponent = 0;
    std::frexp(std::max(std::fabs(exact), scale), &exponent);
    exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
    const long double ulp = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
    return static_cast<double>(std::fabs(static_cast<long double>(actual) - exact) / ulp);
}

template <class T>
class BinaryFunctions : public testing::Test {};
using RealTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(BinaryFunctions, RealTypes);

template <class T, class Function, class Exact>
void expect_bits(const char* name, const Function& function, const Exact& exact) {
    const auto [x, y] = pairs<T>();
    const std::vector<T> z = function(vector_of(x), vector_of(y)).template to_vector<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T want = exact(x[i], y[i]);
        ASSERT_TRUE(same_bits(z[i], want)) << name << "(" << x[i] << ", " << y[i] << ") = " << z[i] << ", not " << want;
    }
}

TYPED_TEST(BinaryFunctions, AreThoseOfTheCLibrary) {
    using T = TypeParam;
    expect_bits<T>("fmod", fmod, [](T x, T y) { return std::fmod(x, y); });
    expect_bits<T>(
        "%", [](const Tensor& x, const Tensor& y) { return x % y; }, [](T x, T y) { return std::fmod(x, y); });
    expect_bits<T>("copysign", copysign, [](T x, T y) { return std::copysign(x, std::isnan(y) ? T(1) : y); });
    expect_bits<T>("nextafter", nextafter, [](T x, T y) { return std::nextafter(x, y); });
    expect_bits<T>("mod", mod, [](T x, T y) {
        const T r = std::fmod(x, y);
        return r != 0 && (r < 0) != (y < 0) ? r + y : r;
    });
    const auto without_zeros = [](T (*f)(T, T)) {
        return [f](T x, T y) { return x == y ? x : f(x, y); };  // of two zeros either will do
    };
    expect_bits<T>("fmax", fmax, without_zeros([](T x, T y) { return std::fmax(x, y); }));
    expect_bits<T>("fmin", fmin, without_zeros([](T x, T y) { return std::fmin(x, y); }));
    const auto fused = [](const Tensor& x, const Tensor& y) { return fma(x, y, y); };
    expect_bits<T>("fma", fused, [](T x, T y) { return std::fma(x, y, y); });
}

TYPED_TEST(BinaryFunctions, QuotientsAreRoundedDown) {
    using T = TypeParam;
    const auto [x, y] = pairs<T>();
    const std::vector<T> z = floor_divide(vector_of(x), vector_of(y)).template to_vector<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (y[i] == 0 || !std::isfinite(x[i]) || std::isnan(y[i])) {
            ASSERT_TRUE(same_bits(z[i], std::isinf(x[i]) && y[i] != 0 ? T(nan) : x[i] / y[i])) << x[i] << " " << y[i];
            continue;
        }
        const T r = std::fmod(x[i], y[i]);
        const bool falls = r != 0 && (r < 0) != (y[i] < 0);
        const long double truncated = std::isinf(y[i]) ? 0 : std::round((static_cast<long double>(x[i]) - r) / y[i]);
        if (std::fabs(truncated) >= 0x1p51L) {
            ASSERT_LE(ulps(z[i], truncated - (falls ? 1 : 0)), 2.01) << x[i] << " // " << y[i];
            continue;
        }
        T want = static_cast<T>(truncated - (falls ? 1 : 0));
        if (want == 0) want = std::copysign(T(0), x[i] / y[i]);
        ASSERT_TRUE(same_bits(z[i], want)) << x[i] << " // " << y[i] << " = " << z[i] << ", not " << want;
    }
}

// The bound of a row.
template <class T>
double promised(std::string_view name) {
    const ir::Accuracy& accuracy = ir::find_op(name)->accuracy;
    return sizeof(T) == 8 ? accuracy.f64 : accuracy.f32;
}

TYPED_TEST(BinaryFunctions, AreWithinTheirBounds) {
    using T = TypeParam;
    const auto [x, y] = pairs<T>();
    const std::vector<T> h = hypot(vector_of(x), vector_of(y)).template to_vector<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = ulps(h[i], std::hypot(static_cast<long double>(x[i]), static_cast<long double>(y[i])));
        ASSERT_LE(error, promised<T>("hypot")) << "hypot(" << x[i] << ", " << y[i] << ") = " << h[i];
    }
    for (const auto& f : {hypot, logaddexp, logaddexp2}) {
        const std::vector<T> one = f(vector_of(x), vector_of(y)).template to_vector<T>(),
                             other = f(vector_of(y), vector_of(x)).template to_vector<T>();
        for (std::size_t i = 0; i < x.size(); ++i) ASSERT_TRUE(same_bits(one[i], other[i])) << x[i] << " " << y[i];
    }
    std::vector<T> a, b;
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> wide(-200, 200), narrow(-3, 3);
    for (int i = 0; i < 20000; ++i) {
        a.push_back(static_cast<T>(i % 2 == 0 ? wide(random) : narrow(random)));
        b.push_back(i % 3 == 0 ? static_cast<T>(a.back() + static_cast<T>(narrow(random)))
                               : static_cast<T>(narrow(random)));
    }
    const auto check = [&](const char* name, const Tensor& result, long double base) {
        const std::vector<T> z = result.template to_vector<T>();
        double most = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const long double top = std::max(a[i], b[i]), difference = std::fabs(static_cast<long double>(a[i]) - b[i]);
            const long double exact = top + std::log1p(std::exp(-difference * base)) / base;
            const long double scale =
                std::max({std::fabs(static_cast<long double>(a[i])), std::fabs(static_cast<long double>(b[i])), 1.0L});
            most = std::max(most, ulps(z[i], exact, scale));
        }
        EXPECT_LE(most, promised<T>(name)) << name;
    };
    check("logaddexp", logaddexp(vector_of(a), vector_of(b)), 1);
    check("logaddexp2", logaddexp2(vector_of(a), vector_of(b)), std::log(2.0L));
}

TYPED_TEST(BinaryFunctions, ScaleByPowersOfTwo) {
    using T = TypeParam;
    std::vector<T> x;
    std::vector<std::int32_t> n;
    for (const T v : pairs<T>(1000).first)
        for (const std::int32_t e : {0,    1,    -1,    10,    -30,  127,   -126, -149,  150,        300,
                                     -400, 1023, -1022, -1074, 1100, -1100, 2000, -2097, 2147483647, -2147483647 - 1}) {
            x.push_back(v);
            n.push_back(e);
        }
    const std::vector<T> z = ldexp(vector_of(x), vector_of(n)).template to_vector<T>();
    for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_TRUE(same_bits(z[i], std::ldexp(x[i], n[i]))) << x[i] << " * 2^" << n[i] << " = " << z[i];
}

// Each through f32 or f64, exactly or rounded once.
TEST(BinaryFunctionsOfHalves, AreRoundedOnce) {
    const auto [x, y] = pairs<float>(4000);
    for (const Dtype d : {Dtype::f16, Dtype::bf16}) {
        const Tensor a = convert(vector_of(x), d), b = convert(vector_of(y), d);
        const std::vector<float> ax = convert(a, Dtype::f32).to_vector<float>(),
                                 bx = convert(b, Dtype::f32).to_vector<float>();
        const auto check = [&](const char* name, const Tensor& result, double (*exact)(double, double)) {
            EXPECT_EQ(result.dtype(), d);
            std::vector<double> want;
            for (std::size_t i = 0; i < ax.size(); ++i) want.push_back(exact(ax[i], bx[i]));
            const std::vector<float> z = convert(result, Dtype::f32).to_vector<float>(),
                                     w = convert(convert(vector_of(want), d), Dtype::f32).to_vector<float>();
            for (std::size_t i = 0; i < z.size(); ++i)
                ASSERT_TRUE(same_bits(z[i], w[i])) << name << "(" << ax[i] << ", " << bx[i] << ") = " << z[i];
        };
        check("fmod", fmod(a, b), [](double p, double q) { return std::fmod(p, q); });
        check("copysign", copysign(a, b), [](double p, double q) { return std::copysign(p, q); });
        // Neighbours of f16 and bf16: the difference is one step of the bits.
        const Tensor next = nextafter(a, full({}, infinity, d));
        const std::vector<float> up = convert(next, Dtype::f32).to_vector<float>();
        const std::vector<float> back = convert(nextafter(next, a), Dtype::f32).to_vector<float>();
        for (std::size_t i = 0; i < up.size(); ++i) {
            if (std::isnan(ax[i]) || std::isinf(ax[i])) continue;
            ASSERT_GT(up[i], ax[i]);
            ASSERT_EQ(back[i], ax[i]);
        }
    }
}

template <class T>
class IntegerFunctions : public testing::Test {};
using IntegerTypes = testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                                    std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegerFunctions, IntegerTypes);

TYPED_TEST(IntegerFunctions, AreExact) {
    using T = TypeParam;
    using Wide = __int128;
    constexpr T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    std::vector<T> x, y;
    const std::vector<T> values = {
        low, static_cast<T>(low + 1), static_cast<T>(-3), static_cast<T>(-1), 0, 1, 2, 3, 7, 12, 100, high};
    for (const T a : values)
        for (const T b : values) {
            x.push_back(a);
            y.push_back(b);
        }
    const auto check = [&](const char* name, const Tensor& result, const std::function<Wide(Wide, Wide)>& exact) {
        const std::vector<T> z = result.template to_vector<T>();
        for (std::size_t i = 0; i < x.size(); ++i)
            EXPECT_EQ(z[i], static_cast<T>(exact(x[i], y[i]))) << name << "(" << +x[i] << ", " << +y[i] << ")";
    };
    const Tensor a = vector_of(x), b = vector_of(y);
    const auto floor = [](Wide p, Wide q) {
        return q == 0 ? Wide{0} : p / q - (p % q != 0 && (p % q < 0) != (q < 0) ? 1 : 0);
    };
    const auto divisor = [](Wide p, Wide q) {
        for (p = p < 0 ? -p : p, q = q < 0 ? -q : q; q != 0;) p = std::exchange(q, p % q);
        return p;
    };
    check("floor_divide", floor_divide(a, b), floor);
    check("mod", mod(a, b), [&](Wide p, Wide q) { return q == 0 ? 0 : p - floor(p, q) * q; });
    check("fmod", fmod(a, b), [](Wide p, Wide q) { return q == 0 ? 0 : p % q; });
    check("fmax", fmax(a, b), [](Wide p, Wide q) { return std::max(p, q); });
    check("fmin", fmin(a, b), [](Wide p, Wide q) { return std::min(p, q); });
    check("absolute_difference", absolute_difference(a, b), [](Wide p, Wide q) { return p > q ? p - q : q - p; });
    check("clamp", clamp(a, 1, b), [](Wide p, Wide q) { return std::min(std::max(p, Wide{1}), q); });
    check("heaviside", heaviside(a, b), [](Wide p, Wide q) { return p == 0 ? q : p > 0 ? 1 : 0; });
    check("gcd", gcd(a, b), divisor);
    check("lcm", lcm(a, b), [&](Wide p, Wide q) {
        const Wide g = static_cast<T>(divisor(p, q));  // which wraps where only the least integer divides
        if (g == 0) return Wide{0};
        const T product =
            static_cast<T>(static_cast<unsigned __int128>(static_cast<T>(p / g)) * static_cast<unsigned __int128>(q));
        return product < 0 ? -Wide{product} : Wide{product};
    });
}

TEST(GreatestDivisor, BroadcastsAndRunsEverywhere) {
    const Tensor x = Tensor::from({12, 18, 35, 0}, {4, 1}), y = Tensor::from({8, 27, 0}, {1, 3});
    std::vector<std::int32_t> want;
    for (const int a : {12, 18, 35, 0})
        for (const int b : {8, 27, 0}) want.push_back(std::gcd(a, b));
    EXPECT_EQ(gcd(x, y).to_vector<std::int32_t>(), want);
    const auto f = [](const Tensor& a, const Tensor& b) { return gcd(a, b); };
    EXPECT_EQ(jit(f)(x, y).to_vector<std::int32_t>(), want);
    EXPECT_EQ(vmap(f, {0, std::nullopt})(x, y.reshape({3})).to_vector<std::int32_t>(), want);
    EXPECT_EQ(gcd(x.reshape({4}), 6).to_vector<std::int32_t>(), (std::vector<std::int32_t>{6, 6, 1, 6}));
    EXPECT_EQ(lcm(Tensor::from({4, 0, -6}), Tensor::from({6, 5, 4})).to_vector<std::int32_t>(),
              (std::vector<std::int32_t>{12, 0, 12}));
}

// ---- edges

std::vector<double> of(const Tensor& x) { return x.to_vector<double>(); }

void expect_values(const Tensor& actual, const std::vector<double>& expected) {
    const std::vector<double> values = of(actual);
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        EXPECT_TRUE(same_bits(values[i], expected[i])) << i << ": " << values[i] << ", not " << expected[i];
}

TEST(Edges, OfBoundsAndSteps) {
    const Tensor x = Tensor::from({-2.0, 0.0, 3.0, nan});
    expect_values(clamp(x, -1, 2), {-1, 0, 2, nan});
    expect_values(clamp(x, 1), {1, 1, 3, nan});
    expect_values(clamp(x, std::nullopt, 1), {-2, 0, 1, nan});
    expect_values(clamp(x, 2, -1), {-1, -1, -1, nan});
    expect_values(clamp(x, nan, 1), {nan, nan, nan, nan});
    expect_values(clamp(x, Tensor::from({0.0, 1.0, 0.0, 0.0}), 1.5), {0, 1, 1.5, nan});
    expect_values(heaviside(x, 0.5), {0, 0.5, 1, nan});
    expect_values(heaviside(Tensor::from({-0.0, infinity, -infinity}), Tensor::from({7.0, 7.0, 7.0})), {7, 1, 0});
    expect_values(fmax(x, 1), {1, 1, 3, 1});
    expect_values(fmin(Tensor::from({nan, nan, 1.0}), Tensor::from({2.0, nan, nan})), {2, nan, 1});
    EXPECT_EQ(logical_xor(Tensor::from({true, false, true}), Tensor::from({true, true, false})).to_vector<bool>(),
              (std::vector<bool>{false, true, true}));
}

TEST(Edges, OfLogarithmsAndRoots) {
    const Tensor x = Tensor::from({0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0, -1.0, nan});
    const Tensor y = Tensor::from({0.0, -1.0, 0.5, infinity, nan, 0.0, -1.0, infinity, 1.0});
    expect_values(xlogy(x, y), {0, 0, 0, 0, nan, -infinity, nan, -infinity, nan});
    const Tensor a = Tensor::from({infinity, -infinity, infinity, -infinity, nan, 0.0, 1000.0});
    const Tensor b = Tensor::from({infinity, -infinity, -infinity, 3.0, 1.0, infinity, 0.0});
    expect_values(logaddexp(a, b), {infinity, -infinity, infinity, 3, nan, infinity, 1000});
    expect_values(logaddexp2(a, b), {infinity, -infinity, infinity, 3, nan, infinity, 1000});
    expect_values(logaddexp2(Tensor::from({3.0, -1.0}), Tensor::from({3.0, -1.0})), {4, 0});
    expect_values(hypot(Tensor::from({3.0, infinity, 0.0, 1e300, 3e-320, nan}),
                        Tensor::from({-4.0, nan, -0.0, 1e300, 4e-320, 1.0})),
                  {5, infinity, 0, std::hypot(1e300, 1e300), std::hypot(3e-320, 4e-320), nan});
}

TEST(Edges, OfInterpolation) {
    const Tensor from = Tensor::from({1.0, -5.0, 0.1}), to = Tensor::from({3.0, 5.0, 0.7});
    expect_values(lerp(from, to, 0), of(from));
    expect_values(lerp(from, to, 1), of(to));
    expect_values(lerp(from, to, Tensor::from({0.25, 0.5, 2.0})), {1.5, 0, 0.7 - (0.7 - 0.1) * -1.0});
    EXPECT_EQ(lerp(full({}, 1000, Dtype::f16), full({}, 1001, Dtype::f16), 0.5).dtype(), Dtype::f16);
}

TEST(Edges, OfDivision) {
    expect_values(mod(Tensor::from({7.0, -7.0, 7.0, -7.0, -8.0, 1.0, infinity, -1.0}),
                      Tensor::from({4.0, 4.0, -4.0, -4.0, 4.0, 0.0, 2.0, infinity})),
                  {3, 1, -1, -3, -0.0, nan, nan, infinity});
    expect_values(floor_divide(Tensor::from({7.0, -7.0, 1.0, -1.0, 0.0, -0.0, 1.0, 0.3}),
                               Tensor::from({4.0, 4.0, 0.0, infinity, 5.0, 5.0, infinity, 0.1})),
                  {1, -2, infinity, -1, 0, -0.0, 0, 2});
    EXPECT_EQ(of(true_divide(Tensor::from({1.0}), 4)), std::vector<double>{0.25});
}

// ---- derivatives

// Of sum(f(x, y)) by both, and by both of their sums.
template <class F>
std::vector<double> slopes(const F& f, double x, double y) {
    const auto by = [&](const auto& g, bool first) {
        const auto h = [&](const Tensor& v) { return first ? g(v, Tensor::scalar(y)) : g(Tensor::scalar(x), v); };
        return grad(h)(Tensor::scalar(first ? x : y)).template item<double>();
    };
    return {by(f, true), by(f, false)};
}

TEST(Derivatives, AtEdges) {
    using Slopes = std::vector<double>;
    const auto near = [](const Slopes& a, const Slopes& b) {
        for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-12);
    };
    const auto plain = [](Tensor (*f)(const detail::Operand&, const detail::Operand&)) {
        return [f](const Tensor& x, const Tensor& y) { return f(x, y); };
    };
    EXPECT_EQ(slopes(plain(fmod), 7, 3), (Slopes{1, -2}));
    EXPECT_EQ(slopes(plain(fmod), -7, 3), (Slopes{1, 2}));
    EXPECT_EQ(slopes(plain(mod), -7, 3), (Slopes{1, 3}));
    EXPECT_EQ(slopes(plain(mod), 6, 3), (Slopes{1, -2}));
    EXPECT_EQ(slopes(plain(floor_divide), 7, 3), (Slopes{0, 0}));
    EXPECT_EQ(slopes(plain(copysign), -3, 2), (Slopes{-1, 0}));
    EXPECT_EQ(slopes(plain(copysign), 0, 2), (Slopes{0, 0}));
    EXPECT_EQ(slopes(plain(hypot), 0, 0), (Slopes{0, 0}));
    near(slopes(plain(hypot), 3, -4), {0.6, -0.8});
    EXPECT_EQ(slopes(plain(logaddexp), 2, 2), (Slopes{0.5, 0.5}));
    EXPECT_EQ(slopes(plain(logaddexp), -infinity, -infinity), (Slopes{0.5, 0.5}));
    EXPECT_EQ(slopes(plain(logaddexp), infinity, 1), (Slopes{1, 0}));
    EXPECT_EQ(slopes(plain(xlogy), 0, 0), (Slopes{0, 0}));
    near(slopes(plain(xlogy), 0, 2), {std::log(2.0), 0});
    near(slopes(plain(xlogy), 3, 2), {std::log(2.0), 1.5});
    EXPECT_EQ(slopes(plain(heaviside), 0, 2), (Slopes{0, 1}));
    EXPECT_EQ(slopes(plain(heaviside), 3, 2), (Slopes{0, 0}));
    EXPECT_EQ(slopes(plain(fmax), nan, 2), (Slopes{0, 1}));
    EXPECT_EQ(slopes(plain(fmin), 1, nan), (Slopes{1, 0}));
    EXPECT_EQ(slopes(plain(fmax), 2, 2), (Slopes{1, 0}));
    EXPECT_EQ(slopes(plain(absolute_difference), 1, 4), (Slopes{-1, 1}));
    const auto bounded = [](const Tensor& x, const Tensor& y) { return clamp(x, y, 5); };
    EXPECT_EQ(slopes(bounded, 1, 2), (Slopes{0, 1}));
    EXPECT_EQ(slopes(bounded, 3, 2), (Slopes{1, 0}));
    EXPECT_EQ(slopes(bounded, 2, 2), (Slopes{1, 0}));
    EXPECT_EQ(slopes(bounded, 7, 2), (Slopes{0, 0}));
    const auto between = [](const Tensor& x, const Tensor& y) { return lerp(x, y, 0.75); };
    EXPECT_EQ(slopes(between, 1, 2), (Slopes{0.25, 0.75}));
    // A second derivative where both are alike: 1/4.
    const auto first = grad([](const Tensor& x) { return logaddexp(x, 2.0); });
    EXPECT_NEAR(grad([&](const Tensor& x) { return first(x); })(Tensor::scalar(2.0)).item<double>(), 0.25, 1e-12);
}

// ---- ways to run them

TEST(BinaryFunctions, GiveTheSameBitsLazilyJittedAndMapped) {
    const Tensor x = random_uniform(1, {5, 130}, -4, 4), y = random_uniform(2, {5, 130}, -4, 4);
    const auto f = [](const Tensor& a, const Tensor& b) {
        return std::vector<Tensor>{fmod(a, b),      mod(a, b),       floor_divide(a, b), clamp(a, -1, b),
                                   lerp(a, b, 0.3), fma(a, b, a),    copysign(a, b),     nextafter(a, b),
                                   hypot(a, b),     logaddexp(a, b), logaddexp2(a, b),   xlogy(a, abs(b)),
                                   fmax(a, b),      fmin(a, b),      heaviside(a, b),    absolute_difference(a, b)};
    };
    const std::vector<Tensor> lazy = f(x, y), jitted = jit(f)(x, y), mapped = vmap(f)(x, y);
    const Model model = trace([&](const Tensor& a, const Tensor& b) { return concat(f(a, b), 0); },
                              {{"a", Dtype::f32, {"rows", "columns"}}, {"b", Dtype::f32, {"rows", "columns"}}});
    const Tensor traced = model(std::vector{x, y})[0], all = concat(lazy, 0);
    EXPECT_EQ(traced.to_array(), all.to_array());
    for (std::size_t i = 0; i < lazy.size(); ++i) {
        EXPECT_EQ(jitted[i].to_array(), lazy[i].to_array()) << i;
        EXPECT_EQ(mapped[i].to_array(), lazy[i].to_array()) << i;
    }
}

// ---- what is refused

TEST(Refused, MixedDtypesByEveryRow) {
    std::size_t checked = 0;
    for (const ir::OpDef* op : ir::op_table()) {
        if (op->lowering != ir::Lowering::elementwise || op->arity.minimum < 2 || op->samples != nullptr) continue;
        const Dtype first = op->dtypes.contains(Dtype::f32)   ? Dtype::f32
                            : op->dtypes.contains(Dtype::i32) ? Dtype::i32
                                                              : Dtype::u64;
        for (const Dtype second : ir::all_dtypes()) {
            if (second == first || !op->dtypes.contains(second) || !op->dtypes.contains(first)) continue;
            ir::Graph g;
            std::vector<ir::Value> x(static_cast<std::size_t>(op->arity.minimum),
                                     g.add_parameter("x", {first, ir::Shape{2}}));
            x.back() = g.add_parameter("y", {second, ir::Shape{2}});
            std::string types;
            for (const ir::Value& v : x)
                types += (types.empty()     ? ""
                          : &v == &x.back() ? " and "
                          : x.size() == 2   ? " and "
                                            : ", ") +
                         v.type().to_string();
            const std::string message = refusal([&] { g.add(*op, x); });
            EXPECT_EQ(message,
                      std::string(op->name) + ": the dtypes differ; convert() makes them the same (" + types + ")");
            ++checked;
        }
    }
    EXPECT_GT(checked, 100U);
}

TEST(Refused, MixedDtypesByEveryFunction) {
    const Tensor x = ones({2}), y = ones({2}, Dtype::i32), n = ones({2}, Dtype::i64);
    const std::string why = ": the dtypes differ; convert() makes them the same (f32[2] and i32[2])";
    using Function = Tensor (*)(const detail::Operand&, const detail::Operand&);
    const std::pair<const char*, Function> functions[] = {{"fmod", fmod},
                                                          {"mod", mod},
                                                          {"floor_divide", floor_divide},
                                                          {"true_divide", true_divide},
                                                          {"copysign", copysign},
                                                          {"heaviside", heaviside},
                                                          {"xlogy", xlogy},
                                                          {"fmax", fmax},
                                                          {"fmin", fmin},
                                                          {"absolute_difference", absolute_difference}};
    for (const auto& [name, f] : functions) {
        const std::string start = here();
        const std::string message = refusal([&, f = f] { f({x, Where::current()}, {y, Where::current()}); });
        EXPECT_NE(message.find(name), std::string::npos) << message;
        EXPECT_NE(message.find("convert()"), std::string::npos) << message;
    }
    EXPECT_EQ(refusal([&] { mod(x, y); }), here() + "mod" + why);
    EXPECT_EQ(refusal([&] { xlogy(x, y); }), here() + "xlogy" + why);
    EXPECT_EQ(refusal([&] { lerp(x, x, y); }),
              here() + "lerp: the dtypes differ; convert() makes them the same (f32[2], f32[2] and i32[2])");
    EXPECT_EQ(refusal([&] { gcd(y, n); }),
              here() + "gcd: the dtypes differ; convert() makes them the same (i32[2] and i64[2])");
    EXPECT_EQ(
        refusal([&] { true_divide(y, y); }),
        here() +
            "true_divide: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[2] and i32[2])");
    EXPECT_EQ(refusal([&] { gcd(x, x); }), here() +
                                               "gcd: operand 0 is f32, not one of i64 i32 i16 i8 u64 u32 u16 u8; "
                                               "convert() makes it one (f32[2] and f32[2])");
    EXPECT_EQ(refusal([&] { logical_xor(x, x); }),
              here() + "logical_xor: operand 0 is f32, not bool; convert() makes it that (f32[2] and f32[2])");
}

}  // namespace
}  // namespace lathe
