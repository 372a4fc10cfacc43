// What goes with optimisers: clipping, accumulation, scaled losses, averages, L-BFGS, products in narrow dtypes.
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

using testing_support::message_behind_line;
constexpr bool both[] = {false, true};

// The function as it is, or compiled.
template <class F>
Tensor call(bool jitted, const F& f, const Tensor& x) {
    return (jitted ? jit(f)(x) : f(x)).eval();
}

// ---- derivatives between backward() and step()

TEST(Gradients, are_replaced_and_added_to) {
    const Tensor w = variable(Tensor::from({1.0F, 2.0F}));
    for (const bool jitted : both) {
        const auto f = [&](const Tensor& x) {
            sum(w * x).backward();
            w.set_grad(w.grad() * 10);
            sum(w * x).backward();
            const Tensor g = w.grad() + 0;
            w.zero_grad();
            return g;
        };
        EXPECT_EQ(call(jitted, f, Tensor::from({3.0F, 4.0F})).to_vector<float>(), (std::vector<float>{33, 44}));
    }
    EXPECT_EQ(message_behind_line([&] { w.set_grad(ones({3})); }), "set_grad: a derivative by f32[2] cannot be f32[3]");
    EXPECT_EQ(message_behind_line([&] { ones({3}).set_grad(ones({3})); }), "set_grad: the tensor is no variable");
    EXPECT_EQ(message_behind_line([&] { w.set_grad(Tensor()); }), "set_grad: an empty tensor was used");
}

TEST(Gradients, are_clipped_to_a_norm) {
    struct Case {
        double p, norm;
    };
    for (const Case c : {Case{2, 13}, Case{1, 19}, Case{INFINITY, 12}})
        for (const double max : {6.5, 100.0})
            for (const bool jitted : both) {
                const Tensor a = variable(zeros({2}, Dtype::f64)), b = variable(zeros({}, Dtype::f64)),
                             idle = variable(zeros({5}));
                const auto f = [&](const Tensor& x) {
                    (sum(a * x) - b * 12.0).backward();
                    const Tensor norm = optim::clip_grad_norm({a, b, idle}, max, c.p);
                    return concat({norm.reshape({1}), a.grad(), b.grad().reshape({1})}, 0);
                };
                const std::vector<double> seen = call(jitted, f, Tensor::from({3.0, 4.0})).to_vector<double>();
                const double scale = std::min(1.0, max / (c.norm + 1e-6));
                const double expected[] = {c.norm, 3 * scale, 4 * scale, -12 * scale};
                for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(seen[i], expected[i], 1e-12) << c.p << " " << i;
            }
}

TEST(Gradients, are_clipped_by_value) {
    for (const bool jitted : both) {
        const Tensor a = variable(zeros({3}));
        const auto f = [&](const Tensor& x) {
            sum(a * x).backward();
            optim::clip_grad_value({a}, 0.5);
            return a.grad() + 0;
        };
        EXPECT_EQ(call(jitted, f, Tensor::from({3.0F, -4.0F, 0.25F})).to_vector<float>(),
                  (std::vector<float>{0.5, -0.5, 0.25}));
    }
    EXPECT_EQ(message_behind_line([] { optim::clip_grad_norm({ones({1})}, 1); }),
              "clip_grad_norm: parameter 0 is no variable (f32[1])");
    EXPECT_EQ(message_behind_line([] { optim::clip_grad_value({}, 0); }), "clip_grad_value: max is 0, not above 0");
}

// ---- accumulation

struct Line {
    Tensor w = variable(random_uniform(1, {4, 2}, -1, 1), "w"), b = variable(zeros({2}), "b");
    optim::Adam adam{{w, b}, {.learning_rate = 0.1}};
    Tensor loss(const Tensor& x) const { return mean(square(matmul(x, w) + b - 1.0)); }
    std::vector<float> values() const { return concat({w.reshape({8}), b}, 0).to_vector<float>(); }
};

constexpr std::int64_t micro_steps = 4;
Tensor batch(std::uint64_t key) { return random_uniform(key, {12, 4}, -1, 1); }
Tensor micro_batch(const Tensor& x, std::int64_t i) { return narrow(x, 0, i * 3, 3); }

std::vector<float> after_whole_batches() {
    const Line line;
    optim::Adam adam = line.adam;
    for (std::uint64_t key = 0; key < 3; ++key) {
        line.loss(batch(key)).backward();
        adam.step();
    }
    return line.values();
}

void expect_near(const std::vector<float>& a, const std::vector<float>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-5F) << i;
}

TEST(Accumulation, over_micro_steps_is_one_large_batch) {
    const std::vector<float> expected = after_whole_batches();
    for (const bool jitted : both) {
        Line line;
        optim::GradientAccumulator accumulator(line.adam, micro_steps);
        const auto body = [&](const Tensor& x) {
            const Tensor loss = line.loss(x);
            loss.backward();
            accumulator.step();
            return loss;
        };
        const auto compiled = jit(body);
        for (std::uint64_t key = 0; key < 3; ++key)
            for (std::int64_t i = 0; i < micro_steps; ++i) {
                const std::vector<float> before = line.values();
                const Tensor x = micro_batch(batch(key), i);
                jitted ? compiled(x) : body(x);
                EXPECT_EQ(line.values() == before, i + 1 < micro_steps) << i;
            }
        expect_near(line.values(), expected);
        if (jitted) {
            EXPECT_EQ(compiled.statistics().traces, 1U);
        }
    }
}

TEST(Accumulation, ends_where_the_user_says) {
    Line line;
    optim::GradientAccumulator accumulator(line.adam, 100);
    const auto add = jit([&](const Tensor& x) {
        const Tensor loss = line.loss(x);
        loss.backward();
        accumulator.add();
        return loss;
    });
    for (std::uint64_t key = 0; key < 3; ++key) {
        for (std::int64_t i = 0; i < micro_steps; ++i) add(micro_batch(batch(key), i));
        accumulator.flush();
    }
    expect_near(line.values(), after_whole_batches());
    const std::vector<float> before = line.values();
    accumulator.flush();  // of nothing
    EXPECT_EQ(line.values(), before);
    EXPECT_EQ(accumulator.named_state().back().second.item<double>(), 0);
    EXPECT_EQ(message_behind_line([&] { accumulator.add(); }),
              "add: no parameter has a derivative; backward() has to come before, in the same function");
}

TEST(Accumulation, within_one_step_is_a_scan) {
    const std::vector<float> expected = after_whole_batches();
    for (const bool jitted : both) {
        Line line;
        const auto body = [&](const Tensor& x) {
            const auto [total, losses] = scan(
                [&](const Tensor& sum, const Tensor& micro) {
                    const Tensor loss = checkpoint([&](const Tensor& m) { return line.loss(m); }, micro);
                    return std::pair(sum + loss, loss);
                },
                zeros({}), x.reshape({micro_steps, 3, 4}));
            const Tensor loss = total / static_cast<double>(micro_steps);
            loss.backward();
            line.adam.step();
            return loss;
        };
        const auto compiled = jit(body);
        for (std::uint64_t key = 0; key < 3; ++key) jitted ? compiled(batch(key)) : body(batch(key));
        expect_near(line.values(), expected);
    }
}

// ---- scaled losses

TEST(GradScaler, skips_steps_whose_derivatives_are_infinite) {
    for (const bool jitted : both) {
        const Tensor w = variable(ones({2}));
        optim::Sgd sgd({w}, {.learning_rate = 0.5, .momentum = 0.5});
        optim::GradScaler scaler({.initial_scale = 8, .growth_interval = 2});
        const auto body = [&](const Tensor& x) {
            const Tensor loss = sum(w * x);
            scaler.scale(loss).backward();
            scaler.step(sgd);
            scaler.update();
            return loss;
        };
        const auto step = jit(body);
        const auto act = [&](float x) { jitted ? step(Tensor::from({1.0F, x})) : body(Tensor::from({1.0F, x})); };
        act(2);
        EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{0.5, 0}));
        EXPECT_EQ(scaler.current_scale(), 8);
        act(INFINITY);
        EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{0.5, 0}));
        EXPECT_EQ(scaler.current_scale(), 4);
        act(NAN);
        EXPECT_EQ(scaler.current_scale(), 2);
        act(2);
        act(2);
        EXPECT_EQ(scaler.current_scale(), 4);
        // The velocities: 1, 1.5, 1.75 and twice that.
        EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{1 - 0.5F * 4.25F, 1 - 4.25F}));
        if (jitted) {
            EXPECT_EQ(step.statistics().traces, 1U);
        }
    }
}

TEST(GradScaler, keeps_small_derivatives_of_f16) {
    for (const bool scaled : both) {
        const Tensor w = variable(zeros({1}));
        optim::Sgd sgd({w}, {.learning_rate = 1});
        optim::GradScaler scaler;
        const Tensor loss = convert(sum(convert(w, Dtype::f16)), Dtype::f32) * 1e-8;
        if (scaled) {
            scaler.scale(loss).backward();
            scaler.unscale(sgd);
            optim::clip_grad_norm({w}, 1);
            scaler.step(sgd);
            scaler.update();
        } else {
            loss.backward();
            sgd.step();
        }
        EXPECT_NEAR(w.item<float>(), scaled ? -1e-8F : 0.0F, 1e-10F);
    }
}

TEST(GradScaler, refuses_what_comes_twice) {
    const Tensor w = variable(ones({2}));
    optim::Sgd sgd({w});
    optim::GradScaler scaler;
    EXPECT_EQ(message_behind_line([&] { scaler.update(); }), "update: no optimiser has made a step");
    scaler.scale(sum(w)).backward();
    scaler.unscale(sgd);
    EXPECT_EQ(message_behind_line([&] { scaler.unscale(sgd); }),
              "unscale: the optimiser's derivatives are unscaled already; update() begins anew");
    scaler.step(sgd);
    EXPECT_EQ(message_behind_line([&] { scaler.step(sgd); }),
              "step: the optimiser has made its step; update() begins anew");
    // What a function that failed has left behind is forgotten.
    const auto fails = jit([&](const Tensor& x) {
        scaler.scale(sum(w * x)).backward();
        scaler.unscale(sgd);
        return matmul(x, x.reshape({-1, 7}));
    });
    EXPECT_THROW(fails(ones({2})), Error);
    scaler.update();
}

// ---- averages

TEST(WeightAverage, is_the_formulas) {
    for (const bool jitted : both)
        for (const std::optional<double> decay : {std::optional<double>(), std::optional<double>(0.75)}) {
            const Tensor w = variable(zeros({}, Dtype::f64)), h = variable(zeros({}, Dtype::f16)),
                         count = variable(Tensor::scalar(std::int64_t{0}), "count", false);
            optim::WeightAverage average({w, h, count}, {.decay = decay});
            const auto body = [&](const Tensor& x) {
                w.set(x);
                h.set(convert(x, Dtype::f16));
                count.set(count + 1);
                average.update();
                return x;
            };
            const auto update = jit(body);
            double expected = 0, n = 0;
            for (const double x : {4.0, 8.0, 0.0, 2.0}) {
                jitted ? update(Tensor::scalar(x)) : body(Tensor::scalar(x));
                if (n == 0)
                    expected = x;
                else
                    expected = decay ? *decay * expected + (1 - *decay) * x : expected + (x - expected) / (n + 1);
                ++n;
            }
            EXPECT_EQ(w.item<double>(), 2);
            {
                const optim::WithAverage scope(average);
                EXPECT_DOUBLE_EQ(w.item<double>(), expected);
                EXPECT_NEAR(convert(h, Dtype::f64).item<double>(), expected, 2e-3);
                EXPECT_EQ(count.item<std::int64_t>(), 4);
                EXPECT_EQ(message_behind_line([&] { average.apply(); }), "apply: the averages are applied already");
            }
            EXPECT_EQ(w.item<double>(), 2);
            EXPECT_EQ(message_behind_line([&] { average.restore(); }), "restore: no averages are applied");
            const Tensor other = variable(zeros({}, Dtype::f64)), half = variable(zeros({}, Dtype::f16)),
                         number = variable(Tensor::scalar(std::int64_t{0}), "number", false);
            average.copy_to({other, half, number});
            EXPECT_DOUBLE_EQ(other.item<double>(), expected);
            EXPECT_EQ(number.item<std::int64_t>(), 4);
            EXPECT_EQ(message_behind_line([&] { average.copy_to({other}); }),
                      "copy_to: 3 averages do not go into 1 parameters");
            optim::WeightAverage restored({w, h, count}, {.decay = decay});
            restored.load_state(average.named_state());
            const optim::WithAverage scope(restored);
            EXPECT_DOUBLE_EQ(w.item<double>(), expected);
        }
}

// ---- L-BFGS, with the objective of optimizers_test

class LbfgsTest : public testing::Test {
protected:
    static Tensor formula(double (*f)(double), double offset, std::size_t k) {
        static const std::vector<std::int64_t> shapes[] = {{3}, {2, 3}, {}};
        static constexpr std::int64_t sizes[] = {3, 6, 1};
        std::vector<double> out;
        for (std::int64_t j = 0; j < sizes[k]; ++j)
            out.push_back(f(offset + static_cast<double>(j) + 10 * static_cast<double>(k)));
        return Tensor::from(out, shapes[k]);
    }
    static std::vector<Tensor> make_parameters() {
        std::vector<Tensor> ps;
        for (std::size_t k = 0; k < 3; ++k) ps.push_back(variable(formula(std::sin, 1, k)));
        return ps;
    }
    static Tensor objective(const std::vector<Tensor>& ps) {
        Tensor total = zeros({}, Dtype::f64);
        for (std::size_t k = 0; k < ps.size(); ++k) {
            const Tensor weights = formula([](double i) { return 0.5 + std::fmod(i, 3); }, 0, k);
            total = total + sum(weights * square(ps[k] - formula(std::cos, 2, k))) / 2 + sum(cos(ps[k] * 3)) / 10;
        }
        return total;
    }
    static std::vector<double> elements(const std::vector<Tensor>& ps) {
        std::vector<double> all;
        for (const Tensor& p : ps)
            for (const double x : p.to_vector<double>()) all.push_back(x);
        return all;
    }
    const std::map<std::string, optim::LbfgsOptions> cases_ = {
        {"lbfgs", {.learning_rate = 0.3, .max_iterations = 4}},
        {"lbfgs_history", {.learning_rate = 0.2, .max_iterations = 3, .history_size = 2}},
        {"lbfgs_strong_wolfe", {.max_iterations = 3, .line_search = optim::LineSearch::strong_wolfe}},
        {"lbfgs_long_steps",
         {.learning_rate = 30, .max_iterations = 3, .line_search = optim::LineSearch::strong_wolfe}},
    };
};

TEST_F(LbfgsTest, goes_where_that_of_pytorch_goes) {
    std::ifstream file(LATHE_SOURCE_DIR "/tests/reference/optimizers.txt");
    std::map<std::string, std::map<int, std::vector<double>>> recorded;
    for (std::string line; std::getline(file, line);) {
        std::istringstream in(line);
        std::string name;
        int step = 0;
        in >> name >> step;
        for (double x = 0; in >> x;) recorded[name][step].push_back(x);
    }
    for (const auto& [name, options] : cases_) {
        const std::vector<Tensor> ps = make_parameters();
        optim::Lbfgs lbfgs(ps, options);
        const auto loss = jit([&](const Tensor& zero) { return objective(ps) + zero; });
        for (int step = 1; step <= 10; ++step) {
            const double before = objective(ps).item<double>();
            EXPECT_DOUBLE_EQ(lbfgs.step([&] { return loss(zeros({}, Dtype::f64)); }).item<double>(), before);
            if (!recorded.at(name).contains(step)) continue;
            const std::vector<double>& expected = recorded.at(name).at(step);
            const std::vector<double> now = elements(ps);
            ASSERT_EQ(now.size(), expected.size());
            for (std::size_t i = 0; i < now.size(); ++i)
                EXPECT_NEAR(now[i], expected[i], 1e-5 * std::max(1.0, std::abs(expected[i])))
                    << name << ", step " << step << ", element " << i;
        }
    }
}

TEST_F(LbfgsTest, goes_on_from_saved_state) {
    for (const auto& [name, options] : cases_) {
        const std::vector<Tensor> ps = make_parameters();
        optim::Lbfgs lbfgs(ps, options);
        lbfgs.step([&] { return objective(ps); });
        std::vector<Tensor> copies;
        for (const Tensor& p : ps) copies.push_back(variable(Tensor::from(p.to_array())));
        optim::Lbfgs other(copies, options);
        other.load_state(lbfgs.named_state());
        lbfgs.step([&] { return objective(ps); });
        other.step([&] { return objective(copies); });
        EXPECT_EQ(elements(ps), elements(copies)) << name;
    }
}

TEST_F(LbfgsTest, refuses_to_be_compiled) {
    const std::vector<Tensor> ps = make_parameters();
    optim::Lbfgs lbfgs(ps);
    const auto step = jit([&](const Tensor&) { return lbfgs.step([&] { return objective(ps); }); });
    EXPECT_EQ(
        message_behind_line([&] { step(ones({1})); })
            .find("step: it needs values, which a function that is being traced does not have; L-BFGS runs outside "
                  "of compiled functions, and its closure may call them"),
        0U);
    EXPECT_EQ(message_behind_line([&] {
                  lbfgs.step([&] {
                      const Tensor loss = objective(ps);
                      loss.backward();
                      return loss;
                  });
              }),
              "step: the closure called backward(), which step() does with the loss that it returns");
}

// ---- products in narrow dtypes

struct Product {
    const char* name;
    std::vector<std::int64_t> a, b;
    Tensor (*apply)(const Tensor& a, const Tensor& b);
};
const Product products[] = {
    {"matmul", {5, 7}, {7, 3}, [](const Tensor& a, const Tensor& b) { return matmul(a, b); }},
    {"linear", {5, 7}, {3, 7}, [](const Tensor& a, const Tensor& b) { return linear(a, b); }},
    {"einsum", {2, 5, 7}, {7, 3}, [](const Tensor& a, const Tensor& b) { return einsum("bij,jk->bik", {{a, b}}); }},
    {"conv2d", {2, 3, 6, 5}, {4, 3, 2, 3}, [](const Tensor& a, const Tensor& b) { return conv2d(a, b); }},
};

TEST(MixedPrecision, rounds_operands_and_results_of_products) {
    for (const Product& p : products)
        for (const Dtype dtype : {Dtype::bf16, Dtype::f16})
            for (const bool jitted : both) {
                const Tensor w = variable(random_uniform(1, p.b, -1, 1));
                const auto mixed = [&](const Tensor& x) {
                    const MixedPrecision scope(dtype);
                    const Tensor y = p.apply(x, w);
                    EXPECT_EQ(y.dtype(), Dtype::f32);
                    sum(sin(y)).backward();
                    return std::pair(y, w.grad() + 0);
                };
                const auto written_out = [&](const Tensor& x) {
                    const Tensor y = convert(p.apply(convert(x, dtype), convert(w, dtype)), Dtype::f32);
                    sum(sin(y)).backward();
                    return std::pair(y, w.grad() + 0);
                };
                const Tensor x = random_uniform(2, p.a, -1, 1);
                const auto [y, g] = jitted ? jit(mixed)(x) : mixed(x);
                const Array value = y.to_array(), gradient = g.to_array();
                w.zero_grad();
                const auto [expected, expected_gradient] = written_out(x);
                EXPECT_EQ(value, expected.to_array()) << p.name;
                EXPECT_EQ(gradient, expected_gradient.to_array()) << p.name;
                EXPECT_EQ(expected_gradient.dtype(), Dtype::f32);
                EXPECT_NE(value, p.apply(x, w).to_array()) << p.name;
                w.zero_grad();
            }
}

TEST(MixedPrecision, counts_where_it_was_opened) {
    const Tensor a = random_uniform(1, {5, 7}).eval(), b = random_uniform(2, {7, 3}).eval();
    const Array wide = matmul(a, b).to_array();
    const Array narrow = convert(matmul(convert(a, Dtype::bf16), convert(b, Dtype::bf16)), Dtype::f32).to_array();
    const MixedPrecision scope(Dtype::bf16);
    EXPECT_EQ(matmul(a, b).to_array(), narrow);
    EXPECT_EQ(jit([&](const Tensor& x) { return matmul(x, b); })(a).to_array(), wide)
        << "a compiled function has its own";
    {
        const MixedPrecision inner(Dtype::f32);
        EXPECT_EQ(matmul(a, b).to_array(), wide);
    }
    EXPECT_EQ(matmul(a, b).to_array(), narrow);
    EXPECT_EQ(matmul(convert(a, Dtype::f64), convert(b, Dtype::f64)).dtype(), Dtype::f64);
    EXPECT_EQ(message_behind_line([] { const MixedPrecision integers(Dtype::i32); }),
              "MixedPrecision: products are of bf16, f16 or f32, not i32");
}

}  // namespace
}  // namespace lathe
