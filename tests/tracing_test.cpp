// What works lazily works jitted and traced: extents that turn out to be known, the structure of arguments and results,
// random numbers, functions within functions, and values of variables at the time.
#include <map>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "frontend/tensor/node.h"
#include "lathe.h"

namespace lathe {
namespace {

Tensor data(std::uint64_t key, std::vector<std::int64_t> shape) { return random_uniform(key, shape, -1, 1).eval(); }

void expect_equal(const Tensor& a, const Tensor& b) { EXPECT_EQ(a.to_array(), b.to_array()); }

// ---- extents of the arguments and of what is captured

TEST(Extents, derivatives_by_what_meets_captured_tensors) {
    const Tensor x = data(1, {6, 3}), y = data(2, {6}), rows = data(3, {6, 2});
    const auto fit = [&](const Tensor& w) { return mean_squared_error(matmul(x, w), y); };
    expect_equal(jit(grad(fit))(data(4, {3})), grad(fit)(data(4, {3})));
    const auto fit_rows = [&](const Tensor& w) { return mean_squared_error(matmul(x, w), rows); };
    expect_equal(jit(grad(fit_rows))(data(5, {3, 2})), grad(fit_rows)(data(5, {3, 2})));
    const auto per_row = [&](const Tensor& b) { return sum(tanh(x * b)); };
    expect_equal(jit(grad(per_row))(data(6, {6, 1})), grad(per_row)(data(6, {6, 1})));
    expect_equal(jit(grad(per_row))(data(6, {3})), grad(per_row)(data(6, {3})));
    // A product of extents that is known: 2 * n and n * m.
    const auto doubled = [&](const Tensor& w) {
        const Tensor parts[] = {w, w};
        return sum(concat(parts, 0) * y * concat(parts, 0));
    };
    expect_equal(jit(grad(doubled))(data(7, {3})), grad(doubled)(data(7, {3})));
    const auto flat = [&](const Tensor& w) { return sum(w.reshape({6}) * y * w.reshape({6})); };
    expect_equal(jit(grad(flat))(data(8, {2, 3})), grad(flat)(data(8, {2, 3})));
    const auto twice = [&](const Tensor& w) { return sum(grad(fit)(w) * w); };
    expect_equal(jit(grad(twice))(data(9, {3})), grad(twice)(data(9, {3})));
}

TEST(Extents, a_step_on_captured_labels_and_a_bias_per_row) {
    const Tensor labels = Tensor::from({0, 2, 1, 0, 2, 1}), start = data(1, {4, 3}), per_row = data(2, {6, 1});
    const auto train = [&](bool compiled) {
        const Tensor w = variable(start, "w"), b = variable(per_row, "b");
        optim::Adam optimizer({w, b}, {.learning_rate = 0.1});
        const auto body = [&](const Tensor& x) {
            const Tensor loss = cross_entropy(matmul(x, w) + b, labels);
            loss.backward();
            optimizer.step();
            return loss;
        };
        const auto step = jit(body);
        for (std::uint64_t i = 0; i < 5; ++i) compiled ? step(data(i, {6, 4})) : body(data(i, {6, 4}));
        return std::pair(w.to_array(), b.to_array());
    };
    EXPECT_EQ(train(true), train(false));
}

// Functions of a float tensor that meet one of known extents: [4, 3] with [4, 3], or what each says.
struct Meeting {
    const char* name;
    std::vector<std::int64_t> x, known;
    Tensor (*apply)(const Tensor& x, const Tensor& known);
};
const Meeting meetings[] = {
    {"add", {4, 3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return x + k; }},
    {"mul of a row", {4, 3}, {3}, [](const Tensor& x, const Tensor& k) { return x * k; }},
    {"mul of a column", {4, 3}, {4, 1}, [](const Tensor& x, const Tensor& k) { return x * k; }},
    {"a row for each", {3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return tanh(x * k) / 3.0; }},
    {"where", {4, 3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return where(k > 0.0, x, k); }},
    {"maximum", {4, 3}, {3}, [](const Tensor& x, const Tensor& k) { return maximum(x, k); }},
    {"pow", {4, 3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return pow(x + 2.0, k); }},
    {"matmul left", {4, 3}, {3, 5}, [](const Tensor& x, const Tensor& k) { return matmul(x, k); }},
    {"matmul right", {3, 5}, {4, 3}, [](const Tensor& x, const Tensor& k) { return matmul(k, x); }},
    {"matmul of batches", {2, 4, 3}, {2, 3, 5}, [](const Tensor& x, const Tensor& k) { return matmul(x, k); }},
    {"matmul over batches", {4, 3}, {2, 3, 5}, [](const Tensor& x, const Tensor& k) { return matmul(x, k); }},
    {"concat",
     {4, 3},
     {4, 2},
     [](const Tensor& x, const Tensor& k) {
         const Tensor parts[] = {x, k, x};
         return concat(parts, 1);
     }},
    {"concat, then add",
     {2, 3},
     {4, 3},
     [](const Tensor& x, const Tensor& k) {
         const Tensor parts[] = {x, x};
         return concat(parts, 0) * k;
     }},
    {"reshape", {4, 3}, {12}, [](const Tensor& x, const Tensor& k) { return reshape(x, {12}) * k; }},
    {"reshape to known extents",
     {4, 3},
     {2, 6},
     [](const Tensor& x, const Tensor& k) { return reshape(x, k.type().shape) * k; }},
    {"transpose", {4, 3}, {3, 4}, [](const Tensor& x, const Tensor& k) { return x.t() * k; }},
    {"broadcast_to", {3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return broadcast_to(x, {4, 3}) * k; }},
    {"slice", {4, 3}, {2, 3}, [](const Tensor& x, const Tensor& k) { return slice(x, {1, 0}, {2, 3}) * k; }},
    {"sums",
     {4, 3},
     {4},
     [](const Tensor& x, const Tensor& k) { return sum(x, {1}) * k + max(x, {1}) - mean(x, {1}); }},
    {"softmax", {4, 3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return log_softmax(x) * softmax(k * x, 0); }},
    {"gather",
     {4, 3},
     {5},
     [](const Tensor& x, const Tensor& k) { return gather(x, convert(abs(k) * 3.0, Dtype::i32), 0); }},
    {"scatter_add",
     {5, 3},
     {4, 3},
     [](const Tensor& x, const Tensor& k) { return scatter_add(k, Tensor::from({0, 3, 3, 1, 2}), x, 0) * k; }},
    {"cross_entropy",
     {4, 3},
     {4},
     [](const Tensor& x, const Tensor& k) { return cross_entropy(x, convert(abs(k) * 2.9, Dtype::i32)); }},
    {"cross_entropy with a bias",
     {3},
     {4, 3},
     [](const Tensor& x, const Tensor& k) { return cross_entropy(tanh(k) + x, Tensor::from({0, 2, 1, 0})); }},
    {"mean_squared_error", {4, 3}, {4, 3}, [](const Tensor& x, const Tensor& k) { return mean_squared_error(x, k); }},
    {"twice",
     {4, 3},
     {4, 3},
     [](const Tensor& x, const Tensor& k) {
         return grad([&](const Tensor& y) { return sum(tanh(y * k) * y); })(x) * k;
     }},
};

TEST(Extents, whatever_meets_known_extents_compiles_and_is_differentiated) {
    for (const Meeting& m : meetings) {
        SCOPED_TRACE(m.name);
        const Tensor x = data(1, m.x), known = data(2, m.known);
        const auto f = [&](const Tensor& y) { return m.apply(y, known); };
        const auto loss = [&](const Tensor& y) { return sum(f(y) * f(y)); };
        const Tensor expected = f(x), derivative = grad(loss)(x);
        expect_equal(jit(f)(x), expected);
        expect_equal(jit(grad(loss))(x), derivative);
        expect_equal(grad(jit(loss))(x), derivative);
        // Both are arguments; one of them has named extents in a model.
        expect_equal(jit([&](const Tensor& y, const Tensor& k) { return m.apply(y, k); })(x, known), expected);
        TensorSpec spec{"x", Dtype::f32, {}};
        for (std::size_t i = 0; i < m.x.size(); ++i) spec.dims.emplace_back("n" + std::to_string(i));
        expect_equal(trace(f, {spec})(x), expected);
        expect_equal(trace(grad(loss), {spec})(x), derivative);
        const CompileOptions plain{.off = {"simplify", "fuse"}};
        expect_equal(trace(grad(loss), {spec}).compile(plain)(std::span(&x, 1))[0], derivative);
    }
}

TEST(Extents, a_demand_that_does_not_hold_names_its_line) {
    const Tensor x = data(1, {6, 3}), y = data(2, {6});
    const auto f = jit(grad([&](const Tensor& w) { return mean_squared_error(matmul(x, w), y); }));
    f(data(3, {3}));
    try {
        f(data(3, {4}));
        FAIL();
    } catch (const TypeError& e) {
        EXPECT_NE(std::string(e.what()).find("tracing_test.cpp"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("3 is not 4"), std::string::npos) << e.what();
    }
    f(data(3, {3}));
}

TEST(Extents, a_variable_takes_a_value_whose_extent_is_a_symbol) {
    const Tensor w = data(1, {3, 5});
    const auto run = [&](bool compiled) {
        const Tensor h = variable(zeros({4, 5}), "h");
        const auto body = [&](const Tensor& x) {
            h.set(tanh(matmul(x, w) + h));
            return sum(h);
        };
        const auto step = jit(body);
        for (std::uint64_t i = 0; i < 3; ++i) compiled ? step(data(i, {4, 3})) : body(data(i, {4, 3}));
        if (compiled) {
            EXPECT_THROW(step(data(7, {2, 3})), TypeError);
        }
        return h.to_array();
    };
    EXPECT_EQ(run(true), run(false));
    const Tensor v = variable(zeros({4}), "v");
    EXPECT_THROW(jit([&](const Tensor& x) { return v.set(x), x; })(data(1, {1})), TypeError) << "an extent of 1";
    EXPECT_THROW(jit([&](const Tensor& x) { return v.set(x), x; })(data(1, {4, 1})), TypeError) << "another rank";
    EXPECT_THROW(jit([&](const Tensor& x) { return v.set(convert(x, Dtype::f64)), x; })(data(1, {4})), TypeError);
}

TEST(Extents, a_traced_model_with_a_named_batch_meets_what_it_captured) {
    const Tensor offset = data(1, {6, 1}), w = data(2, {3, 2});
    const auto f = [&](const Tensor& x) { return matmul(x, w) + offset; };
    const Model model = trace(f, {{"x", Dtype::f32, {"batch", 3}}});
    expect_equal(model(data(3, {6, 3})), f(data(3, {6, 3})));
    EXPECT_THROW(model(data(3, {5, 3})), TypeError);
    const auto derivative = [&](const Tensor& x) { return grad([&](const Tensor& z) { return sum(f(z) * f(z)); })(x); };
    const Model traced = trace(derivative, {{"x", Dtype::f32, {"batch", "features"}}});
    expect_equal(traced(data(3, {6, 3})), derivative(data(3, {6, 3})));
}

TEST(Extents, creation_takes_symbols) {
    const auto f = [](const Tensor& x) {
        const Tensor rows = convert(arange(x.dim(0)), Dtype::f32);
        return std::tuple(zeros({x.dim(0), 2}) + 1.0, ones({x.dim(1)}), full({x.dim(0) * 2}, 0.5), rows,
                          rows.reshape({x.dim(0), 1}) * x, random_uniform(3, {x.dim(0), 4}),
                          random_normal(4, x.type().shape), zeros_like(x), ones_like(x));
    };
    const auto compiled = jit(f);
    for (const std::int64_t n : {2, 5, 7}) {
        const Tensor x = data(1, {n, 3});
        EXPECT_EQ(tensors_of(compiled(x)).size(), 9U);
        const std::vector<Tensor> expected = tensors_of(f(x)), found = tensors_of(compiled(x));
        for (std::size_t i = 0; i < expected.size(); ++i) expect_equal(found[i], expected[i]);
    }
    EXPECT_EQ(compiled.statistics().traces, 1U);
    const Model model = trace([&](const Tensor& x) { return std::get<4>(f(x)); }, {{"x", Dtype::f32, {"n", "m"}}});
    expect_equal(model(data(1, {5, 3})), std::get<4>(f(data(1, {5, 3}))));
    // A symbol is of no use outside of its function.
    Dim leaked;
    jit([&](const Tensor& x) { return leaked = x.dim(0), x; })(data(1, {5}));
    EXPECT_THROW(zeros({leaked}), UserError);
    EXPECT_THROW(arange(leaked), UserError);
}

// ---- structure

struct Layers {
    std::vector<Tensor> first, second;
    bool sum_first = false;
    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(first);
        visit(second);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(first);
        visit(second);
    }
    bool structure() const { return sum_first; }
};

TEST(Structure, arguments_of_another_structure_are_traced_anew) {
    const auto one = [](float x) { return Tensor::from({x}); };
    using Tensors = std::vector<Tensor>;
    const auto f = [](const Tensors& a, const Tensors& b) {
        Tensor total = zeros({1});
        for (const Tensor& t : a) total = total + t;
        for (const Tensor& t : b) total = total + t * 10.0;
        return total;
    };
    const auto compiled = jit(f);
    EXPECT_EQ(compiled(Tensors{one(1), one(2)}, Tensors{one(3)}).item<float>(), 33.0F);
    EXPECT_EQ(compiled(Tensors{one(1)}, Tensors{one(2), one(3)}).item<float>(), 51.0F);
    EXPECT_EQ(compiled(Tensors{}, Tensors{}).item<float>(), 0.0F);
    EXPECT_EQ(compiled(Tensors{one(1), one(2)}, Tensors{one(3)}).item<float>(), 33.0F);
    EXPECT_EQ(compiled.statistics().traces, 3U);

    const auto names =
        jit([](const std::map<std::string, Tensor>& m) { return m.contains("a") ? m.at("a") : -m.at("b"); });
    EXPECT_EQ(names(std::map<std::string, Tensor>{{"a", one(1)}}).item<float>(), 1.0F);
    EXPECT_EQ(names(std::map<std::string, Tensor>{{"b", one(1)}}).item<float>(), -1.0F);

    const auto optional = jit([](const Tensor& x, const std::optional<Tensor>& b) { return b ? x + *b : x; });
    EXPECT_EQ(optional(one(1), std::optional(one(2))).item<float>(), 3.0F);
    EXPECT_EQ(optional(one(1), std::optional<Tensor>()).item<float>(), 1.0F);
    const auto empty = jit([](const Tensor& x, const Tensor& b) { return b.is_empty() ? x : x + b; });
    EXPECT_EQ(empty(one(1), Tensor()).item<float>(), 1.0F);
    EXPECT_EQ(empty(one(1), one(2)).item<float>(), 3.0F);

    const auto own = jit([](const Layers& l) {
        Tensor total = zeros({1});
        for (const Tensor& t : l.sum_first ? l.first : l.second) total = total + t;
        return total;
    });
    EXPECT_EQ(own(Layers{{one(1), one(2)}, {one(3)}, true}).item<float>(), 3.0F);
    EXPECT_EQ(own(Layers{{one(1), one(2)}, {one(3)}, false}).item<float>(), 3.0F);
    EXPECT_EQ(own(Layers{{one(1)}, {one(2), one(3)}, true}).item<float>(), 1.0F);
    EXPECT_EQ(own(Layers{{one(1)}, {one(2), one(3)}, false}).item<float>(), 5.0F);

    // One function, arguments of several types.
    const auto any = jit([](const auto& x) { return tensors_of(x)[0] * 2.0; });
    EXPECT_EQ(any(one(1)).item<float>(), 2.0F);
    EXPECT_EQ(any(Tensors{one(2), one(3)}).item<float>(), 4.0F);
    EXPECT_EQ(any(std::array{one(3)}).item<float>(), 6.0F);
}

TEST(Structure, results_have_the_structure_of_their_call) {
    const auto rows = jit([](const Tensor& x) {
        std::vector<Tensor> out;
        for (std::int64_t i = 0; i < x.extent(0); ++i) out.push_back(sum(slice(x, {i}, {1})));
        return out;
    });
    EXPECT_EQ(rows(data(1, {2})).size(), 2U);
    EXPECT_EQ(rows(data(1, {5})).size(), 5U);
    EXPECT_EQ(rows(data(1, {3})).size(), 3U);
    const auto by_rank =
        jit([](const Tensor& x) { return x.rank() == 1 ? std::vector<Tensor>{x} : std::vector<Tensor>{x, sum(x)}; });
    EXPECT_EQ(by_rank(data(1, {4})).size(), 1U);
    EXPECT_EQ(by_rank(data(1, {4, 4})).size(), 2U);
    const auto maybe = jit([](const Tensor& x) {
        return std::pair(x * 2.0, x.rank() == 1 ? std::optional<Tensor>() : std::optional(sum(x)));
    });
    EXPECT_FALSE(maybe(data(1, {4})).second.has_value());
    EXPECT_TRUE(maybe(data(1, {4, 2})).second.has_value());
    EXPECT_TRUE(jit([](const Tensor&) { return Tensor(); })(data(1, {4})).is_empty()) << "as it is lazily";
    const auto keys =
        jit([](const Tensor& x) { return std::map<std::string, Tensor>{{x.rank() == 1 ? "vector" : "matrix", x}}; });
    EXPECT_TRUE(keys(data(1, {4})).contains("vector"));
    EXPECT_TRUE(keys(data(1, {4, 2})).contains("matrix"));
    EXPECT_TRUE(keys(data(1, {4})).contains("vector"));
}

TEST(Structure, a_call_that_throws_spoils_nothing) {
    int calls = 0;
    const auto f = jit([&](const std::vector<Tensor>& v) {
        if (++calls == 1) throw std::runtime_error("not yet");
        return std::vector<Tensor>{v.at(0) + 1.0, v.at(0) + 2.0};
    });
    const std::vector<Tensor> x{data(1, {3})};
    EXPECT_THROW(f(x), std::runtime_error);
    EXPECT_EQ(f(x).size(), 2U);
    EXPECT_THROW(f(std::vector<Tensor>{}), std::out_of_range);
    expect_equal(f(x)[1], x[0] + 2.0);
    const auto mismatch = jit([](const Tensor& a, const Tensor& b) { return a + b; });
    EXPECT_THROW(mismatch(data(1, {3}), data(1, {4})), TypeError);
    expect_equal(mismatch(data(1, {4}), data(2, {4})), data(1, {4}) + data(2, {4}));
}

TEST(Structure, threads_with_several_structures) {
    const auto f = jit([](const std::vector<Tensor>& v) {
        Tensor total = v[0];
        for (std::size_t i = 1; i < v.size(); ++i) total = total + v[i];
        return std::vector<Tensor>(v.size(), total);
    });
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 20; ++i) {
                const std::size_t n = 1 + (t + i) % 4;
                const std::vector<Tensor> out = f(std::vector<Tensor>(n, Tensor::from({1.0F, 2.0F})));
                EXPECT_EQ(out.size(), n);
                EXPECT_EQ(out.back().to_vector<float>(), (std::vector{1.0F * float(n), 2.0F * float(n)}));
            }
        });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(f.statistics().traces, 4U);
}

// ---- random numbers

TEST(RandomNumbers, go_on_at_every_call_of_a_compiled_function) {
    nn::Generator lazy(5), jitted(5);
    const auto mask = [](nn::Generator& random, const Tensor& x) {
        return where(random_uniform(random.next_key(), x.type().shape) < 0.5, x, 0.0);
    };
    const Tensor x = data(1, {4, 50});
    const auto compiled = jit([&](const Tensor& y) { return mask(jitted, y); });
    std::vector<Array> seen;
    for (int i = 0; i < 4; ++i) {
        seen.push_back(compiled(x).to_array());
        EXPECT_EQ(seen.back(), mask(lazy, x).to_array()) << "the same numbers as lazily";
        for (int j = 0; j < i; ++j) EXPECT_NE(seen[static_cast<std::size_t>(j)], seen.back());
    }
    EXPECT_EQ(compiled.statistics().traces, 1U);
    EXPECT_EQ(jitted.next_key().item<std::uint64_t>(), lazy.next_key().item<std::uint64_t>());
}

TEST(RandomNumbers, keys_are_arguments) {
    const auto f = jit([](const Tensor& key) { return std::pair(random_uniform(key, {3}), random_normal(key, {3})); });
    for (const std::uint64_t key : {std::uint64_t{1}, std::uint64_t{2}, ~std::uint64_t{0}}) {
        const auto [u, n] = f(Tensor::scalar(key));
        expect_equal(u, random_uniform(key, {3}));
        expect_equal(n, random_normal(key, {3}));
    }
    EXPECT_THROW(random_uniform(Tensor::scalar(1), {3}), TypeError);
    EXPECT_THROW(random_uniform(Tensor::from({std::uint64_t{1}}), {3}), TypeError);
}

TEST(RandomNumbers, copies_of_a_generator_share_it) {
    nn::Generator a(1), b = a;
    const auto first = a.next_key().item<std::uint64_t>(), second = b.next_key().item<std::uint64_t>();
    EXPECT_NE(first, second);
    EXPECT_EQ(first, nn::Generator(1).next_key().item<std::uint64_t>());
    EXPECT_EQ(first, 0x910a2dec89025cc1ULL);  // splitmix64 of 1
}

// ---- functions within functions

TEST(Nested, models_and_compiled_functions_are_differentiated) {
    const Tensor w = variable(data(1, {3, 2}), "w");
    const auto f = [&](const Tensor& x) { return tanh(matmul(x, w)); };
    const Model model = trace(f, {{"x", Dtype::f32, {"batch", 3}}});
    const CompiledModel compiled_model = model.compile();
    const auto compiled = jit(f);
    const Tensor x = data(2, {5, 3});
    const auto loss_of = [](const auto& g) { return [&g](const Tensor& y) { return sum(g(y) * g(y)); }; };
    const Tensor expected = grad(loss_of(f))(x);
    expect_equal(grad(loss_of(model))(x), expected);
    expect_equal(grad(loss_of(compiled))(x), expected);
    expect_equal(grad([&](const Tensor& y) { return sum(compiled_model(std::span(&y, 1))[0] * f(y)); })(x), expected);
    expect_equal(jit(grad(loss_of(model)))(x), expected);
    expect_equal(jit(grad(loss_of(compiled)))(x), expected);
    expect_equal(grad(jit(loss_of(f)))(x), expected);
    const auto second = [&](const auto& g) {
        return grad([&](const Tensor& y) { return sum(grad(loss_of(g))(y) * y); })(x);
    };
    expect_equal(second(model), second(f));
    expect_equal(second(compiled), second(f));
    const Model nested = trace([&](const Tensor& y) { return model(y) * 2.0; }, {{"y", Dtype::f32, {"n", 3}}});
    expect_equal(nested(x), f(x) * 2.0);
    // A function that captures what is being differentiated.
    const auto captures = [&](const auto& wrap) {
        return grad([&](const Tensor& y) { return sum(wrap([&](const Tensor& z) { return z * y; })(x)); })(x);
    };
    expect_equal(captures([](const auto& g) { return jit(g); }), captures([](const auto& g) { return g; }));
}

TEST(Nested, backward_goes_through_compiled_functions_and_models) {
    const Tensor x = data(2, {5, 3}), y = data(3, {5, 2});
    const auto gradients = [&](const auto& wrap) {
        const Tensor w = variable(data(1, {3, 2}), "w"), b = variable(data(4, {2}), "b");
        const auto forward = wrap([&](const Tensor& z) { return tanh(matmul(z, w) + b); });
        mean_squared_error(forward(x) * b, y).backward();
        return std::pair(w.grad().to_array(), b.grad().to_array());
    };
    const auto plain = [](const auto& f) { return f; };
    EXPECT_EQ(gradients([](const auto& f) { return jit(f); }), gradients(plain));
    // By a variable that is an argument; by a value computed from one.
    const Model model = trace([](const Tensor& z) { return tanh(z) * z; }, {{"z", Dtype::f32, {"n"}}});
    const auto by_argument = [&](const auto& f) {
        const Tensor v = variable(data(1, {4}), "v");
        sum(f(v) + f(v * 2.0)).backward();
        return v.grad().to_array();
    };
    const auto own = [](const Tensor& z) { return tanh(z) * z; };
    EXPECT_EQ(by_argument(model), by_argument(own));
    EXPECT_EQ(by_argument(jit(own)), by_argument(own));
    // A long chain of calls goes without recursion.
    const Tensor v = variable(data(1, {4}), "v");
    const auto cell = jit([](const Tensor& z) { return z * 0.999; });
    Tensor z = v;
    for (int i = 0; i < 100'000; ++i) z = cell(z);
    z = Tensor();
}

TEST(Nested, shapes_that_do_not_fit_a_model_name_it) {
    const Model model = trace([](const Tensor& x) { return x * 2.0; }, {{"x", Dtype::f32, {"n", 3}}}, {.name = "net"});
    const auto expect = [&](const auto& act, const std::string& what) {
        try {
            act();
            FAIL() << what;
        } catch (const TypeError& e) {
            EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
            EXPECT_NE(std::string(e.what()).find("tracing_test.cpp"), std::string::npos) << e.what();
        }
    };
    const auto f = [&](const Tensor& x) { return sum(model(x)); };
    expect([&] { grad(f)(data(1, {2, 4})); }, "net: input 'x' is f32[n, 3], not f32[2, 4]");
    expect([&] { jit(f)(data(1, {2, 4})); }, "net: input 'x' has another extent: 4 is not 3");
    expect([&] { grad(f)(data(1, {2})); }, "net: input 'x' is f32[n, 3], not f32[2]");
}

TEST(Nested, stop_gradient_keeps_no_history) {
    const Tensor w = variable(data(1, {64}), "w");
    Tensor total = Tensor::scalar(0.0F);
    for (int i = 0; i < 10; ++i) total = total + stop_gradient(sum(w * w));
    EXPECT_FALSE(total.node()->keeps_history);
    EXPECT_THROW(total.backward(), UserError);
    const auto f = [](const Tensor& x) { return sum(x * stop_gradient(x)); };
    const Tensor x = data(2, {5});
    expect_equal(grad(f)(x), x);
    expect_equal(jit(grad(f))(x), x);
    expect_equal(stop_gradient(x), x);
    // Labels and masks have no derivatives, either.
    EXPECT_FALSE(argmax(w * 2.0).node()->keeps_history);
    EXPECT_FALSE((w > 0.0).node()->keeps_history);
}

// ---- values of variables

TEST(Variables, functions_that_change_nothing_give_the_value_of_the_time) {
    struct Case {
        const char* name;
        Tensor (*apply)(const Tensor&);
        std::vector<std::int64_t> shape;
    };
    const Case cases[] = {
        {"reshape", [](const Tensor& v) { return v.reshape(v.shape()); }, {2, 3}},
        {"reshape function", [](const Tensor& v) { return reshape(v, v.type().shape); }, {2, 3}},
        {"convert", [](const Tensor& v) { return convert(v, Dtype::f32); }, {2, 3}},
        {"broadcast_to", [](const Tensor& v) { return broadcast_to(v, v.type().shape); }, {2, 3}},
        {"transpose", [](const Tensor& v) { return transpose(v, {0, 1}); }, {2, 3}},
        {"sum", [](const Tensor& v) { return sum(v); }, {}},
        {"max", [](const Tensor& v) { return max(v); }, {}},
        {"min", [](const Tensor& v) { return min(v); }, {}},
        {"mean", [](const Tensor& v) { return mean(v); }, {}},
        {"stop_gradient", [](const Tensor& v) { return stop_gradient(v); }, {2, 3}},
        {"concat", [](const Tensor& v) { return concat(std::span(&v, 1), 0); }, {2, 3}},
        {"slice", [](const Tensor& v) { return slice(v, {0, 0}, v.type().shape); }, {2, 3}},
        {"empty sequence", [](const Tensor& v) { return nn::Sequential()(v); }, {2, 3}},
        {"compiled identity", [](const Tensor& v) { return jit([](const Tensor& x) { return x; })(v); }, {2, 3}},
        {"compiled capture", [](const Tensor& v) { return jit([&] { return v; })(); }, {2, 3}},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        const Tensor first = data(1, c.shape), second = data(2, c.shape);
        const auto check = [&](const auto& wrap) {
            const Tensor v = variable(first, "v");
            const auto [before, after] = wrap([&] {
                const Tensor snapshot = c.apply(v);
                EXPECT_FALSE(snapshot.is_variable());
                v.set(second);
                return std::pair(snapshot + 0.0, c.apply(v) + 0.0);
            })();
            expect_equal(before, first);
            expect_equal(after, second);
            expect_equal(v, second);
        };
        check([](const auto& f) { return f; });
        check([](const auto& f) { return jit(f); });
    }
}

TEST(Variables, that_a_function_makes_begin_anew_at_every_call) {
    const auto f = [](const Tensor& x) {
        const Tensor v = variable(x * 2.0, "v");
        v.set(v + x);
        sum(v * v).backward();  // by what it was set to
        return std::pair(v * 1.0, v.grad());
    };
    const auto compiled = jit(f);
    for (std::uint64_t i = 0; i < 3; ++i) {
        expect_equal(compiled(data(i, {4})).first, f(data(i, {4})).first);
        expect_equal(compiled(data(i, {4})).second, f(data(i, {4})).second);
    }
    Tensor leaked;
    jit([&](const Tensor& x) { return leaked = variable(x), x; })(data(1, {4}));
    EXPECT_THROW(leaked.item<float>(), UserError);
    EXPECT_THROW(leaked + 1.0, UserError);
    EXPECT_THROW(jit([&](const Tensor& x) { return x + leaked; })(data(1, {4})), UserError);
    EXPECT_THROW(leaked.set(data(1, {4})), UserError);
}

TEST(Variables, derivatives_are_by_what_was_set) {
    const auto run = [](const auto& wrap) {
        const Tensor v = variable(data(1, {4}), "v"), w = variable(data(2, {4}), "w");
        const auto f = wrap([&](const Tensor& x) {
            v.set(v * w);
            sum(v * v * x).backward();
            Tensor by_v = v.grad();
            EXPECT_TRUE(w.grad().is_empty());
            v.zero_grad();
            v.set(v - by_v);
            return by_v + 0.0;
        });
        std::vector<Array> out;
        for (std::uint64_t i = 0; i < 3; ++i) out.push_back(f(data(i, {4})).to_array());
        out.push_back(v.to_array());
        return out;
    };
    EXPECT_EQ(run([](const auto& f) { return jit(f); }), run([](const auto& f) { return f; }));
}

struct Network {
    Tensor weight, bias;
    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(weight), visit(bias);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(weight), visit(bias);
    }
};

TEST(Variables, are_arguments_that_are_set_and_differentiated_by) {
    const auto body = [](const Network& n, const Tensor& x) {
        const Tensor loss = sum(tanh(matmul(x, n.weight) + n.bias));
        loss.backward();
        for (const Tensor* p : {&n.weight, &n.bias}) {
            p->set(*p - p->grad() * 0.1);
            p->zero_grad();
        }
        return loss + sum(n.bias);
    };
    const auto run = [&](const auto& f) {
        std::vector<Array> out;
        const Network a{variable(data(1, {3, 2})), variable(data(2, {2}))};
        const Network b{variable(data(3, {5, 4})), variable(data(4, {4}))};
        for (std::uint64_t i = 0; i < 3; ++i) {
            out.push_back(f(a, data(i, {6, 3})).to_array());
            out.push_back(f(b, data(i, {6, 5})).to_array());
        }
        for (const Network* n : {&a, &b}) {
            out.push_back(n->weight.to_array());
            out.push_back(n->bias.to_array());
        }
        return out;
    };
    const auto compiled = jit(body);
    EXPECT_EQ(run(compiled), run(body));
    EXPECT_EQ(compiled.statistics().traces, 1U);
    // One variable twice, and a swap of arguments.
    const auto twice = [](const Tensor& a, const Tensor& b) {
        a.set(a * 2.0);
        b.set(b + 1.0);
        return a * b;
    };
    const auto swap = [](const Tensor& a, const Tensor& b) {
        const Tensor old = a + 0.0;
        a.set(b);
        b.set(old);
        return a + 0.0;
    };
    const auto both = [&](const auto& f, const auto& g) {
        const Tensor v = variable(data(1, {4})), w = variable(data(2, {4}));
        std::vector<Array> out{f(v, v).to_array(), f(v, w).to_array(), g(v, w).to_array(), v.to_array(), w.to_array()};
        return out;
    };
    EXPECT_EQ(both(jit(twice), jit(swap)), both(twice, swap));
    const auto increment = jit([](const Tensor& a) { return a.set(a + 1.0), a * 1.0; });
    EXPECT_THROW(increment(data(1, {4})), UserError) << "a value cannot be set";
    increment(variable(data(1, {4})));
}

TEST(Variables, two_are_swapped_in_a_compiled_function) {
    const auto swap = [](const Tensor& a, const Tensor& b) {
        const Tensor old = a.reshape(a.shape());
        a.set(b);
        b.set(old);
    };
    const Tensor a = variable(data(1, {300}), "a"), b = variable(data(2, {300}), "b");
    const auto compiled = jit([&] { return swap(a, b), Tensor::scalar(0.0F) + 0.0; });
    for (int i = 0; i < 3; ++i) {
        compiled();
        expect_equal(a, data(i % 2 == 0 ? 2 : 1, {300}));
        expect_equal(b, data(i % 2 == 0 ? 1 : 2, {300}));
    }
    swap(a, b);
    expect_equal(a, data(1, {300}));
    // Three in a ring, and a value that is also a result.
    const Tensor c = variable(data(3, {300}), "c");
    const auto ring = jit([&] {
        const Tensor x = a + 0.0, y = b + 0.0, z = c + 0.0;
        a.set(y), b.set(z), c.set(x);
        return a;
    });
    expect_equal(ring(), data(2, {300}));
    expect_equal(a, data(2, {300}));
    expect_equal(b, data(3, {300}));
    expect_equal(c, data(1, {300}));
}

}  // namespace
}  // namespace lathe
