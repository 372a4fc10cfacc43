// Activation functions: values and derivatives against their formulas in long double, far from 0 and at their edges, in
// every way to run them; and functions of an element that are short formulas.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lathe.h"

namespace lathe {
namespace {

using Exact = long double (*)(long double);
using Function = std::function<Tensor(const Tensor&)>;

struct Activation {
    std::string name;
    Function f;
    Exact value, slope;
    double absolute = 0;  // an error that is allowed beside a relative one of a few ulp
};

constexpr long double root_half = 0.70710678118654752440084436L, pi = 3.14159265358979323846264338L;
long double sigmoid_of(long double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
long double softplus_of(long double x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))); }
long double gelu_tanh_of(long double x) {
    return x / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715L * x * x * x)));
}
long double gelu_tanh_slope(long double x) {
    const long double inner = std::sqrt(2 / pi) * (x + 0.044715L * x * x * x), t = std::tanh(inner);
    return (1 + t) / 2 + x / 2 / std::cosh(inner) / std::cosh(inner) * std::sqrt(2 / pi) * (1 + 0.134145L * x * x);
}
constexpr long double selu_alpha = 1.6732632423543772848L, selu_scale = 1.0507009873554804934L;

std::vector<Activation> activations() {
    using L = long double;
    return {
        {"relu", [](const Tensor& x) { return relu(x); }, [](L x) { return std::max(x, L(0)); },
         [](L x) { return L(x > 0); }},
        {"relu6", [](const Tensor& x) { return relu6(x); }, [](L x) { return std::min(std::max(x, L(0)), L(6)); },
         [](L x) { return L(x > 0 && x < 6); }},
        {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.25); }, [](L x) { return x > 0 ? x : x / 4; },
         [](L x) { return x > 0 ? L(1) : L(0.25); }},
        {"prelu", [](const Tensor& x) { return prelu(x, full({1}, 0.25, x.dtype())); },
         [](L x) { return x > 0 ? x : x / 4; }, [](L x) { return x > 0 ? L(1) : L(0.25); }},
        {"elu", [](const Tensor& x) { return elu(x); }, [](L x) { return x > 0 ? x : std::expm1(x); },
         [](L x) { return x > 0 ? L(1) : std::exp(x); }},
        {"elu of 3", [](const Tensor& x) { return elu(x, 3); }, [](L x) { return x > 0 ? x : 3 * std::expm1(x); },
         [](L x) { return x > 0 ? L(1) : 3 * std::exp(x); }},
        {"celu", [](const Tensor& x) { return celu(x, 2); }, [](L x) { return x > 0 ? x : 2 * std::expm1(x / 2); },
         [](L x) { return x > 0 ? L(1) : std::exp(x / 2); }},
        {"selu", [](const Tensor& x) { return selu(x); },
         [](L x) { return selu_scale * (x > 0 ? x : selu_alpha * std::expm1(x)); },
         [](L x) { return selu_scale * (x > 0 ? L(1) : selu_alpha * std::exp(x)); }},
        {"gelu", [](const Tensor& x) { return gelu(x); }, [](L x) { return x / 2 * std::erfc(-x * root_half); },
         [](L x) { return std::erfc(-x * root_half) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * pi); }, 1e-14},
        {"gelu by tanh", [](const Tensor& x) { return gelu(x, {.tanh = true}); }, gelu_tanh_of, gelu_tanh_slope, 1e-14},
        {"silu", [](const Tensor& x) { return silu(x); }, [](L x) { return x * sigmoid_of(x); },
         [](L x) { return sigmoid_of(x) * (1 + x * sigmoid_of(-x)); }},
        {"mish", [](const Tensor& x) { return mish(x); }, [](L x) { return x * std::tanh(softplus_of(x)); },
         [](L x) {
             const L t = std::tanh(softplus_of(x)), c = std::cosh(softplus_of(x));
             return t + x * sigmoid_of(x) / c / c;
         },
         1e-15},
        {"softplus", [](const Tensor& x) { return softplus(x, {.threshold = 1000}); }, softplus_of, sigmoid_of},
        {"softplus of 2 x", [](const Tensor& x) { return softplus(x, {.beta = 2, .threshold = 15}); },
         [](L x) { return 2 * x > 15 ? x : softplus_of(2 * x) / 2; },
         [](L x) { return 2 * x > 15 ? L(1) : sigmoid_of(2 * x); }},
        {"softsign", [](const Tensor& x) { return softsign(x); }, [](L x) { return x / (1 + std::abs(x)); },
         [](L x) { return 1 / (1 + std::abs(x)) / (1 + std::abs(x)); }},
        {"log_sigmoid", [](const Tensor& x) { return log_sigmoid(x); }, [](L x) { return -softplus_of(-x); },
         [](L x) { return sigmoid_of(-x); }},
        {"hardtanh", [](const Tensor& x) { return hardtanh(x, {.low = -0.5, .high = 2}); },
         [](L x) { return std::min(std::max(x, L(-0.5)), L(2)); }, [](L x) { return L(x > -0.5 && x < 2); }},
        {"hardsigmoid", [](const Tensor& x) { return hardsigmoid(x); },
         [](L x) { return std::min(std::max(x + 3, L(0)), L(6)) / 6; },
         [](L x) { return x > -3 && x < 3 ? L(1) / 6 : 0; }},
        {"hardswish", [](const Tensor& x) { return hardswish(x); },
         [](L x) { return x * std::min(std::max(x + 3, L(0)), L(6)) / 6; },
         [](L x) { return x <= -3  ? 0
                          : x >= 3 ? 1
                                   : x / 3 + L(0.5); }, 1e-15},
        {"softshrink", [](const Tensor& x) { return softshrink(x); },
         [](L x) { return x > 0.5L    ? x - 0.5L
                          : x < -0.5L ? x + 0.5L
                                      : 0; }, [](L x) { return L(std::abs(x) > 0.5L); }},
        {"hardshrink", [](const Tensor& x) { return hardshrink(x); }, [](L x) { return std::abs(x) > 0.5L ? x : 0; },
         [](L x) { return L(std::abs(x) > 0.5L); }},
        {"tanhshrink", [](const Tensor& x) { return tanhshrink(x); }, [](L x) { return x - std::tanh(x); },
         [](L x) { return std::tanh(x) * std::tanh(x); }, 1e-15},
        {"threshold", [](const Tensor& x) { return threshold(x, 0.5, -7); }, [](L x) { return x > 0.5L ? x : -7; },
         [](L x) { return L(x > 0.5L); }},
    };
}

// The edges among them; what follows infinity is not tried for products of it with 0.
const std::vector<double> arguments = {-1e300, -6e4,  -700,  -300, -60,  -20.5, -10.5, -3.5, -3,  -2,  -1,   -0.9,
                                       -0.5,   -0.25, -1e-9, 0,    1e-9, 0.25,  0.5,   0.9,  1,   2,   2.5,  3,
                                       3.5,    6,     6.5,   7.5,  10.5, 20.5,  60,    300,  700, 6e4, 1e300};

Tensor line_of(const std::vector<double>& x) { return Tensor::from(x, {static_cast<std::int64_t>(x.size())}); }

Tensor slope_of(const Function& f, const Tensor& x) {
    return grad([&](const Tensor& v) { return sum(f(v)); })(x);
}

void expect_close(double actual, long double expected, double absolute, double digits, const std::string& what) {
    if (std::isinf(static_cast<double>(expected))) {
        EXPECT_EQ(actual, static_cast<double>(expected)) << what;
    } else {
        const double tolerance = absolute + digits * std::abs(static_cast<double>(expected)) + 1e-300;
        EXPECT_NEAR(actual, static_cast<double>(expected), tolerance) << what;
    }
}

TEST(Activations, ValuesAndDerivativesAreThoseOfTheFormulas) {
    const Tensor x = line_of(arguments);
    for (const Activation& a : activations()) {
        const std::vector<double> values = a.f(x).to_vector<double>(), slopes = slope_of(a.f, x).to_vector<double>();
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            const std::string at = a.name + " at " + std::to_string(arguments[i]);
            expect_close(values[i], a.value(arguments[i]), a.absolute, 4e-15, at);
            expect_close(slopes[i], a.slope(arguments[i]), a.absolute, 4e-14, "the derivative of " + at);
        }
    }
}

// In f32 within its range, whose powers overflow earlier.
TEST(Activations, DerivativesOfNarrowFloatsAreFinite) {
    for (const Dtype d : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
        const double greatest = d == Dtype::f16 ? 6e4 : 1e38, digits = d == Dtype::f32 ? 4e-6 : 2e-2;
        const Tensor x =
            convert(Tensor::from({-greatest, -300.0, -88.0, -30.0, -3.5, 0.0, 0.75, 3.5, 30.0, 88.0, greatest}), d);
        const std::vector<double> held = convert(x, Dtype::f64).to_vector<double>();
        for (const Activation& a : activations()) {
            const std::vector<double> slopes = convert(slope_of(a.f, x), Dtype::f64).to_vector<double>();
            for (std::size_t i = 0; i < held.size(); ++i)
                expect_close(slopes[i], a.slope(held[i]), d == Dtype::f16 ? 1e-4 : 1e-6, digits,
                             "the derivative of " + a.name + " at " + std::to_string(held[i]));
        }
    }
}

TEST(Activations, SecondDerivativesAreDifferencesOfTheFirst) {
    const std::vector<double> smooth = {-7.3, -2.2, -1.3, -0.7, 0.2, 0.7, 1.4, 2.7, 7.3};
    const Tensor x = line_of(smooth);
    for (const Activation& a : activations()) {
        const Tensor second = slope_of([&](const Tensor& v) { return slope_of(a.f, v); }, x);
        const std::vector<double> found = second.to_vector<double>();
        constexpr long double step = 1e-6L;
        for (std::size_t i = 0; i < smooth.size(); ++i) {
            const long double difference = (a.slope(smooth[i] + step) - a.slope(smooth[i] - step)) / (2 * step);
            EXPECT_NEAR(found[i], static_cast<double>(difference), 1e-7) << a.name << " at " << smooth[i];
        }
    }
}

TEST(Activations, AreTheSameInEveryWayToRunThem) {
    for (const Dtype d : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16}) {
        const Tensor x = convert(random_normal(3, {5, 37}) * 4.0, d);
        for (const Activation& a : activations()) {
            const Tensor wide = convert(a.f(convert(x, d == Dtype::f64 ? d : Dtype::f32)), d);
            const Array expected = wide.to_array();
            EXPECT_EQ(a.f(x).to_array(), expected) << a.name;
            EXPECT_EQ(jit(a.f)(x).to_array(), expected) << a.name;
            EXPECT_EQ(vmap(a.f)(x).to_array(), expected) << a.name;
            const Model model = trace(a.f, {{"x", d, {"n", "m"}}});
            EXPECT_EQ(model(x).to_array(), expected) << a.name;
            EXPECT_EQ(jit([&](const Tensor& v) { return slope_of(a.f, v); })(x).to_array(), slope_of(a.f, x).to_array())
                << a.name;
        }
    }
}

TEST(Activations, NaNStaysNaN) {
    const Tensor x = Tensor::from({std::numeric_limits<double>::quiet_NaN()});
    for (const Activation& a : activations()) EXPECT_TRUE(std::isnan(a.f(x).to_vector<double>()[0])) << a.name;
    EXPECT_TRUE(std::isnan(logit(x).to_vector<double>()[0]));
}

TEST(Activations, SlopesOfChannels) {
    const Tensor x = Tensor::from({-1.0, -2.0, 3.0, -4.0, -5.0, 6.0, -7.0, -8.0}, {2, 2, 2});
    const Tensor slopes = Tensor::from({0.5, 2.0});
    EXPECT_EQ(prelu(x, slopes).to_vector<double>(), (std::vector<double>{-0.5, -1, 3, -8, -2.5, 6, -14, -16}));
    const auto by_slope = grad([&](const Tensor& s) { return sum(prelu(x, s)); })(slopes);
    EXPECT_EQ(by_slope.to_vector<double>(), (std::vector<double>{-8, -19}));
    EXPECT_EQ(jit([](const Tensor& v, const Tensor& s) { return prelu(v, s); })(x, slopes).to_array(),
              prelu(x, slopes).to_array());
    EXPECT_EQ(prelu(x, full({}, 0.5, Dtype::f64)).to_array(), leaky_relu(x, 0.5).to_array());
    EXPECT_THROW(prelu(x, Tensor::from({1.0, 2.0, 3.0})), TypeError);
    EXPECT_THROW(prelu(x, convert(slopes, Dtype::f32)), TypeError);
}

TEST(Activations, HalvesGateEachOther) {
    const Tensor x = random_normal(5, {4, 6, 3});
    for (const std::int64_t axis : {0, 1, -2}) {
        const auto half = [&](std::int64_t from) {
            std::vector<std::int64_t> start(3, 0), size = {4, 6, 3};
            const auto at = static_cast<std::size_t>(axis < 0 ? axis + 3 : axis);
            size[at] /= 2;
            start[at] = from * size[at];
            return slice(x, start, size);
        };
        const Array expected = (half(0) * sigmoid(half(1))).to_array();
        EXPECT_EQ(glu(x, axis).to_array(), expected);
        EXPECT_EQ(jit([&](const Tensor& v) { return glu(v, axis); })(x).to_array(), expected);
        EXPECT_EQ(
            trace([&](const Tensor& v) { return glu(v, axis); }, {{"x", Dtype::f32, {"a", "b", "c"}}})(x).to_array(),
            expected);
    }
    EXPECT_THROW(glu(x), TypeError);
    EXPECT_THROW(glu(x, 3), Error);
    EXPECT_THROW(jit([&](const Tensor& v) { return glu(v); })(x).eval(), Error);
}

TEST(Activations, LogitsUndoSigmoids) {
    const std::vector<double> p = {0, 1e-300, 1e-9, 0.25, 0.5, 0.75, 1};
    const Tensor x = line_of(p);
    const std::vector<double> found = logit(x).to_vector<double>();
    const std::vector<double> slopes = slope_of([](const Tensor& v) { return logit(v); }, x).to_vector<double>();
    for (std::size_t i = 0; i < p.size(); ++i) {
        const long double v = p[i];
        expect_close(found[i], std::log(v) - std::log1p(-v), 1e-16, 4e-15, "logit");
        expect_close(slopes[i], 1 / v + 1 / (1 - v), 0, 4e-15, "the derivative of logit");
    }
    EXPECT_EQ(logit(x, 0.25).to_vector<double>()[0], logit(full({}, 0.25, Dtype::f64)).item<double>());
    EXPECT_EQ(logit(x, 0.25).to_vector<double>()[6], logit(full({}, 0.75, Dtype::f64)).item<double>());
}

TEST(Activations, RefuseIntegersAndNameTheConversion) {
    const Tensor i = arange(4);
    for (const Activation& a : activations()) {
        if (a.name == "relu" || a.name == "prelu") continue;
        try {
            a.f(i);
            ADD_FAILURE() << a.name;
        } catch (const TypeError& e) {
            EXPECT_NE(std::string(e.what()).find("i64[4]"), std::string::npos) << e.what();
        }
    }
    try {
        mish(i);
    } catch (const TypeError& e) {
        EXPECT_EQ(e.message(), "mish: operand 0 is i64, not one of f64 f32 f16 bf16; convert() makes it one (i64[4])");
    }
    try {
        hardtanh(Tensor::from({1.0}), {.low = 2});
    } catch (const TypeError& e) {
        EXPECT_EQ(e.message(), "hardtanh: low is above high, or one of them is NaN (f64[1])");
    }
}

TEST(Elementwise, KindsOfNumbers) {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    for (const Dtype d : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16}) {
        const Tensor x = convert(Tensor::from({0.0, -1.5, inf, -inf, nan}), d);
        EXPECT_EQ(convert(isnan(x), Dtype::i32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{0, 0, 0, 0, 1}));
        EXPECT_EQ(convert(isinf(x), Dtype::i32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{0, 0, 1, 1, 0}));
        EXPECT_EQ(convert(isfinite(x), Dtype::i32).to_vector<std::int32_t>(),
                  (std::vector<std::int32_t>{1, 1, 0, 0, 0}));
        EXPECT_EQ(convert(reciprocal(x), Dtype::f64).to_vector<double>()[0], inf);
        EXPECT_EQ(convert(square(x), Dtype::f64).to_vector<double>()[1], 2.25);
    }
    for (const Tensor& x : {arange(3), arange(3) > 1}) {
        EXPECT_EQ(sum(isnan(x)).item<std::int64_t>(), 0);
        EXPECT_EQ(sum(isinf(x)).item<std::int64_t>(), 0);
        EXPECT_EQ(sum(isfinite(x)).item<std::int64_t>(), 3);
    }
    EXPECT_EQ(square(arange(4)).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1, 4, 9}));
    EXPECT_THROW(reciprocal(arange(3)), TypeError);
}

}  // namespace
}  // namespace lathe
