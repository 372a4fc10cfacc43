// The functions over ops against plain loops in double precision, the folds against their defined order, and the
// binding of symbols.
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "ir/functions/activations.h"
#include "ir/functions/classification.h"
#include "ir/functions/losses.h"
#include "ir/functions/matmul.h"
#include "ir/functions/normalization.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/order.h"
#include "ir/ops/ops.h"

namespace lathe::ir {
namespace {

template <class T>
constexpr Dtype dtype_for() {
    if constexpr (std::is_same_v<T, float>) return Dtype::f32;
    if constexpr (std::is_same_v<T, double>) return Dtype::f64;
    if constexpr (std::is_same_v<T, std::int32_t>) return Dtype::i32;
    return Dtype::i64;
}

template <class T>
Literal literal(const Shape& shape, const std::vector<T>& values) {
    return make_literal({dtype_for<T>(), shape}, std::as_bytes(std::span(values)));
}

template <class T>
std::vector<T> values_of(const Literal& x) {
    std::vector<T> result(static_cast<std::size_t>(x.type.shape.element_count().constant()));
    for (std::size_t i = 0; i < result.size(); ++i)
        std::memcpy(&result[i], x.bytes->data() + (x.is_splat() ? 0 : sizeof(T) * i), sizeof(T));
    return result;
}

// f of parameters with symbolic leading extents, run on the inputs.
template <class F>
Literal run(F&& f, const std::vector<Literal>& inputs, bool symbolic = true) {
    Graph g;
    std::vector<Value> values;
    const Dim n = Dim::symbol(g.add_symbol("n"));
    for (const Literal& x : inputs) {
        Type t = x.type;
        if (symbolic && t.shape.rank() > 0 && t.shape[0] == inputs[0].type.shape[0]) t.shape[0] = n;
        values.push_back(g.add_parameter("x", t));
    }
    if (!symbolic) g.symbols.clear();
    g.add_output("y", f(values));
    EXPECT_TRUE(verify(g).empty());
    return interpret(g, inputs)[0];
}

std::vector<double> sequence(std::size_t n, unsigned seed = 1) {
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i)
        values.push_back(static_cast<double>((seed = seed * 1664525U + 1013904223U) >> 8) * 0x1p-22 - 2);
    return values;
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i)
        EXPECT_NEAR(actual[i], expected[i], 1e-13 * (1 + std::abs(expected[i]))) << i;
}

TEST(Functions, Activations) {
    const std::vector<double> x = sequence(50);
    std::vector<double> relu, gelu, silu;
    for (double v : x) {
        relu.push_back(v > 0 ? v : 0);
        gelu.push_back(0.5 * v * (1 + std::erf(v / std::sqrt(2.0))));
        silu.push_back(v / (1 + std::exp(-v)));
    }
    const auto apply = [&](auto f) {
        return values_of<double>(run([&](const auto& v) { return f(v[0]); }, {literal({50}, x)}));
    };
    expect_near(apply([](const Value& v) { return functions::relu(v); }), relu);
    expect_near(apply([](const Value& v) { return functions::gelu(v); }), gelu);
    expect_near(apply([](const Value& v) { return functions::silu(v); }), silu);
}

TEST(Functions, MeansCountWhatTheyAverage) {
    const std::vector<double> x = sequence(12);
    std::vector<double> rows(3, 0.0), columns(4, 0.0);
    double all = 0;
    for (std::size_t i = 0; i < 12; ++i) {
        rows[i / 4] += x[i] / 4;
        columns[i % 4] += x[i] / 3;
        all += x[i] / 12;
    }
    for (bool symbolic : {false, true}) {
        const auto mean = [&](Integers axes) {
            return values_of<double>(
                run([&](const auto& v) { return functions::mean(v[0], axes); }, {literal({3, 4}, x)}, symbolic));
        };
        expect_near(mean({-1}), rows);
        expect_near(mean({0}), columns);
        expect_near(mean({1, 0}), {all});
    }
}

TEST(Functions, SoftmaxStaysInRange) {
    const std::vector<double> x = {1, 2, 3, 1000, 1001, 999, -1000, -1001, -INFINITY};
    std::vector<double> soft, logs;
    for (std::size_t r = 0; r < 9; r += 3) {
        const double top = std::max({x[r], x[r + 1], x[r + 2]});
        double total = 0;
        for (std::size_t i = r; i < r + 3; ++i) total += std::exp(x[i] - top);
        for (std::size_t i = r; i < r + 3; ++i) {
            soft.push_back(std::exp(x[i] - top) / total);
            logs.push_back(x[i] - top - std::log(total));
        }
    }
    expect_near(values_of<double>(run([](const auto& v) { return functions::softmax(v[0]); }, {literal({3, 3}, x)})),
                soft);
    const auto actual =
        values_of<double>(run([](const auto& v) { return functions::log_softmax(v[0], 1); }, {literal({3, 3}, x)}));
    for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(actual[i], logs[i], 1e-12);
    EXPECT_EQ(actual[8], -INFINITY);
}

TEST(Functions, Losses) {
    const std::vector<double> x = sequence(12), y = sequence(12, 9);
    const std::vector<std::int32_t> labels = {2, 0, 3};
    double loss = 0, square = 0;
    for (std::size_t r = 0; r < 3; ++r) {
        double total = 0;
        for (std::size_t i = 0; i < 4; ++i) total += std::exp(x[4 * r + i]);
        loss += (std::log(total) - x[4 * r + static_cast<std::size_t>(labels[r])]) / 3;
    }
    for (std::size_t i = 0; i < 12; ++i) square += (x[i] - y[i]) * (x[i] - y[i]) / 12;
    expect_near(values_of<double>(run([](const auto& v) { return functions::cross_entropy(v[0], v[1]); },
                                      {literal({3, 4}, x), literal({3}, labels)})),
                {loss});
    expect_near(values_of<double>(run([](const auto& v) { return functions::mean_squared_error(v[0], v[1]); },
                                      {literal({3, 4}, x), literal({3, 4}, y)})),
                {square});
    EXPECT_EQ(values_of<float>(
                  run([](const auto& v) { return functions::one_hot(v[0], 4, Dtype::f32); }, {literal({3}, labels)})),
              (std::vector<float>{0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(Functions, LayerNorm) {
    const std::vector<double> x = sequence(10), scale = sequence(5, 3), offset = sequence(5, 4);
    std::vector<double> expected;
    for (std::size_t r = 0; r < 10; r += 5) {
        double mean = 0, variance = 0;
        for (std::size_t i = 0; i < 5; ++i) mean += x[r + i] / 5;
        for (std::size_t i = 0; i < 5; ++i) variance += (x[r + i] - mean) * (x[r + i] - mean) / 5;
        for (std::size_t i = 0; i < 5; ++i)
            expected.push_back((x[r + i] - mean) / std::sqrt(variance + 1e-5) * scale[i] + offset[i]);
    }
    const std::vector<Literal> inputs = {literal({2, 5}, x), literal({5}, scale), literal({5}, offset)};
    expect_near(values_of<double>(run([](const auto& v) { return functions::layer_norm(v[0], v[1], v[2]); }, inputs)),
                expected);
}

TEST(Functions, MatmulFollowsNumPy) {
    const auto product = [](const Shape& a, const Shape& b) {
        const std::vector<double> x = sequence(static_cast<std::size_t>(a.element_count().constant())),
                                  y = sequence(static_cast<std::size_t>(b.element_count().constant()), 2);
        return run([](const auto& v) { return functions::matmul(v[0], v[1]); }, {literal(a, x), literal(b, y)}, false);
    };
    EXPECT_EQ(product({3}, {3}).type.shape, (Shape{}));
    EXPECT_EQ(product({2, 3}, {3}).type.shape, (Shape{2}));
    EXPECT_EQ(product({3}, {3, 4}).type.shape, (Shape{4}));
    EXPECT_EQ(product({2, 3}, {3, 4}).type.shape, (Shape{2, 4}));
    EXPECT_EQ(product({5, 2, 3}, {3, 4}).type.shape, (Shape{5, 2, 4}));
    EXPECT_EQ(product({2, 3}, {5, 3, 4}).type.shape, (Shape{5, 2, 4}));
    EXPECT_EQ(product({6, 1, 2, 3}, {5, 3, 4}).type.shape, (Shape{6, 5, 2, 4}));
    EXPECT_EQ(product({3}, {5, 3, 4}).type.shape, (Shape{5, 4}));
    EXPECT_THROW(product({2, 3}, {4, 2}), TypeError);
    EXPECT_THROW(product({}, {3}), TypeError);

    // Batches broadcast: every product is that of its matrices.
    const std::vector<double> x = sequence(12), y = sequence(24, 2);
    const std::vector<double> z = values_of<double>(product({2, 1, 2, 3}, {2, 3, 4}));
    for (std::size_t p = 0; p < 2; ++p)
        for (std::size_t q = 0; q < 2; ++q)
            for (std::size_t i = 0; i < 2; ++i)
                for (std::size_t j = 0; j < 4; ++j) {
                    double sum = 0;
                    for (std::size_t k = 0; k < 3; ++k) sum += x[(p * 2 + i) * 3 + k] * y[(q * 3 + k) * 4 + j];
                    EXPECT_NEAR(z[((p * 2 + q) * 2 + i) * 4 + j], sum, 1e-14);
                }
}

// ---- the defined order, written out once more

float lanes_then_halves(const std::vector<float>& x, bool squares) {
    float total = 0;
    for (std::size_t begin = 0; begin < x.size(); begin += 4096) {
        float lane[64] = {};
        for (std::size_t i = begin; i < std::min(x.size(), begin + 4096); ++i)
            lane[i % 64] = squares ? std::fma(x[i], x[i], lane[i % 64]) : lane[i % 64] + x[i];
        for (int half = 32; half > 0; half /= 2)
            for (int l = 0; l < half; ++l) lane[l] += lane[l + half];
        total += lane[0];
    }
    return total;
}

float chain(const std::vector<float>& x, std::size_t block, bool squares) {
    float total = 0;
    for (std::size_t begin = 0; begin < x.size(); begin += block) {
        float sum = 0;
        for (std::size_t i = begin; i < std::min(x.size(), begin + block); ++i)
            sum = squares ? std::fma(x[i], x[i], sum) : sum + x[i];
        total += sum;
    }
    return total;
}

TEST(Order, IsTheDocumentedOne) {
    std::vector<float> x;
    for (double v : sequence(10000)) x.push_back(static_cast<float>(v));
    const auto sum = [&](const Shape& shape, Integers axes) {
        return values_of<float>(
            run([&](const auto& v) { return functions::sum(v[0], axes); }, {literal(shape, x)}, false))[0];
    };
    EXPECT_EQ(sum({10000}, {0}), lanes_then_halves(x, false));
    EXPECT_EQ(sum({1, 100, 100}, {1, 2}), lanes_then_halves(x, false));
    EXPECT_EQ(sum({10000, 1}, {0}), chain(x, 256, false));
    EXPECT_EQ(sum({100, 100, 1}, {0, 1}), chain(x, 256, false));
    EXPECT_NE(chain(x, 256, false), lanes_then_halves(x, false));

    // Leading and trailing axes with a kept one between: rows by lanes, then a chain over rows.
    std::vector<float> rows;
    for (std::size_t r = 0; r < 10000; r += 10)
        rows.push_back(lanes_then_halves(
            {x.begin() + static_cast<std::ptrdiff_t>(r), x.begin() + static_cast<std::ptrdiff_t>(r) + 10}, false));
    EXPECT_EQ(sum({1000, 1, 10}, {0, 2}), chain(rows, 256, false));

    const auto dot = [&](const Shape& a, Integers ac, const Shape& b, Integers bc) {
        return values_of<float>(
            run([&](const auto& v) { return ops::dot_general.with({Integers{}, Integers{}, ac, bc}, v[0], v[1]); },
                {literal(a, x), literal(b, x)}, false))[0];
    };
    EXPECT_EQ(dot({10000}, {0}, {10000}, {0}), lanes_then_halves(x, true));
    EXPECT_EQ(dot({1, 10000}, {1}, {10000}, {0}), lanes_then_halves(x, true));
    EXPECT_EQ(dot({1, 10000}, {1}, {10000, 1}, {0}), chain(x, 1024, true));
    EXPECT_EQ(dot({1, 100, 100}, {1, 2}, {100, 100, 1}, {0, 1}), chain(x, 1024, true));
}

TEST(Order, DependsOnRanksAlone) {
    const FoldOrder rows = reduction_order(Dtype::f32, 3, {0, 2});
    EXPECT_EQ(rows.inner_loops, 1U);
    EXPECT_EQ(rows.inner, (LaneOrder{64, 4096}));
    EXPECT_EQ(rows.outer, (LaneOrder{1, 256}));
    EXPECT_EQ(reduction_order(Dtype::f64, 2, {0, 1}).inner, (LaneOrder{32, 4096}));
    EXPECT_EQ(reduction_order(lane_dtype(ops::sum, Dtype::bf16), 2, {1}).inner, (LaneOrder{64, 4096}));
    EXPECT_EQ(reduction_order(Dtype::f32, 2, {0}).inner, (LaneOrder{1, 256}));
    EXPECT_EQ(lane_dtype(ops::sum, Dtype::u8), Dtype::u64);
    EXPECT_EQ(lane_dtype(ops::reduce_max, Dtype::f16), Dtype::f32);
    EXPECT_EQ(lane_dtype(ops::argmax, Dtype::f32), Dtype::i64);
}

// bf16 sums in f32 and rounds once; step by step it would stay at 0.5.
TEST(Order, ShortFloatsAccumulateInF32) {
    Graph g;
    const Value x = g.constant(splat_literal(Dtype::bf16, {1000}, 0x1p-9));
    g.add_output("y", functions::convert(functions::sum(x, {0}), Dtype::f32));
    EXPECT_EQ(values_of<float>(interpret(g, {})[0])[0], 1.953125F);
}

TEST(Argmax, FirstOrLastMaximumWinsAndNanIsGreatest) {
    const auto argmax = [](std::vector<double> x, bool last = false) {
        const auto n = static_cast<std::int64_t>(x.size());
        return values_of<std::int64_t>(
            run([last](const auto& v) { return ops::argmax.with({Integers{0}, last}, v[0]); }, {literal({n}, x)}))[0];
    };
    EXPECT_EQ(argmax({1, 3, 2, 3}), 1);
    EXPECT_EQ(argmax({1, NAN, 2, NAN}), 1);
    EXPECT_EQ(argmax({-INFINITY, -INFINITY}), 0);
    EXPECT_EQ(argmax({-0.0, 0.0}), 0);
    EXPECT_EQ(argmax({INFINITY, NAN}), 1);
    EXPECT_THROW(argmax({}), TypeError);
    std::vector<double> wide = sequence(5000);
    wide[4321] = wide[70] = 99;
    EXPECT_EQ(argmax(wide), 70);
    EXPECT_EQ(argmax(wide, true), 4321);
    EXPECT_EQ(argmax({1, 3, 2, 3}, true), 3);
    EXPECT_EQ(argmax({1, NAN, 2, NAN, INFINITY}, true), 3);
    EXPECT_EQ(argmax({-INFINITY, -INFINITY}, true), 1);
    // Few values, so that there are ties in and between lanes and blocks, and lanes of nothing but the least.
    std::mt19937 engine(1);
    for (const std::size_t n : {1U, 2U, 31U, 32U, 33U, 100U, 4095U, 4097U, 9000U})
        for (const std::vector<double>& values : {std::vector<double>{-INFINITY, -1.0, 2.0, NAN},
                                                  {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -0.0, 0.0},
                                                  {-INFINITY}})
            for (const bool last : {false, true}) {
                std::vector<double> x(n);
                for (double& e : x) e = values[engine() % values.size()];
                std::size_t expected = 0;
                for (std::size_t i = 1; i < n; ++i) {
                    const double e = x[i], best = x[expected];
                    const bool is_equal = e == best || (std::isnan(e) && std::isnan(best));
                    if ((std::isnan(e) && !std::isnan(best)) || e > best || (last && is_equal)) expected = i;
                }
                EXPECT_EQ(argmax(x, last), static_cast<std::int64_t>(expected)) << n << " " << last;
            }
}

TEST(Interpret, AnIndexOutOfRangeNamesTheLine) {
    Graph g;
    const Value x = g.add_parameter("x", {Dtype::f32, {3}}), i = g.add_parameter("i", {Dtype::i32, {2}});
    g.add_output("y", Value{&g.add(ops::gather, {{x, i}}, {std::int64_t{0}}, Loc::of("user.cpp", 42)), 0});
    const std::vector<Literal> inputs = {literal<float>({3}, {1, 2, 3}), literal<std::int32_t>({2}, {2, 3})};
    try {
        interpret(g, inputs);
        FAIL();
    } catch (const IndexError& e) {
        EXPECT_STREQ(e.what(), "user.cpp:42: gather: index 3 at position 1 is out of range for 3");
    }
}

// Known at once where the extents are; otherwise when they are bound.
TEST(Interpret, RefusesIndicesAlongAnEmptyAxis) {
    const auto refusal = [](const auto& act) -> std::string {
        try {
            act();
        } catch (const TypeError& e) {
            return e.what();
        }
        return "nothing was thrown";
    };
    const std::string what = "there are indices along an axis without elements";
    for (const OpDef* op : {&ops::gather, &ops::scatter_add}) {
        const bool updates = op == &ops::scatter_add;
        const auto make = [&](Graph& g, Dim extent, Dim count) {
            std::vector<Value> operands = {g.add_parameter("x", {Dtype::f32, {extent}}),
                                           g.add_parameter("i", {Dtype::i32, {count}})};
            if (updates) operands.push_back(g.add_parameter("u", {Dtype::f32, {count}}));
            g.add_output("y", Value{&g.add(*op, operands, {std::int64_t{0}}, Loc::of("user.cpp", 42)), 0});
            return g.preconditions.size();
        };
        Graph empty, sound, full, symbolic;
        for (Graph* g : {&full, &symbolic}) g->symbols = {"n", "m"};
        const Dim n = Dim::symbol(0), m = Dim::symbol(1);
        EXPECT_TRUE(refusal([&] {
                        make(empty, 0, 2);
                    }).starts_with("user.cpp:42: " + std::string(op->name) + ": " + what + " ("));
        EXPECT_EQ(make(sound, 0, 0), 0U);
        EXPECT_EQ(make(full, 1, m), 0U);
        EXPECT_EQ(make(symbolic, n, m), 1U);
        EXPECT_TRUE(verify(symbolic).empty());
        const auto run = [&](std::int64_t extent, std::int64_t count) {
            const auto places = static_cast<std::size_t>(count);
            std::vector<Literal> inputs = {
                literal<float>({extent}, std::vector<float>(static_cast<std::size_t>(extent), 1)),
                literal<std::int32_t>({count}, std::vector<std::int32_t>(places, 0))};
            if (updates) inputs.push_back(literal<float>({count}, std::vector<float>(places, 2)));
            interpret(symbolic, inputs);
        };
        run(0, 0);
        run(3, 0);
        run(1, 2);
        EXPECT_TRUE(refusal([&] { run(0, 1); }).starts_with("user.cpp:42: " + std::string(op->name) + ": " + what));
    }
}

TEST(Interpret, BindsSymbolsAndChecksPreconditions) {
    const auto graph = parse_graph(R"(graph main(n, m) {
  require n == m : "add: the shapes do not broadcast"
  %0 = parameter "x" : f32[2*n]
  %1 = parameter "y" : f32[n]
  %2 = parameter "z" : f32[m]
  %3 = add(%1, %2) : f32[n]
  return "w" = %3
}
)",
                                   "t.lir");
    const auto bind = [&](std::int64_t x, std::int64_t y, std::int64_t z) {
        const Type types[] = {{Dtype::f32, {x}}, {Dtype::f32, {y}}, {Dtype::f32, {z}}};
        return bind_symbols(*graph, types);
    };
    EXPECT_EQ(bind(6, 3, 3), (std::vector<std::int64_t>{3, 3}));
    EXPECT_THROW(bind(5, 3, 3), TypeError);
    try {
        bind(6, 3, 4);
        FAIL();
    } catch (const TypeError& e) {
        EXPECT_STREQ(e.what(), "t.lir:2: add: the shapes do not broadcast: n is not m (3 and 4)");
    }
    const Type wrong[] = {{Dtype::f64, {6}}, {Dtype::f32, {3}}, {Dtype::f32, {3}}};
    EXPECT_THROW(bind_symbols(*graph, wrong), TypeError);
}

TEST(Interpret, ValuesThatCannotFitAreAResourceError) {
    Graph g;
    const Value x = g.add_parameter("x", {Dtype::f32, {}});
    g.add_output("y", functions::broadcast_to(x, Shape{1 << 30, 1 << 30, 1 << 30}));
    EXPECT_THROW(interpret(g, {{splat_literal(Dtype::f32, {}, 1.0)}}), ResourceError);

    Graph splat;
    const Value huge = splat.constant(splat_literal(Dtype::f32, {std::int64_t{1} << 60, 4}, 1.0));
    splat.add_output("y", functions::sum(huge, {0}));
    EXPECT_THROW(interpret(splat, {}), ResourceError);
}

}  // namespace
}  // namespace lathe::ir
