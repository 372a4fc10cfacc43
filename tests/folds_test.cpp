// Folds over axes, scans along one, and order statistics: values against plain loops, edges, derivatives, the ways in
// which they run, and what they refuse.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "codegen/aot.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "lathe.h"
#include "tests/configurations.h"
#include "tests/refusal.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe {
namespace {

using testing_support::here;
using testing_support::refusal;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
using Doubles = std::vector<double>;
using Places = std::vector<std::int64_t>;

Doubles of(const Tensor& x) { return x.to_vector<double>(); }

void expect_near(const Tensor& actual, const Doubles& expected, double tolerance = 1e-12) {
    const Doubles values = of(actual);
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isnan(expected[i]))
            EXPECT_TRUE(std::isnan(values[i])) << i << ": " << values[i];
        else if (std::isinf(expected[i]))
            EXPECT_EQ(values[i], expected[i]) << i;
        else
            EXPECT_NEAR(values[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << i;
    }
}

// A matrix, and what a function of each of its rows is.
const Tensor matrix = Tensor::from({3.0, -1.0, 0.5, 2.0, 0.0, -4.0, 1.0, 1.0, -2.0, 0.25, 8.0, -8.0}, {3, 4});
Doubles of_rows(const std::function<double(const Doubles&)>& f) {
    const Doubles all = of(matrix);
    Doubles out;
    for (std::ptrdiff_t r = 0; r < 3; ++r) out.push_back(f(Doubles(all.begin() + 4 * r, all.begin() + 4 * r + 4)));
    return out;
}

using Fold = std::function<Tensor(const Tensor&, const Axes&, bool)>;
struct Case {
    std::string name;
    Fold fold;
    std::function<double(const Doubles&)> exact;
};

double total(const Doubles& x, const std::function<double(double)>& f) {
    double t = 0;
    for (const double v : x) t += f(v);
    return t;
}
double spread(const Doubles& x, double correction) {
    const auto n = static_cast<double>(x.size());
    const double mean = total(x, [](double v) { return v; }) / n;
    return total(x, [&](double v) { return (v - mean) * (v - mean); }) / (n - correction);
}

std::vector<Case> cases() {
    std::vector<Case> all = {
        {"prod", [](auto& x, auto& a, bool k) { return prod(x, a, k); },
         [](const Doubles& x) {
             double p = 1;
             for (const double v : x) p *= v;
             return p;
         }},
        {"all", [](auto& x, auto& a, bool k) { return lathe::all(x, a, k); },
         [](const Doubles& x) { return std::ranges::count(x, 0.0) == 0 ? 1.0 : 0.0; }},
        {"any", [](auto& x, auto& a, bool k) { return any(x > 2.5, a, k); },
         [](const Doubles& x) { return std::ranges::any_of(x, [](double v) { return v > 2.5; }) ? 1.0 : 0.0; }},
        {"count_nonzero", [](auto& x, auto& a, bool k) { return count_nonzero(x, a, k); },
         [](const Doubles& x) {
             return static_cast<double>(x.size()) - static_cast<double>(std::ranges::count(x, 0.0));
         }},
        {"logsumexp", [](auto& x, auto& a, bool k) { return logsumexp(x, a, k); },
         [](const Doubles& x) { return std::log(total(x, [](double v) { return std::exp(v); })); }},
        {"var", [](auto& x, auto& a, bool k) { return var(x, a, {.correction = 1, .keep = k}); },
         [](const Doubles& x) { return spread(x, 1); }},
        {"stddev", [](auto& x, auto& a, bool k) { return stddev(x, a, {.correction = 1, .keep = k}); },
         [](const Doubles& x) { return std::sqrt(spread(x, 1)); }},
        {"nansum", [](auto& x, auto& a, bool k) { return nansum(x, a, k); },
         [](const Doubles& x) { return total(x, [](double v) { return v; }); }},
        {"nanmean", [](auto& x, auto& a, bool k) { return nanmean(log(x), a, k); },
         [](const Doubles& x) {
             const auto positive = std::ranges::count_if(x, [](double v) { return v >= 0; });
             return total(x, [](double v) { return v >= 0 ? std::log(v) : 0; }) / static_cast<double>(positive);
         }},
        {"min", [](auto& x, auto& a, bool k) { return aminmax(x, a, k).min; },
         [](const Doubles& x) { return std::ranges::min(x); }},
        {"max", [](auto& x, auto& a, bool k) { return aminmax(x, a, k).max; },
         [](const Doubles& x) { return std::ranges::max(x); }},
    };
    for (const double p : {0.0, 0.5, 1.0, 2.0, 3.0, -1.5, infinity, -infinity})
        all.push_back({"norm " + std::to_string(p),
                       [p](auto& x, auto& a, bool k) { return norm(x, a, {.p = p, .keep = k}); },
                       [p](const Doubles& x) {
                           Doubles sizes;
                           for (const double v : x) sizes.push_back(std::abs(v));
                           if (std::isinf(p)) return p > 0 ? std::ranges::max(sizes) : std::ranges::min(sizes);
                           if (p == 0)
                               return static_cast<double>(x.size()) - static_cast<double>(std::ranges::count(x, 0.0));
                           return std::pow(total(sizes, [&](double v) { return std::pow(v, p); }), 1 / p);
                       }});
    return all;
}

TEST(Folds, OverAnyAxes) {
    for (const Case& c : cases()) {
        SCOPED_TRACE(c.name);
        const Doubles rows = of_rows(c.exact);
        const auto wide = [](const Tensor& y) { return convert(y, Dtype::f64); };
        expect_near(wide(c.fold(matrix, 1, false)), rows);
        expect_near(wide(c.fold(matrix, -1, true)), rows);
        EXPECT_EQ(c.fold(matrix, -1, true).shape(), (Places{3, 1}));
        EXPECT_EQ(c.fold(matrix, {0, 1}, true).shape(), (Places{1, 1}));
        expect_near(wide(c.fold(matrix, {}, false)), {c.exact(of(matrix))});
        expect_near(wide(c.fold(matrix.t(), 0, false)), rows);
        const auto f = [&](const Tensor& x) { return wide(c.fold(x, 1, false)); };
        EXPECT_EQ(jit(f)(matrix).to_array(), f(matrix).to_array());
        // Over one more axis in front: each row is the same.
        const auto whole = [&](const Tensor& x) { return wide(c.fold(x, {}, false)); };
        expect_near(vmap(whole)(matrix), rows);
        const Model model = trace(f, {{"x", Dtype::f64, {"rows", "columns"}}});
        EXPECT_EQ(model(matrix).to_array(), f(matrix).to_array());
        // Of one element.
        expect_near(wide(c.fold(Tensor::scalar(3.0), {}, false)), {c.exact({3})});
        if (c.name.starts_with("var") || c.name.starts_with("stddev")) continue;
        EXPECT_EQ(c.fold(convert(matrix, Dtype::f16), 1, false).dtype() == Dtype::f16,
                  !c.name.starts_with("count") && c.name != "all" && c.name != "any");
    }
}

TEST(Folds, OfNothing) {
    const Tensor none = zeros({0}, Dtype::f64), rows = zeros({2, 0}, Dtype::f64);
    expect_near(prod(none), {1});
    expect_near(prod(rows, 1), {1, 1});
    EXPECT_TRUE(lathe::all(none).item<bool>());
    EXPECT_FALSE(any(none).item<bool>());
    expect_near(logsumexp(none), {-infinity});
    expect_near(norm(none), {0});
    expect_near(norm(none, {}, {.p = 3}), {0});
    expect_near(nansum(none), {0});
    expect_near(nanmean(none), {nan});
    expect_near(stddev(none), {nan});
    EXPECT_EQ(count_nonzero(rows, 1).to_vector<std::int64_t>(), (Places{0, 0}));
    EXPECT_EQ(prod(zeros({3, 0}), 0).shape(), (Places{0}));
}

TEST(Folds, OfSpecialNumbers) {
    expect_near(logsumexp(Tensor::from({-infinity, -infinity})), {-infinity});
    expect_near(logsumexp(Tensor::from({infinity, 1.0, -infinity})), {infinity});
    expect_near(logsumexp(Tensor::from({nan, 1.0})), {nan});
    expect_near(logsumexp(Tensor::from({1000.0, 1000.0})), {1000 + std::log(2.0)});
    expect_near(logsumexp(Tensor::from({1, 2})), {2 + std::log1p(std::exp(-1.0))});
    EXPECT_TRUE(lathe::all(Tensor::from({nan, 1.0})).item<bool>());
    EXPECT_FALSE(any(Tensor::from({0.0, -0.0})).item<bool>());
    EXPECT_TRUE(any(Tensor::from({0, 256})).item<bool>());
    expect_near(nansum(Tensor::from({nan, 1.0, 2.0})), {3});
    expect_near(nanmean(Tensor::from({nan, 1.0, 2.0})), {1.5});
    expect_near(nanmean(Tensor::from({nan, nan})), {nan});
    expect_near(norm(Tensor::from({infinity, 1.0})), {infinity});
    EXPECT_EQ(norm(full({2}, 1e30)).item<float>(), std::numeric_limits<float>::infinity());  // nothing is scaled
    EXPECT_EQ(norm(full({4}, 1e4, Dtype::f16)).dtype(), Dtype::f16);
    EXPECT_EQ(convert(norm(full({4}, 300, Dtype::f16)), Dtype::f32).item<float>(), 600);  // squares in f32
    expect_near(stddev(Tensor::from({1, 2, 4})), {std::sqrt(14.0 / 9)});
    const Tensor bytes = full({40}, -2, Dtype::i8);
    EXPECT_EQ(prod(bytes).item<std::int64_t>(), std::int64_t{1} << 40);
    EXPECT_EQ(prod(convert(bytes, Dtype::u8)).dtype(), Dtype::u64);
    EXPECT_EQ(prod(Tensor::from({true, true})).dtype(), Dtype::i64);
    EXPECT_EQ(prod(Tensor::scalar(std::int8_t{5})).dtype(), Dtype::i64);
    // Longer than a block of lanes, and beside a kept axis.
    const Tensor many = random_uniform(4, {3, 5000}, 0.999, 1.001);
    expect_near(convert(prod(many, 1), Dtype::f64), of(exp(sum(log(convert(many, Dtype::f64)), 1))), 1e-4);
    EXPECT_EQ(lathe::all(many > 0.0, 0).shape(), (Places{5000}));
    EXPECT_TRUE(lathe::all(lathe::all(many > 0.0, 0)).item<bool>());
    EXPECT_EQ(any(many > 1.0, 1).to_vector<bool>(), (std::vector<bool>(3, true)));
}

TEST(Softmax, AtItsEdges) {
    expect_near(softmin(Tensor::from({1.0, 2.0})), of(softmax(Tensor::from({-1.0, -2.0}))));
    expect_near(softmax(Tensor::from({-infinity, 0.0, -infinity})), {0, 1, 0});
    expect_near(log_softmax(Tensor::from({-infinity, 0.0})), {-infinity, 0});
    expect_near(softmax(Tensor::from({-infinity, -infinity})), {nan, nan});
    expect_near(softmax(Tensor::from({infinity, 0.0})), {nan, nan});
    expect_near(softmin(Tensor::from({-infinity, 0.0})), {nan, nan});
}

// ---- derivatives

// The derivative of f, a sum, and that of its sum with weights 1, 2, ...
template <class F>
Doubles first(const F& f, const Doubles& x) {
    return of(grad([&](const Tensor& v) { return sum(f(v)); })(Tensor::from(x, {static_cast<std::int64_t>(x.size())})));
}
template <class F>
Doubles second(const F& f, const Doubles& x) {
    const auto n = static_cast<std::int64_t>(x.size());
    const auto slope = grad([&](const Tensor& v) { return sum(f(v)); });
    const Tensor weights = convert(arange(n), Dtype::f64) + 1;
    return of(grad([&](const Tensor& v) { return sum(slope(v) * weights); })(Tensor::from(x, {n})));
}
// Of a product: the sum over pairs of the product of all others.
Doubles products_of_others(const Doubles& x) {
    Doubles out;
    for (std::size_t i = 0; i < x.size(); ++i) {
        double p = 1;
        for (std::size_t j = 0; j < x.size(); ++j) p *= j == i ? 1 : x[j];
        out.push_back(p);
    }
    return out;
}
Doubles weighed_pairs(const Doubles& x) {
    Doubles out;
    for (std::size_t i = 0; i < x.size(); ++i) {
        double t = 0;
        for (std::size_t j = 0; j < x.size(); ++j) {
            if (j == i) continue;
            double p = static_cast<double>(j + 1);
            for (std::size_t k = 0; k < x.size(); ++k) p *= k == i || k == j ? 1 : x[k];
            t += p;
        }
        out.push_back(t);
    }
    return out;
}

TEST(Derivatives, OfProductsWithZeros) {
    for (const Doubles& x : std::vector<Doubles>{{2, 3, 5, 7}, {2, 0, 5, 7}, {0, 3, 0, 7}, {0, 0, 0, 7}, {4}, {0}}) {
        const auto f = [](const Tensor& v) { return prod(v); };
        EXPECT_EQ(first(f, x), products_of_others(x));
        EXPECT_EQ(second(f, x), weighed_pairs(x));
        // The last of the cumulative products alone.
        const auto last = [](const Tensor& v) { return cumprod(v)[{-1}]; };
        EXPECT_EQ(first(last, x), products_of_others(x));
        EXPECT_EQ(second(last, x), weighed_pairs(x));
    }
    // All of them: the sum of 2, 2a, 2ab.
    const Doubles all = first([](const Tensor& v) { return cumprod(v); }, {2, 0, 5});
    EXPECT_EQ(all, (Doubles{1, 12, 0}));
    // Over two axes of three, with a kept one between.
    const Tensor x = Tensor::from({1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0, 8.0}, {2, 2, 2});
    const Tensor g = grad([](const Tensor& v) { return sum(prod(v, {0, 2}) * Tensor::from({1.0, 10.0})); })(x);
    EXPECT_EQ(of(g), (Doubles{60, 30, 0, 1680, 12, 10, 0, 0}));
    const Tensor half = grad([](const Tensor& v) { return convert(prod(v), Dtype::f32); })(full({3}, 2, Dtype::f16));
    EXPECT_EQ(convert(half, Dtype::f64).to_vector<double>(), Doubles(3, 4));
}

TEST(Derivatives, OfFoldsAtEdges) {
    const auto euclidean = [](const Tensor& v) { return norm(v); };
    expect_near(Tensor::from(first(euclidean, {3, -4}), {2}), {0.6, -0.8});
    EXPECT_EQ(first(euclidean, {0, 0}), (Doubles{0, 0}));
    for (const double p : {0.0, 0.5, 1.0, 3.0, infinity}) {
        const auto f = [&](const Tensor& v) { return norm(v, {}, {.p = p}); };
        EXPECT_EQ(first(f, {0, 0})[0], 0) << p;
        EXPECT_TRUE(std::isfinite(first(f, {0, 2})[0])) << p;
        EXPECT_TRUE(std::isfinite(second(f, {1, 2})[0])) << p;
    }
    expect_near(Tensor::from(first([](const Tensor& v) { return norm(v, {}, {.p = 3}); }, {1, -2}), {2}),
                {std::pow(9, -2.0 / 3), -4 * std::pow(9, -2.0 / 3)});
    EXPECT_EQ(first([](const Tensor& v) { return stddev(v); }, {2, 2}), (Doubles{0, 0}));
    EXPECT_EQ(first([](const Tensor& v) { return stddev(v); }, {1, 3}), (Doubles{-0.5, 0.5}));
    EXPECT_EQ(first([](const Tensor& v) { return logsumexp(v); }, {2, 2}), (Doubles{0.5, 0.5}));
    EXPECT_EQ(first([](const Tensor& v) { return logsumexp(v); }, {-infinity, 2}), (Doubles{0, 1}));
    EXPECT_EQ(first([](const Tensor& v) { return nansum(v); }, {nan, 2}), (Doubles{0, 1}));
    EXPECT_EQ(first([](const Tensor& v) { return nanmean(v); }, {nan, 2, 3}), (Doubles{0, 0.5, 0.5}));
}

// ---- scans

TEST(Scans, AlongAnyAxis) {
    const Tensor x = Tensor::from({1, 2, 3, 4, 5, 6}, {2, 3});
    EXPECT_EQ(cumprod(x).to_vector<std::int64_t>(), (Places{1, 2, 6, 4, 20, 120}));
    EXPECT_EQ(cumprod(x, 0).to_vector<std::int64_t>(), (Places{1, 2, 3, 4, 10, 18}));
    EXPECT_EQ(cumprod(x, 1, {.reverse = true}).to_vector<std::int64_t>(), (Places{6, 6, 3, 120, 30, 6}));
    EXPECT_EQ(cumprod(convert(x, Dtype::u8)).dtype(), Dtype::u64);
    EXPECT_EQ(cumprod(zeros({0, 2}), 0).shape(), (Places{0, 2}));
    const Tensor y = Tensor::from({3.0, 1.0, 3.0, nan, 5.0, -0.0});
    const auto [values, indices] = cummax(y);
    expect_near(values, {3, 3, 3, nan, nan, nan});
    EXPECT_EQ(indices.to_vector<std::int64_t>(), (Places{0, 0, 2, 3, 3, 3}));
    const auto backwards = cummax(y, 0, {.reverse = true});
    expect_near(backwards.values, {nan, nan, nan, nan, 5, 0});
    EXPECT_EQ(backwards.indices.to_vector<std::int64_t>(), (Places{3, 3, 3, 3, 4, 5}));
    const auto least = cummin(Tensor::from({2, -1, -1, 4}));
    EXPECT_EQ(least.values.to_vector<std::int32_t>(), (std::vector<std::int32_t>{2, -1, -1, -1}));
    EXPECT_EQ(least.indices.to_vector<std::int64_t>(), (Places{0, 1, 2, 2}));
    const auto bytes = cummin(Tensor::from({std::uint8_t{5}, std::uint8_t{7}, std::uint8_t{0}}));
    EXPECT_EQ(bytes.values.to_vector<std::int32_t>(), (std::vector<std::int32_t>{5, 5, 0}));
    const Tensor a = Tensor::from({9.0, 2.0, 0.5}), b = Tensor::from({1.0, 1.0, 4.0});
    EXPECT_EQ(of(linear_recurrence(a, b)), (Doubles{1, 3, 5.5}));
    EXPECT_EQ(of(linear_recurrence(a, b, 0, {.reverse = true})), (Doubles{82, 9, 4}));
    // A zero stays, whatever would overflow behind it.
    const std::vector<float> products = cumprod(concat({zeros({1}), full({9000}, 2)}, 0)).to_vector<float>();
    EXPECT_EQ(products, std::vector<float>(9001, 0));
}

TEST(Scans, LogarithmsOfSums) {
    const Doubles x = {-infinity, -800, 1, 700, -3, 701, infinity, 2};
    Doubles expected;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double top = *std::max_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        double t = 0;
        for (std::size_t j = 0; j <= i; ++j) t += std::isinf(top) ? 0 : std::exp(x[j] - top);
        expected.push_back(std::isinf(top) ? top : top + std::log(t));
    }
    expect_near(logcumsumexp(Tensor::from(x, {8})), expected);
    expect_near(logcumsumexp(Tensor::from({1.0, nan, 2.0})), {1, nan, nan});
    expect_near(logcumsumexp(Tensor::from({1.0, 2.0}), 0, {.reverse = true}), {2 + std::log1p(std::exp(-1.0)), 2});
    const Tensor m = random_uniform(3, {4, 50}, -30, 30);
    const Tensor wide = convert(m, Dtype::f64);
    expect_near(convert(logcumsumexp(m, 0), Dtype::f64), of(log(cumsum(exp(wide), 0))), 1e-6);
    // By an element: the sum of its weights in all results.
    const auto slope = first([](const Tensor& v) { return logcumsumexp(v); }, {0, 0, 0});
    expect_near(Tensor::from(slope, {3}), {1 + 1.0 / 2 + 1.0 / 3, 1.0 / 2 + 1.0 / 3, 1.0 / 3});
    const auto curve = second([](const Tensor& v) { return logcumsumexp(v)[{-1}]; }, {0, 0});
    expect_near(Tensor::from(curve, {2}), {-0.25, 0.25});
}

TEST(Scans, HaveDerivatives) {
    EXPECT_EQ(first([](const Tensor& v) { return cummax(v).values; }, {1, 3, 2}), (Doubles{1, 2, 0}));
    EXPECT_EQ(first([](const Tensor& v) { return cummin(v).values; }, {1, 3, 0.5}), (Doubles{2, 0, 1}));
    const auto powers = [](const Tensor& v) { return linear_recurrence(v, ones_like(v)); };
    EXPECT_EQ(first(powers, {5, 2, 3}), (Doubles{0, 4, 3}));
}

TEST(Scans, RunEverywhereAndCompileNothingForAnotherShape) {
    const auto f = [](const Tensor& x) {
        const auto [values, indices] = cummax(x * 0.5, 1);
        return std::vector<Tensor>{cumprod(x, 0),    values,
                                   indices,          cummin(x, 0).indices,
                                   logcumsumexp(x),  linear_recurrence(x * 0.3, x + 1.0, 0),
                                   median(x).values, quantile(x, {0.25, 0.5}, 0)};
    };
    const auto compiled = jit(f), interpreted = jit(f, {.compile = {.interpreted = true}});
    for (const auto& [rows, columns] : {std::pair{7, 9}, {80, 130}, {3, 5000}}) {
        const Tensor x = random_uniform(4, {rows, columns}, -2, 2);
        const std::vector<Tensor> lazy = f(x), got = compiled(x), slow = interpreted(x);
        for (std::size_t i = 0; i < lazy.size(); ++i) {
            EXPECT_EQ(got[i].to_array(), lazy[i].to_array()) << i;
            EXPECT_EQ(slow[i].to_array(), lazy[i].to_array()) << i;
        }
    }
}

TEST(Scans, CompiledAheadGiveTheSameBits) {
    const auto graph = ir::parse_graph(R"(graph main(n, m) {
  %0 = parameter "x" : f32[n, m]
  %1 = parameter "y" : f32[n, m]
  %2 = cumprod(%0) {axis = 1} : f32[n, m]
  %3 = cumprod(%0) {axis = 0, reverse = true} : f32[n, m]
  %4 = cummax(%0) {axis = 1} : f32[n, m], i64[n, m]
  %5 = cummax(%0) {axis = 0} : f32[n, m], i64[n, m]
  %6 = linear_recurrence(%0, %1) {axis = 1} : f32[n, m]
  %7 = linear_recurrence(%0, %1) {axis = 0, reverse = true} : f32[n, m]
  %8 = prod(%0) {axes = [1]} : f32[n]
  %9 = gt(%0, %1) : bool[n, m]
  %10 = all(%9) {axes = [0]} : bool[m]
  %11 = any(%9) {axes = [1]} : bool[n]
  %12 = rem(%0, %1) : f32[n, m]
  %13 = floor_divide(%0, %1) : f32[n, m]
  %14 = hypot(%0, %1) : f32[n, m]
  return "a" = %2, "b" = %3, "c" = %4#0, "d" = %4#1, "e" = %5#1, "f" = %6, "g" = %7, "h" = %8, "i" = %10, "j" = %11, "k" = %12, "l" = %13, "m" = %14
}
)",
                                       "scans.lir");
    codegen::AotRequest request;
    request.name = "scans";
    request.targets = {codegen::target_named("avx2")};
    const codegen::AotCode code = codegen::compile_ahead(*graph, request);
    const testing_support::AheadLibrary library(code.objects, "scans_ahead.so");
    testing_support::Random random(7);
    for (const auto& [rows, columns] : {std::pair{1, 1}, {9, 70}, {70, 9}, {3, 5000}}) {
        const ir::Type type{Dtype::f32, ir::Shape{rows, columns}};
        const std::vector<ir::Literal> inputs = {testing_support::random_literal(type, random, true),
                                                 testing_support::random_literal(type, random, true)};
        const auto run = library.run("scans", *graph, inputs, false);
        EXPECT_EQ(testing_support::difference(ir::interpret(*graph, inputs), run.outputs), std::nullopt);
    }
}

// ---- order statistics

TEST(OrderStatistics, Medians) {
    const Tensor x = Tensor::from({3.0, 1.0, 2.0, 4.0, 8.0, 5.0, 7.0, 6.0}, {2, 4});
    const auto [values, indices] = median(x);
    EXPECT_EQ(of(values), (Doubles{2, 6}));
    EXPECT_EQ(indices.to_vector<std::int64_t>(), (Places{2, 3}));
    EXPECT_EQ(of(median(x, 0).values), of(x[{0}]));
    EXPECT_EQ(median(x, 1, true).values.shape(), (Places{2, 1}));
    const auto with_nan = median(Tensor::from({1.0, nan, 2.0}));
    EXPECT_TRUE(std::isnan(with_nan.values.item<double>()));
    EXPECT_EQ(with_nan.indices.item<std::int64_t>(), 1);
    EXPECT_EQ(median(Tensor::from({5, 1, 3, 2})).values.item<std::int32_t>(), 2);
    EXPECT_EQ(first([](const Tensor& v) { return median(v).values; }, {3, 1, 2}), (Doubles{0, 0, 1}));
}

TEST(OrderStatistics, Quantiles) {
    using enum QuantileInterpolation;
    const Tensor x = Tensor::from({40.0, 10.0, 30.0, 20.0});
    const auto at = [&](double q, QuantileInterpolation how) {
        return quantile(x, q, 0, {.interpolation = how}).item<double>();
    };
    EXPECT_EQ(at(0.5, linear), 25);
    EXPECT_NEAR(at(0.25, linear), 17.5, 1e-12);
    EXPECT_EQ((Doubles{at(0.4, lower), at(0.4, higher), at(0.4, midpoint), at(0.4, nearest)}),
              (Doubles{20, 30, 25, 20}));
    EXPECT_EQ((Doubles{at(0, linear), at(1, linear), at(1, higher), at(0.5, nearest)}), (Doubles{10, 40, 40, 30}));
    const Tensor m = Tensor::from({1.0, 2.0, 3.0, 10.0, 20.0, 30.0}, {2, 3});
    EXPECT_EQ(quantile(m, 0.5, 1).shape(), (Places{2}));
    EXPECT_EQ(of(quantile(m, 0.5, 0)), (Doubles{5.5, 11, 16.5}));
    EXPECT_EQ(quantile(m, 0.5, 0, {.keep = true}).shape(), (Places{1, 3}));
    EXPECT_EQ(of(quantile(m, {0.0, 0.5, 1.0}, 1)), (Doubles{1, 10, 2, 20, 3, 30}));
    EXPECT_EQ(quantile(m, {0.0, 0.5, 1.0}, 1, {.keep = true}).shape(), (Places{3, 2, 1}));
    expect_near(quantile(Tensor::from({1.0, nan}), 0.0), {nan});
    expect_near(quantile(Tensor::from({1.0, infinity}), {0.0, 1.0}), {1, infinity});
    expect_near(quantile(Tensor::from({infinity, infinity}), 0.3), {infinity});
    EXPECT_EQ(first([](const Tensor& v) { return quantile(v, 0.5); }, {3, 1, 7, 2}), (Doubles{0.5, 0, 0, 0.5}));
    EXPECT_EQ(quantile(convert(x, Dtype::f16), 0.5).dtype(), Dtype::f16);
}

// ---- what is refused

TEST(Refused, ByFolds) {
    const Tensor x = ones({2, 3}), i = ones({2, 3}, Dtype::i32), none = zeros({0, 3});
    const std::string range = "axis 2 is out of range for rank 2 (f32[2, 3])";
    EXPECT_EQ(refusal([&] { prod(x, 2); }), here() + "prod: " + range);
    EXPECT_EQ(refusal([&] { any(x > 0, -3); }), here() + "any: axis -3 is out of range for rank 2 (bool[2, 3])");
    EXPECT_EQ(refusal([&] { cumprod(x, 2); }), here() + "cumprod: " + range);
    EXPECT_EQ(refusal([&] { cummax(x, 2); }), here() + "cummax: " + range);
    EXPECT_EQ(refusal([&] { logcumsumexp(x, 2); }), here() + "logcumsumexp: " + range);
    EXPECT_EQ(refusal([&] { median(x, 2); }), here() + "median: " + range);
    EXPECT_EQ(refusal([&] { quantile(x, 0.5, 2); }), here() + "quantile: " + range);
    EXPECT_EQ(refusal([&] { logsumexp(x, {0, 0}); }), here() + "logsumexp: axis 0 occurs twice (f32[2, 3])");
    EXPECT_EQ(refusal([&] { norm(i); }),
              here() + "norm: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[2, 3])");
    EXPECT_EQ(refusal([&] { norm(x, {}, {.p = nan}); }), here() + "norm: p is NaN (f32[2, 3])");
    EXPECT_EQ(refusal([&] { quantile(i, 0.5); }),
              here() + "quantile: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[2, 3])");
    EXPECT_EQ(refusal([&] { quantile(x, 1.5); }), here() + "quantile: q is 1.5, not in [0, 1] (f32[2, 3])");
    EXPECT_EQ(refusal([&] { median(none, 0); }), here() + "median: there is nothing along axis 0 (f32[0, 3])");
    EXPECT_EQ(refusal([&] { quantile(none, 0.5, 0); }), here() + "quantile: there is nothing along axis 0 (f32[0, 3])");
    EXPECT_EQ(refusal([&] { norm(none, 0, {.p = infinity}); }).rfind(here() + "norm: nothing has no greatest", 0), 0U);
    EXPECT_EQ(refusal([&] { aminmax(none, 0); }).rfind(here() + "aminmax: nothing has no greatest", 0), 0U);
    EXPECT_EQ(refusal([&] { linear_recurrence(x, i); }),
              here() + "linear_recurrence: the dtypes differ; convert() makes them the same (f32[2, 3] and i32[2, 3])");
    EXPECT_EQ(refusal([&] { linear_recurrence(x, x[{0}]); }),
              here() + "linear_recurrence: the ranks differ (f32[2, 3] and f32[3])");
}

}  // namespace
}  // namespace lathe
