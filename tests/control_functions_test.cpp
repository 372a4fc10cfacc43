// cond, while_loop and scan as users call them: lazily, compiled, traced, nested, and under derivatives.
#include <cmath>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "lathe.h"
#include "passes/pipeline.h"

namespace lathe {
namespace {

Tensor data(std::uint64_t key, std::vector<std::int64_t> shape) { return random_uniform(key, shape, -1, 1).eval(); }

void expect_equal(const Tensor& a, const Tensor& b) { EXPECT_EQ(a.to_array(), b.to_array()); }

template <class F>
std::string error_of(const F& f) {
    try {
        f();
    } catch (const UserError& e) {
        return e.what();
    }
    return "";
}
void expect_text(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

struct Cell {
    Tensor w, u;
    std::pair<Tensor, Tensor> operator()(const Tensor& h, const Tensor& x) const {
        const Tensor next = tanh(matmul(x, w) + matmul(h, u) * 0.5);
        return {next, next};
    }
    // The same without a loop.
    std::pair<Tensor, Tensor> unrolled(const Tensor& h0, const Tensor& xs) const {
        Tensor h = h0;
        std::vector<Tensor> all;
        for (std::int64_t t = 0; t < xs.shape()[0]; ++t) {
            h = (*this)(h, xs[{t}]).first;
            all.push_back(h.reshape({1, h.shape()[0], h.shape()[1]}));
        }
        return {h, concat(all, 0)};
    }
};

TEST(Scan, is_the_unrolled_program) {
    const Cell cell{data(1, {3, 4}), data(2, {4, 4})};
    for (const std::int64_t t : {1, 2, 5}) {
        const Tensor h0 = data(3, {2, 4}), xs = data(4, {t, 2, 3});
        const auto all = [&](const Tensor& h, const Tensor& x) { return scan(cell, h, x); };
        const auto [last, ys] = all(h0, xs);
        const auto [wanted, wanted_ys] = cell.unrolled(h0, xs);
        expect_equal(last, wanted);
        expect_equal(ys, wanted_ys);
        const auto [jitted, jitted_ys] = jit(all)(h0, xs);
        expect_equal(jitted, wanted);
        expect_equal(jitted_ys, wanted_ys);
    }
}

TEST(Scan, of_nothing_gives_what_it_began_with) {
    const Cell cell{data(1, {3, 4}), data(2, {4, 4})};
    const Tensor h0 = data(3, {2, 4});
    const auto [last, ys] = scan(cell, h0, zeros({0, 2, 3}));
    expect_equal(last, h0);
    EXPECT_EQ(ys.shape(), (std::vector<std::int64_t>{0, 2, 4}));
}

TEST(Scan, runs_by_length_and_backwards) {
    const Tensor one = Tensor::scalar(1.0F);
    const auto doubling = [](const Tensor& x, const std::tuple<>&) { return std::pair(x + x, x); };
    const auto [last, all] = scan(doubling, one, std::tuple<>(), {.length = 5});
    EXPECT_EQ(last.item<float>(), 32);
    EXPECT_EQ(all.to_vector<float>(), (std::vector<float>{1, 2, 4, 8, 16}));
    const auto digits = [](const Tensor& x, const Tensor& d) { return std::pair(x * 10 + d, x); };
    const auto [number, before] =
        scan(digits, Tensor::scalar(0.0F), Tensor::from({1.0F, 2.0F, 3.0F}), {.reverse = true});
    EXPECT_EQ(number.item<float>(), 321);
    EXPECT_EQ(before.to_vector<float>(), (std::vector<float>{32, 3, 0}));
    expect_text(error_of([&] { scan(doubling, one, std::tuple<>()); }), "no length");
}

TEST(Cond, runs_one_of_two) {
    const Tensor x = data(1, {5});
    const auto f = [](const Tensor& p, const Tensor& v) {
        return cond(
            p, [](const Tensor& a) { return std::pair(exp(a), a * 2); },
            [](const Tensor& a) { return std::pair(-a, a + 1); }, v);
    };
    for (const bool p : {true, false}) {
        const Tensor chosen = Tensor::scalar(p);
        const auto [a, b] = f(chosen, x);
        expect_equal(a, p ? exp(x) : -x);
        expect_equal(b, p ? x * 2 : x + 1);
        const auto [c, d] = jit(f)(chosen, x);
        expect_equal(c, a);
        expect_equal(d, b);
    }
}

TEST(WhileLoop, goes_on_until_it_is_done) {
    const Tensor x = Tensor::from({2.0, 9.0, 50.0});
    const auto root = [](const Tensor& of) {
        return while_loop([&](const Tensor& y) { return max(abs(y * y - of)) > 1e-9; },
                          [&](const Tensor& y) { return (y + of / y) * 0.5; }, of);
    };
    const std::vector<double> lazily = root(x).to_vector<double>();
    EXPECT_NEAR(lazily[0], std::sqrt(2.0), 1e-9);
    EXPECT_NEAR(lazily[1], 3, 1e-9);
    EXPECT_EQ(jit(root)(x).to_vector<double>(), lazily);
    expect_text(error_of([&] { grad([&](const Tensor& y) { return sum(root(y)); })(x).eval(); }), "use scan");
}

TEST(Control, nests) {
    const Tensor xs = data(1, {4, 3, 2});
    const auto f = [](const Tensor& all) {
        const auto outer = [](const Tensor& h, const Tensor& rows) {
            const auto inner = [&](const Tensor& g, const Tensor& row) {
                const Tensor next = cond(
                    sum(row) > 0, [&](const Tensor& r) { return g + r * h; }, [&](const Tensor& r) { return g - r; },
                    row);
                return std::pair(next, sum(next));
            };
            const auto [last, sums] = scan(inner, h, rows);
            return std::pair(last * 0.5, sums);
        };
        return scan(outer, ones({2}), all);
    };
    const auto [last, sums] = f(xs);
    Tensor h = ones({2});
    std::vector<float> wanted;
    for (std::int64_t t = 0; t < 4; ++t) {
        Tensor g = h;
        for (std::int64_t k = 0; k < 3; ++k) {
            const Tensor row = xs[{t, k}];
            g = sum(row).item<float>() > 0 ? g + row * h : g - row;
            wanted.push_back(sum(g).item<float>());
        }
        h = g * 0.5;
    }
    expect_equal(last, h);
    EXPECT_EQ(sums.to_vector<float>(), wanted);
    const auto [jitted, jitted_sums] = jit(f)(xs);
    expect_equal(jitted, last);
    expect_equal(jitted_sums, sums);
}

TEST(Control, gradients_are_those_of_the_unrolled_program) {
    const Tensor h0 = data(3, {2, 4}), xs = data(4, {5, 2, 3}), weights = data(5, {5, 2, 4});
    const auto loss = [&](bool loop) {
        return [&, loop](const std::vector<Tensor>& x) {
            const Cell cell{x[0], x[1]};
            const auto [last, ys] = loop ? scan(cell, x[2], x[3]) : cell.unrolled(x[2], x[3]);
            return sum(last * last) + sum(ys * weights);
        };
    };
    const std::vector<Tensor> at{data(1, {3, 4}), data(2, {4, 4}), h0, xs};
    const auto by_loop = grad(loss(true))(at), unrolled = grad(loss(false))(at);
    const auto jitted = jit([&](const std::vector<Tensor>& x) { return grad(loss(true))(x); })(at);
    for (std::size_t i = 0; i < at.size(); ++i) {
        const auto a = by_loop[i].to_vector<float>(), b = unrolled[i].to_vector<float>();
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-4F * (1 + std::abs(b[k])));
        expect_equal(jitted[i], by_loop[i]);
    }
}

TEST(Control, gradients_of_gradients_are_differences_of_gradients) {
    const Tensor x = convert(random_uniform(1, {3}, 0.3, 1), Dtype::f64).eval();
    const auto f = [](const Tensor& v) {
        const auto step = [&](const Tensor& h, const Tensor& d) {
            return std::pair(cond(
                                 sum(h) > 1, [&](const Tensor& a) { return a * v * d; },
                                 [&](const Tensor& a) { return exp(a) * d; }, h),
                             h);
        };
        const auto [last, all] = scan(step, v * v, v);
        return sum(last) + sum(all * all);
    };
    const auto slope = [&](const Tensor& v) { return sum(grad(f)(v) * Tensor::from({1.0, -2.0, 0.5})); };
    const auto check = [&](const auto& g) {
        const auto exact = grad(g)(x).template to_vector<double>();
        for (std::int64_t i = 0; i < 3; ++i) {
            const double e = 1e-5;
            std::vector<double> bump(3, 0.0);
            bump[static_cast<std::size_t>(i)] = e;
            const Tensor d = Tensor::from(bump, {3});
            const double difference = (g(x + d).template item<double>() - g(x - d).template item<double>()) / (2 * e);
            EXPECT_NEAR(exact[static_cast<std::size_t>(i)], difference, 1e-5 * (1 + std::abs(difference)));
        }
    };
    check(f);
    check(slope);
}

// The forward loop stacks what the backward one needs; nothing of it runs twice.
TEST(Control, a_derivative_has_one_loop_each_way) {
    const auto loss = [](const std::vector<Tensor>& x) {
        const auto [last, ys] = scan(Cell{x[0], x[1]}, x[2], x[3]);
        return sum(last) + sum(ys * ys);
    };
    const auto f = [&](const Tensor& w, const Tensor& u, const Tensor& h, const Tensor& xs) {
        const auto [value, slopes] = value_and_grad(loss)(std::vector<Tensor>{w, u, h, xs});
        return std::vector<Tensor>{value, slopes[0], slopes[1], slopes[2], slopes[3]};
    };
    const Model model = trace(f, {{"w", Dtype::f32, {3, 4}},
                                  {"u", Dtype::f32, {4, 4}},
                                  {"h", Dtype::f32, {"n", 4}},
                                  {"xs", Dtype::f32, {"t", "n", 3}}});
    const ir::Program program = passes::run_pipeline(model.graph()).program;
    int loops = 0;
    for_each_step(program.steps, [&](const ir::Program::Step& step) {
        loops += std::holds_alternative<ir::Program::Loop>(step.node) ? 1 : 0;
    });
    EXPECT_EQ(loops, 2);
}

TEST(Control, trains_variables_that_it_captures) {
    const auto train = [](bool compiled) {
        const Tensor w = variable(data(1, {3, 4}), "w"), u = variable(data(2, {4, 4}), "u");
        optim::Sgd optimizer({w, u}, {.learning_rate = 0.1});
        const auto body = [&](const Tensor& xs) {
            const Tensor loss = mean(scan(Cell{w, u}, zeros({2, 4}), xs).first);
            loss.backward();
            optimizer.step();
            return loss;
        };
        const auto step = jit(body);
        for (std::uint64_t i = 0; i < 3; ++i) compiled ? step(data(i, {4, 2, 3})) : body(data(i, {4, 2, 3}));
        return std::pair(w.to_array(), u.to_array());
    };
    EXPECT_EQ(train(true), train(false));
}

TEST(Control, captures_what_is_there_when_it_runs) {
    const Tensor v = variable(Tensor::from({1.0F, 2.0F}), "v"), p = Tensor::scalar(true);
    const auto f = [&](const Tensor& x) {
        return cond(p, [&] { return std::vector{x * v, v}; }, [&] { return std::vector{x, x}; });
    };
    const auto jitted = jit(f);
    const Tensor x = Tensor::from({3.0F, 5.0F});
    for (const float value : {1.0F, 7.0F}) {
        v.set(full({2}, value));
        for (const auto& results : {f(x), jitted(x)}) {
            EXPECT_EQ(results[0].to_vector<float>(), (std::vector<float>{3 * value, 5 * value}));
            EXPECT_EQ(results[1].to_vector<float>(), (std::vector<float>{value, value}));
        }
    }
}

TEST(Control, compiled_and_differentiated_functions_may_be_in_it) {
    const auto square = jit([](const Tensor& x) { return sum(x * x); });
    const Tensor xs = data(1, {4, 3});
    const auto f = [&](const Tensor& all) {
        return scan([&](const Tensor& h, const Tensor& x) { return std::pair(h + square(x), grad(square)(x)); },
                    Tensor::scalar(0.0F), all);
    };
    for (const auto& [total, slopes] : {f(xs), jit(f)(xs)}) {
        expect_equal(slopes, (xs * 2).eval());
        EXPECT_NEAR(total.item<float>(), sum(xs * xs).item<float>(), 1e-5);
    }
}

TEST(Control, models_with_it_are_saved_and_loaded) {
    const Cell cell{data(1, {3, 4}), data(2, {4, 4})};
    const Model model = trace([&](const Tensor& h, const Tensor& xs) { return scan(cell, h, xs).second; },
                              {{"h", Dtype::f32, {"n", 4}}, {"xs", Dtype::f32, {"t", "n", 3}}});
    const std::string path = testing::TempDir() + "control.lathe";
    model.save(path);
    const Model loaded = Model::load(path);
    for (const std::int64_t t : {0, 1, 6}) {
        const std::vector<Tensor> inputs{data(3, {2, 4}), data(4, {t, 2, 3})};
        const Tensor wanted = scan(cell, inputs[0], inputs[1]).second;
        expect_equal(loaded.compile()(inputs)[0], wanted);
        expect_equal(model.compile()(inputs)[0], wanted);
    }
}

TEST(Control, another_length_compiles_nothing) {
    const Cell cell{data(1, {3, 4}), data(2, {4, 4})};
    const auto run = [&](std::int64_t t, std::int64_t n) {
        scan(cell, data(3, {n, 4}), data(4, {t, n, 3})).second.eval();
    };
    run(5, 2);
    run(6, 3);
    const std::uint64_t compiled = codegen::KernelCache::shared().compiled();
    run(7, 2);
    run(9, 5);
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
}

TEST(Control, refuses_what_it_cannot_mean) {
    const Tensor x = data(1, {3}), v = variable(data(2, {3}), "v"), p = Tensor::scalar(true);
    const auto same = [](const Tensor& a) { return a; };
    const auto sets = [&] {
        cond(
            p,
            [&](const Tensor& a) {
                v.set(a);
                return a;
            },
            same, x);
    };
    expect_text(error_of(sets), "no variable can be set");
    expect_text(error_of([&] { jit([&](const Tensor&) { return sets(), x; })(x); }), "no variable can be set");
    const auto asks = [&](const Tensor& a) { return a * sum(a).item<float>(); };
    expect_text(error_of([&] { cond(p, asks, same, x); }), "inside of a loop, a branch or vmap");
    expect_text(error_of([&] { cond(x, same, same, x); }), "operand 0 is f32[3], not bool[]");
    expect_text(error_of([&] { cond(p, same, [](const Tensor& a) { return convert(a, Dtype::f64); }, x); }), "f64");
    const auto grows = [](const Tensor& h, const Tensor&) {
        return std::pair(concat(std::vector<Tensor>{h, h}, 0), h);
    };
    expect_text(error_of([&] { scan(grows, x, x); }), "carried");
    // What went wrong before leaves nothing behind.
    expect_equal(cond(p, same, same, x), x);
}

}  // namespace
}  // namespace lathe
