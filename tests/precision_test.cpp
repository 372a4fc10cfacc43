// Sums, means, losses and optimisers in narrow dtypes, and labels that are no class.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "frontend/tensor/record.h"
#include "ir/functions/normalization.h"
#include "lathe.h"
#include "runtime/parallel.h"

namespace lathe {
namespace {

constexpr Dtype halves[] = {Dtype::f16, Dtype::bf16};
constexpr Dtype integers[] = {Dtype::i64, Dtype::i32, Dtype::i16, Dtype::i8,
                              Dtype::u64, Dtype::u32, Dtype::u16, Dtype::u8};

// The same function lazily and jitted, which both have to give that.
template <class F, class T>
void expect_both(const F& f, const Tensor& x, Dtype dtype, const std::vector<T>& expected) {
    for (const Tensor& y : {f(x), jit(f)(x)}) {
        EXPECT_EQ(y.dtype(), dtype);
        EXPECT_EQ(y.template to_vector<T>(), expected);
    }
}

template <class F>
std::string message_of(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "nothing was thrown";
}
void expect_in(const std::string& message, const std::string& what) {
    EXPECT_NE(message.find(what), std::string::npos) << message;
}

TEST(Precision, SumsOfIntegersCountIn64Bits) {
    for (const Dtype d : integers) {
        const Tensor many = full({3, 1000}, 100, d);
        const bool is_unsigned = d == Dtype::u64 || d == Dtype::u32 || d == Dtype::u16 || d == Dtype::u8;
        const Dtype wide = is_unsigned ? Dtype::u64 : Dtype::i64;
        expect_both([](const Tensor& x) { return sum(x); }, many, wide, std::vector<std::int64_t>{300000});
        expect_both([](const Tensor& x) { return sum(x, {1}); }, many, wide, std::vector<std::int64_t>(3, 100000));
        expect_both([](const Tensor& x) { return sum(x, {0}); }, many, wide, std::vector<std::int64_t>(1000, 300));
        expect_both([](const Tensor& x) { return sum(x); }, full({}, 7, d), wide, std::vector<std::int64_t>{7});
        expect_both([](const Tensor& x) { return mean(x); }, many, Dtype::f64, std::vector<double>{100});
        expect_both([](const Tensor& x) { return mean(x, {0}); }, many, Dtype::f64, std::vector<double>(1000, 100));
    }
    const auto largest = std::numeric_limits<std::int32_t>::max();
    expect_both([](const Tensor& x) { return mean(x); }, Tensor::from({largest, largest}), Dtype::f64,
                std::vector<double>{2147483647.0});
    const Tensor flags = Tensor::from({true, false, true, true, true}, {5});
    expect_both([](const Tensor& x) { return sum(x); }, flags, Dtype::i64, std::vector<std::int64_t>{4});
    expect_both([](const Tensor& x) { return mean(x); }, flags, Dtype::f64, std::vector<double>{0.8});
    // What i8 and u8 hold least and most.
    expect_both([](const Tensor& x) { return sum(x); }, full({70000}, -128, Dtype::i8), Dtype::i64,
                std::vector<std::int64_t>{-8960000});
    expect_both([](const Tensor& x) { return sum(x); }, full({70000}, 255, Dtype::u8), Dtype::u64,
                std::vector<std::int64_t>{17850000});
}

TEST(Precision, MeansStayInF32UntilTheyAreDivided) {
    for (const Dtype d : halves) {
        expect_both([](const Tensor& x) { return mean(x); }, ones({70000}, d), d, std::vector<float>{1});
        expect_both([](const Tensor& x) { return mean(x, {0}); }, full({300, 2}, 3e4, d), d,
                    convert(full({2}, 3e4, d), Dtype::f32).to_vector<float>());
        // The derivative of each is 1 / n.
        const Tensor g = grad([](const Tensor& x) { return convert(mean(x), Dtype::f32); })(ones({70000}, d));
        EXPECT_NEAR(convert(g, Dtype::f32).to_vector<float>()[7], 1.0F / 70000, 1e-7F);
    }
}

TEST(Precision, FunctionsOfHalvesComputeInF32) {
    struct Case {
        const char* name;
        std::function<Tensor(const Tensor&)> f;
    };
    const Tensor scale = ones({300}), offset = zeros({300});
    const std::vector<Case> cases = {
        {"softmax", [](const Tensor& x) { return softmax(x); }},
        {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
        {"layer_norm",
         [&](const Tensor& x) {
             return ir::functions::layer_norm(x, convert(scale, x.dtype()), convert(offset, x.dtype()));
         }},
        {"gelu", [](const Tensor& x) { return gelu(x); }},
        {"silu", [](const Tensor& x) { return silu(x); }},
        {"mean_squared_error", [](const Tensor& x) { return mean_squared_error(x, zeros_like(x)); }},
        {"cross_entropy", [](const Tensor& x) { return cross_entropy(x, zeros({4}, Dtype::i32)); }},
    };
    for (const Dtype d : halves)
        for (const double size : {1.0, 40.0, 300.0}) {
            const Tensor x = convert(random_normal(3, {4, 300}) * size, d);
            for (const Case& c : cases) {
                if (size == 300.0 && std::string(c.name) == "mean_squared_error" && d == Dtype::f16) continue;  // 9e4
                const Tensor rounded = convert(c.f(convert(x, Dtype::f32)), d);
                EXPECT_EQ(c.f(x).to_array(), rounded.to_array()) << c.name << " of " << size;
                EXPECT_EQ(jit(c.f)(x).to_array(), rounded.to_array()) << c.name << " of " << size;
            }
        }
}

TEST(Precision, OptimisersComputeInF32AtLeast) {
    for (const Dtype d : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64})
        for (const bool jitted : {false, true}) {
            const Tensor w = variable(full({2}, 1, d), "w");
            optim::Adam adam({w}, {.learning_rate = 0.5});
            optim::Sgd sgd({w}, {.learning_rate = 0.5, .momentum = 0.9, .weight_decay = 0.0});
            const auto body = [&](const Tensor& x) {
                const Tensor loss = convert(sum(w * x), Dtype::f32);
                loss.backward();
                adam.step();
                return loss;
            };
            const Tensor x = convert(Tensor::from({0.0F, 1.0F}), d);
            for (int i = 0; i < 3; ++i) (jitted ? jit(body)(x) : body(x)).eval();
            const std::vector<float> after = convert(w, Dtype::f32).to_vector<float>();
            EXPECT_EQ(after[0], 1) << "a zero derivative moves nothing";
            EXPECT_NEAR(after[1], -0.5, 0.02);
            EXPECT_EQ(w.dtype(), d);
            sum(convert(w * x, Dtype::f32)).backward();
            sgd.step();
            EXPECT_NEAR(convert(w, Dtype::f32).to_vector<float>()[1], -1, 0.03);
        }
    // The moments of f16 are f32: a second moment of (1e-4)^2 would be 0 there.
    const Tensor w = variable(ones({1}, Dtype::f16), "w");
    optim::AdamW adam({w}, {.learning_rate = 0.125, .weight_decay = 0.0});
    sum(convert(w * 1e-4, Dtype::f32)).backward();
    adam.step();
    EXPECT_NEAR(convert(w, Dtype::f32).item<float>(), 0.875, 1e-3);
}

TEST(Precision, AStepWithoutDerivativesIsRefused) {
    const Tensor w = variable(ones({2})), v = variable(ones({2}));
    optim::Sgd sgd({w, v}, {.learning_rate = 1});
    const std::uint32_t line = std::source_location::current().line() + 1;
    const std::string message = message_of([&] { sgd.step(); });
    expect_in(message, "precision_test.cpp:" + std::to_string(line) + ": step: no parameter has a derivative");
    EXPECT_THROW(sgd.step(), UserError);
    sum(w).backward();
    sgd.step();  // fewer than all are fine
    EXPECT_EQ(v.to_vector<float>(), std::vector<float>(2, 1));
    EXPECT_EQ(w.to_vector<float>(), std::vector<float>(2, 0));
}

// ---- labels

TEST(Labels, MatchOneClassWhateverTheirDtype) {
    for (const Dtype d : integers) {
        const Tensor labels = convert(Tensor::from({1, 100, 0}), d);
        const std::vector<float> hot = one_hot(labels, 700).to_vector<float>();
        float total = 0;
        for (const float h : hot) total += h;
        EXPECT_EQ(total, 3);
        EXPECT_EQ(hot[1], 1);
        EXPECT_EQ(hot[700 + 100], 1);
        EXPECT_EQ(hot[1400], 1);
        EXPECT_NEAR(cross_entropy(zeros({3, 700}), labels).item<float>(), std::log(700.0F), 1e-4F);
    }
}

TEST(Labels, OutsideTheClassesAreAFaultThatNamesThem) {
    struct Case {
        Tensor labels;
        std::string says;
    };
    const std::vector<Case> cases = {{Tensor::from({0, 1, 3, 2}), "label 3 at position 2 is out of range for 3"},
                                     {Tensor::from({0, -100, 1, 2}), "label -100 at position 1 is out of range for 3"},
                                     {convert(Tensor::from({0, 1, 2, 255}), Dtype::u8), "label 255 at position 3"},
                                     {convert(Tensor::from({-1, 1, 2, 0}), Dtype::u64),
                                      "label 18446744073709551615 at position 0 is out of range for 3"}};
    const Tensor logits = random_normal(1, {4, 3}).eval();
    const auto line = [](std::uint32_t at) { return "precision_test.cpp:" + std::to_string(at) + ": cross_entropy: "; };
    for (const Case& c : cases) {
        const std::uint32_t here = std::source_location::current().line() + 1;
        const auto f = [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); };
        const std::string says = line(here) + c.says;
        expect_in(message_of([&] { f(logits, c.labels).eval(); }), says);
        expect_in(message_of([&] { jit(f)(logits, c.labels).eval(); }), says);
        expect_in(message_of([&] { jit(f, {.compile = {.interpreted = true}})(logits, c.labels).eval(); }), says);
        expect_in(message_of([&] { grad(f)(logits, c.labels).eval(); }), says);
        EXPECT_THROW(f(logits, c.labels).eval(), IndexError);
        expect_in(message_of([&] { one_hot(c.labels, 3).eval(); }), "one_hot: index" + c.says.substr(5));
    }
    EXPECT_THROW(one_hot(Tensor::from({0}), 0).eval(), IndexError);
    EXPECT_EQ(one_hot(zeros({0}, Dtype::i32), 0).size(), 0);
}

TEST(Labels, TheFirstWrongIndexIsReportedForAnyNumberOfThreads) {
    constexpr std::int64_t n = 100000;
    std::vector<std::int32_t> indices(n, 1);
    for (std::int64_t i = 37 * 1024 + 5; i < n; i += 7)
        indices[static_cast<std::size_t>(i)] = -static_cast<std::int32_t>(i);
    const Tensor rows = Tensor::from(indices, {n / 10, 10}), table = ones({3, 4});
    std::vector<std::string> messages;
    for (const int threads : {1, 2, 4, 8}) {
        const runtime::ThreadLimit limit(threads);
        for (int i = 0; i < 3; ++i) messages.push_back(message_of([&] { sum(exp(gather(table, rows, 0))).eval(); }));
        messages.push_back(message_of([&] { (gather(table, rows, 0) * 2.0).eval(); }));
    }
    for (const std::string& m : messages) expect_in(m, "gather: index -37893 at position 37893 is out of range for 3");
}

TEST(Labels, IgnoredRowsCountInNothing) {
    const float inf = std::numeric_limits<float>::infinity();
    const Tensor logits = Tensor::from({1.0F, 2.0F, 3.0F, inf, inf, 0.0F, 0.5F, 0.0F, -1.0F}, {3, 3});
    const Tensor kept = Tensor::from({1.0F, 2.0F, 3.0F, 0.5F, 0.0F, -1.0F}, {2, 3});
    for (const Dtype d : integers) {
        const bool holds_negatives = d == Dtype::i64 || d == Dtype::i32 || d == Dtype::i16 || d == Dtype::i8;
        const std::int64_t ignored = holds_negatives ? -100 : 77;
        const Tensor labels = convert(Tensor::from({std::int64_t{2}, ignored, std::int64_t{0}}), d);
        const auto f = [=](const Tensor& x, const Tensor& y) { return cross_entropy(x, y, {.ignore_index = ignored}); };
        const Tensor expected = cross_entropy(kept, Tensor::from({2, 0}));
        EXPECT_EQ(f(logits, labels).item<float>(), expected.item<float>());
        EXPECT_EQ(jit(f)(logits, labels).item<float>(), expected.item<float>());
        const std::vector<float> g = grad(f)(logits, labels).to_vector<float>();
        const std::vector<float> want =
            grad([](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); })(kept, Tensor::from({2, 0}))
                .to_vector<float>();
        for (std::size_t c = 0; c < 3; ++c) {
            EXPECT_FLOAT_EQ(g[c], want[c]);
            EXPECT_EQ(g[3 + c], 0);
            EXPECT_FLOAT_EQ(g[6 + c], want[3 + c]);
        }
        expect_in(message_of([&] { f(logits, convert(Tensor::from({2, 3, 0}), d)).eval(); }), "label 3 at position 1");
        EXPECT_TRUE(std::isnan(f(kept, full({2}, static_cast<double>(ignored), d)).item<float>()));
    }
    // -100 is no u64, not even the one that looks like it in 64 bits.
    const Tensor huge = convert(Tensor::from({-100, 1, 0}), Dtype::u64);
    expect_in(message_of([&] { cross_entropy(logits, huge, {.ignore_index = -100}).eval(); }),
              "label 18446744073709551516");
}

// ---- shapes

TEST(Losses, RefuseShapesThatDiffer) {
    const std::string file = "precision_test.cpp:";
    const auto expect_refusal = [&](const auto& f, const std::string& what) {
        const std::string message = message_of(f);
        expect_in(message, file);
        expect_in(message, what);
        EXPECT_THROW(f(), TypeError);
    };
    const Tensor column = ones({4, 1}), row = ones({4});
    expect_refusal([&] { mean_squared_error(column, row); },
                   "mean_squared_error: the shapes differ (f32[4, 1] and f32[4])");
    expect_refusal([&] { mean_squared_error(ones({1}), row); }, "the shapes differ (f32[1] and f32[4])");
    expect_refusal([&] { mean_squared_error(ones({}), row); }, "the shapes differ");
    expect_refusal([&] { mean_squared_error(row, ones({5})); }, "the shapes differ");
    expect_refusal([&] { mean_squared_error(row, ones({4}, Dtype::f16)); }, "the dtypes differ");
    expect_refusal([&] { mean_squared_error(ones({4}, Dtype::u8), ones({4}, Dtype::u8)); }, "operand 0 is u8");
    const auto loss = jit([](const Tensor& x, const Tensor& y) { return mean_squared_error(x, y); });
    expect_refusal([&] { loss(column, row); }, "the shapes differ");
    EXPECT_EQ(loss(ones({6}), zeros({6})).item<float>(), 1);
    EXPECT_THROW(loss(ones({7}), zeros({6})), TypeError);

    const Tensor labels = Tensor::from({0, 1, 2, 0});
    const std::string wants = "cross_entropy: wants logits with their classes last, and one label for each row of them";
    expect_refusal([&] { cross_entropy(ones({4, 3}), Tensor::from({0, 1, 2})); }, wants + " (f32[4, 3] and i32[3])");
    expect_refusal([&] { cross_entropy(ones({4, 3}), Tensor::from({0})); }, wants);
    expect_refusal([&] { cross_entropy(ones({4, 3}), Tensor::from({0, 1, 2, 0}, {4, 1})); }, wants);
    expect_refusal([&] { cross_entropy(ones({}), labels); }, wants);
    expect_refusal([&] { cross_entropy(ones({4, 3}), ones({4})); }, "wants integers as labels");
    expect_refusal([&] { cross_entropy(ones({4, 3}, Dtype::i32), labels); }, "operand 0 is i32");
    const auto step = jit([](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); });
    expect_refusal([&] { step(ones({4, 3}), Tensor::from({0})); }, wants);
    EXPECT_THROW(step(ones({4, 3}), Tensor::from({0, 1, 2})), TypeError);
}

TEST(Extremes, OfNothingAreRefused) {
    const std::string why = "nothing has no greatest or least element";
    for (const Dtype d : {Dtype::f32, Dtype::f16, Dtype::i64, Dtype::u8}) {
        const Tensor nothing = zeros({0}, d), none = zeros({3, 0}, d), rows = zeros({0, 3}, d);
        const std::vector<std::function<Tensor(const Tensor&)>> functions = {
            [](const Tensor& x) { return max(x); }, [](const Tensor& x) { return min(x); },
            [](const Tensor& x) { return max(x, {-1}); }, [](const Tensor& x) { return min(x, {-1}); },
            [](const Tensor& x) { return argmax(x); }};
        for (std::size_t i = 0; i < functions.size(); ++i) {
            const auto& f = functions[i];
            const std::string message = message_of([&] { f(nothing); });
            expect_in(message, "precision_test.cpp:");
            expect_in(message, why);
            EXPECT_THROW(f(none), TypeError);
            const auto compiled = jit(f);
            compiled(ones({2, 2}, d));
            expect_in(message_of([&] { compiled(none); }), why);
            expect_in(message_of([&] { compiled(none); }), "precision_test.cpp:");
            if (i < 2) continue;
            EXPECT_EQ(f(rows).shape(), std::vector<std::int64_t>{0});  // no rows, and each would have elements
            EXPECT_EQ(compiled(rows).shape(), std::vector<std::int64_t>{0});
        }
        EXPECT_EQ(sum(nothing).item<std::int64_t>(), 0);
    }
    EXPECT_EQ(softmax(zeros({3, 0})).shape(), (std::vector<std::int64_t>{3, 0}));
    EXPECT_EQ(log_softmax(zeros({0, 4})).shape(), (std::vector<std::int64_t>{0, 4}));
}

// ---- integers

TEST(Integers, DivideByZeroBehindAGuard) {
    for (const Dtype d : integers) {
        const Tensor x = full({40}, 7, d), y = convert(arange(40) / 20, d);
        const auto quotient = [](const Tensor& a, const Tensor& b) { return where(b != 0, a / b, 0); };
        const auto rest = [](const Tensor& a, const Tensor& b) { return a % (b * 4); };
        for (const bool jitted : {false, true}) {
            const std::vector<int> q = (jitted ? jit(quotient)(x, y) : quotient(x, y)).to_vector<int>();
            const std::vector<int> r = (jitted ? jit(rest)(x, y) : rest(x, y)).to_vector<int>();
            EXPECT_EQ(q[3], 0);
            EXPECT_EQ(q[33], 7);
            EXPECT_EQ(r[3], 0);
            EXPECT_EQ(r[33], 3);
        }
    }
    EXPECT_EQ((Tensor::from({-7, 7}) % 4).to_vector<int>(), (std::vector<int>{-3, 3}));
    EXPECT_EQ((Tensor::from({-7.5, 7.5}) % 4).to_vector<double>(), (std::vector<double>{-3.5, 3.5}));
    EXPECT_THROW(ones({2}, Dtype::boolean) % ones({2}, Dtype::boolean), TypeError);
}

// ---- borders

TEST(Booleans, TakeAnyByteButZeroForTrue) {
    const std::vector<std::byte> bytes = {std::byte{0}, std::byte{1}, std::byte{2}, std::byte{255}, std::byte{128}};
    const Tensor flags = Tensor::from_bytes(Dtype::boolean, {5}, bytes);
    EXPECT_EQ(flags.to_vector<int>(), (std::vector<int>{0, 1, 1, 1, 1}));
    EXPECT_EQ(flags.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{0, 1, 1, 1, 1}));
    EXPECT_EQ(flags.to_vector<float>(), (std::vector<float>{0, 1, 1, 1, 1}));
    EXPECT_EQ(flags.to_array().bytes[2], std::byte{1});
    EXPECT_EQ((flags == Tensor::from({false, true, true, true, true})).to_vector<int>(), std::vector<int>(5, 1));
    EXPECT_EQ(sum(flags).item<int>(), 4);
    EXPECT_EQ(Tensor::from(Array{Dtype::boolean, {5}, bytes}).to_vector<int>(), (std::vector<int>{0, 1, 1, 1, 1}));
}

TEST(RandomUniform, CoversRangesThatF32CannotMeasure) {
    constexpr double most = std::numeric_limits<float>::max();
    const std::vector<float> wide = random_uniform(1, {10000}, -most, most).to_vector<float>();
    double sum = 0;
    for (const float x : wide) {
        EXPECT_TRUE(std::isfinite(x));
        sum += static_cast<double>(x) / most;
    }
    EXPECT_NEAR(sum / 10000, 0, 0.03);
    EXPECT_LT(*std::ranges::min_element(wide), -0.99 * most);
    EXPECT_GT(*std::ranges::max_element(wide), 0.99 * most);
    EXPECT_EQ(random_uniform(1, {3}, 2, 2).to_vector<float>(), std::vector<float>(3, 2));
    for (const auto& [low, high] : std::vector<std::pair<double, double>>{
             {1, 0}, {0, INFINITY}, {-INFINITY, 0}, {NAN, 1}, {0, NAN}, {0, 1e39}, {-1e300, 0}}) {
        const std::string message = message_of([&] { random_uniform(1, {3}, low, high); });
        expect_in(message, "random_uniform: ");
        expect_in(message, "precision_test.cpp:");
    }
    // Ordinary ranges keep their bits.
    const std::vector<float> u = random_uniform(5, {100}).to_vector<float>();
    const std::vector<float> moved = random_uniform(5, {100}, -3, 0.5).to_vector<float>();
    for (std::size_t i = 0; i < u.size(); ++i) EXPECT_EQ(moved[i], u[i] * 3.5F + -3.0F);
}

}  // namespace
}  // namespace lathe
