// Training and models: the same bits however they are computed, one program a step, symbolic batches, files.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "frontend/tensor/node.h"
#include "lathe.h"
#include "runtime/buffer.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"
#include "tests/targets.h"

namespace lathe {
namespace {

constexpr std::int64_t features = 20, hidden = 70, classes = 10;

nn::Sequential make_network(std::uint64_t seed) {
    nn::Generator random(seed);
    return nn::Sequential(nn::Linear(features, hidden, random), nn::ReLU(), nn::Linear(hidden, hidden, random),
                          nn::GELU(), nn::Linear(hidden, classes, random));
}

struct Batch {
    Tensor x, y;
};
Batch random_batch(std::uint64_t key, std::int64_t count) {
    return {random_uniform(key, {count, features}, -1, 1).eval(),
            convert(random_uniform(key + 1, {count}, 0, classes), Dtype::i32).eval()};
}

enum class How : std::uint8_t { jitted, lazy };

// The weights after some steps, one after the other.
std::vector<Array> train(int steps, How how, const CompileOptions& options = {}, std::uint64_t seed = 1) {
    const nn::Sequential network = make_network(seed);
    optim::Adam optimizer(network.parameters(), {.learning_rate = 1e-2});
    const auto body = [&](const Tensor& x, const Tensor& y) {
        Tensor loss = cross_entropy(network(x), y);
        loss.backward();
        optimizer.step();
        return loss;
    };
    const auto step = jit(body, {.compile = options});
    for (int i = 0; i < steps; ++i) {
        const Batch b = random_batch(static_cast<std::uint64_t>(i % 7) * 10, 16);
        (how == How::jitted ? step(b.x, b.y) : body(b.x, b.y)).eval();
    }
    std::vector<Array> weights;
    for (const Tensor& p : network.parameters()) weights.push_back(p.to_array());
    return weights;
}

CompileOptions with_target(std::string name) { return {.target = std::move(name)}; }
CompileOptions without(std::string pass) { return {.off = {std::move(pass)}}; }

TEST(Training, weights_are_the_same_bits_in_every_configuration) {
    constexpr int steps = 200;
    const std::vector<Array> expected = train(steps, How::jitted);
    EXPECT_EQ(train(steps, How::lazy), expected) << "lazy";
    {
        const runtime::ThreadLimit one(1);
        EXPECT_EQ(train(steps, How::jitted), expected) << "one thread";
    }
    if (testing_support::runs_here(codegen::target_named("avx512"))) {
        EXPECT_EQ(train(steps, How::jitted, with_target("avx512")), expected) << "avx512";
    }
    EXPECT_EQ(train(steps, How::jitted, with_target("avx2")), expected) << "avx2";
    for (const passes::Pass& pass : passes::pipeline)
        if (pass.optional) {
            EXPECT_EQ(train(steps, How::jitted, without(std::string(pass.name))), expected) << "without " << pass.name;
        }
}

TEST(Training, the_loss_falls) {
    const nn::Sequential network = make_network(3);
    optim::AdamW optimizer(network.parameters(), {.learning_rate = 1e-2, .weight_decay = 1e-3});
    const auto step = jit([&](const Tensor& x, const Tensor& y) {
        Tensor loss = cross_entropy(network(x), y);
        loss.backward();
        optimizer.step();
        return loss;
    });
    const Batch b = random_batch(5, 64);
    const float first = step(b.x, b.y).item<float>();
    float last = first;
    for (int i = 0; i < 100; ++i) last = step(b.x, b.y).item<float>();
    EXPECT_LT(last, first / 10);
    EXPECT_EQ(step.statistics().traces, 1U);
}

TEST(Training, memory_goes_with_the_last_handle) {
    const Tensor x = random_uniform(2, {1024}).eval();
    const auto eager = [&](bool step) {
        const Tensor w = variable(random_uniform(1, {64, 1024}));
        const Tensor v = variable(random_uniform(1, {64, 1024}));
        optim::Adam optimizer({w, v});
        for (int i = 0; i < 2; ++i) {
            sum(w * x * v).backward();
            w.grad().eval();
            if (step) optimizer.step();
        }
    };
    const auto compiled = [&](bool step) {
        const Tensor w = variable(random_uniform(1, {64, 1024}));
        optim::AdamW optimizer({w});
        const auto f = jit([&](const Tensor& y) {
            const Tensor loss = sum(w * y);
            loss.backward();
            if (step) optimizer.step();
            return loss;
        });
        for (int i = 0; i < 2; ++i) f(x);
    };
    // Derivatives of what is gone are nobody's.
    const auto late = [&](bool whole) {
        Tensor w = variable(random_uniform(1, {64, 1024})), v = variable(random_uniform(1, {64, 1024}));
        const Tensor loss = sum(w * v * x);
        w = Tensor();
        if (whole) v = Tensor();
        loss.backward();
        if (!whole) {
            EXPECT_EQ(v.grad().shape(), v.shape());
        }
    };
    const auto expect_nothing_kept = [](const auto& act, bool argument) {
        act(argument);
        const std::uint64_t before = runtime::memory_use().in_use;
        act(argument);
        EXPECT_LT(runtime::memory_use().in_use, before + (64 << 10));  // less than any of these variables
    };
    for (const bool argument : {false, true}) {
        expect_nothing_kept(eager, argument);
        expect_nothing_kept(compiled, argument);
        expect_nothing_kept(late, argument);
    }
}

TEST(Training, a_compiled_step_needs_derivatives_of_its_own) {
    const Tensor w = variable(Tensor::from({1.0F, 2.0F}));
    optim::Sgd optimizer({w});
    sum(w * w).backward();
    const auto step = jit([&](const Tensor& x) {
        optimizer.step();
        return x;
    });
    EXPECT_THROW(step(Tensor::from({1.0F})), UserError);
    EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{2, 4}));
    EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST(Training, a_step_reuses_the_memory_of_the_parameters) {
    const Tensor w = variable(random_uniform(1, {64, 64}));
    const auto step = jit([&](const Tensor& x) {
        w.set(w * 0.5 + x);
        return sum(x);
    });
    const Tensor x = random_uniform(2, {64, 64});
    step(x);
    const void* before = detail::resolve(w.node())->elements();
    step(x);
    EXPECT_EQ(detail::resolve(w.node())->elements(), before);
    const Tensor held = w + 0.0;  // somebody who still needs the old value
    const std::vector<float> old = Tensor(detail::resolve(w.node())).to_vector<float>();
    const Tensor kept(detail::resolve(w.node()));
    step(x);
    EXPECT_EQ(kept.to_vector<float>(), old);
    EXPECT_EQ(held.to_vector<float>(), old);
}

TEST(Training, a_step_needs_no_memory_for_its_new_state) {
    const nn::Sequential network = make_network(2);
    optim::Adam optimizer(network.parameters(), {});
    const auto step = jit([&](const Tensor& x, const Tensor& y) {
        Tensor loss = cross_entropy(network(x), y);
        loss.backward();
        optimizer.step();
        return loss;
    });
    const Batch b = random_batch(1, 16);
    step(b.x, b.y);
    const runtime::Plan& plan = step.statistics().executable->plan;
    EXPECT_EQ(plan.donations.size(), plan.outputs.size() - 1) << "all but the loss take over what they replace";
}

TEST(Training, eight_threads_train_eight_models_to_the_same_bits) {
    std::vector<std::vector<Array>> expected(8);
    std::vector<std::vector<Array>> together(8);
    for (std::size_t i = 0; i < 8; ++i) expected[i] = train(10, How::jitted, {}, i + 1);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 8; ++i)
        threads.emplace_back([&, i] { together[i] = train(10, i % 2 == 0 ? How::jitted : How::lazy, {}, i + 1); });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(together, expected);
}

TEST(Jit, traces_again_for_another_rank_but_not_for_another_extent) {
    const auto f = jit([](const Tensor& x) { return sum(x * x); });
    EXPECT_EQ(f(Tensor::from({1.0F, 2.0F})).item<float>(), 5);
    EXPECT_EQ(f(Tensor::from({1.0F, 2.0F, 3.0F})).item<float>(), 14);
    EXPECT_EQ(f.statistics().traces, 1U);
    EXPECT_EQ(f(ones({2, 3})).item<float>(), 6);
    EXPECT_EQ(f.statistics().traces, 2U);
}

TEST(Jit, an_extent_read_as_a_number_is_pinned) {
    const auto f = jit([](const Tensor& x) { return sum(x) * static_cast<double>(x.extent(0)); });
    EXPECT_EQ(f(ones({3})).item<float>(), 9);
    EXPECT_EQ(f(ones({4})).item<float>(), 16);
    EXPECT_EQ(f(ones({3})).item<float>(), 9);
    EXPECT_EQ(f.statistics().traces, 2U);
}

TEST(Jit, variants_for_pinned_extents_are_bounded) {
    const auto f = jit([](const Tensor& x) { return sum(x) * static_cast<double>(x.extent(0)); });
    const auto expected = [](std::int64_t n) { return static_cast<float>(n * n); };
    for (std::int64_t n = 2; n < 82; ++n) EXPECT_EQ(f(ones({n})).item<float>(), expected(n));
    EXPECT_EQ(f.statistics().traces, 80U);
    EXPECT_EQ(f(ones({81})).item<float>(), expected(81)) << "the last ones are kept";
    EXPECT_EQ(f.statistics().traces, 80U);
    EXPECT_EQ(f(ones({2})).item<float>(), expected(2)) << "the first ones are not";
    EXPECT_EQ(f.statistics().traces, 81U);
}

TEST(Jit, asking_for_a_value_while_tracing_throws) {
    const auto f = jit([](const Tensor& x) { return x * static_cast<double>(sum(x).item<float>()); });
    EXPECT_THROW(f(ones({3})), UserError);
}

TEST(Jit, shapes_that_do_not_fit_are_blamed_on_the_line_that_needed_them) {
    const auto f = jit([](const Tensor& a, const Tensor& b) { return a + b; });
    EXPECT_EQ(f(ones({3}), ones({3})).to_vector<float>(), (std::vector<float>{2, 2, 2}));
    const std::uint32_t line = std::source_location::current().line() - 2;
    const auto expect_blame = [](const auto& call, const std::string& start) {
        try {
            call();
            FAIL() << "nothing was thrown";
        } catch (const TypeError& e) {
            EXPECT_NE(std::string(e.what()).find(start), std::string::npos) << e.what();
        }
    };
    expect_blame([&] { f(ones({3}), ones({4})); },
                 "training_test.cpp:" + std::to_string(line) + ": add: the shapes do not broadcast: 3 is not 4");
    const Tensor captured = ones({3});
    const std::uint32_t here = std::source_location::current().line() + 1;
    const auto g = jit([&](const Tensor& a) { return a * captured; });
    expect_blame([&] { g(ones({4})); }, "training_test.cpp:" + std::to_string(here) + ": mul: ");
    EXPECT_EQ(g(ones({3})).size(), 3);
    EXPECT_EQ(f(ones({5}), ones({5})).size(), 5);
}

TEST(Jit, functions_take_and_return_trees) {
    using Pair = std::pair<Tensor, std::vector<Tensor>>;
    const auto f = jit([](const Pair& p) { return std::tuple(p.first + p.second[0], p.second); });
    const auto [sum_of_two, rest] = f(Pair{ones({2}), {ones({2}), zeros({3})}});
    EXPECT_EQ(sum_of_two.to_vector<float>(), (std::vector<float>{2, 2}));
    EXPECT_EQ(rest[1].to_vector<float>(), (std::vector<float>{0, 0, 0}));
}

TEST(Optimiser, adam_corrects_its_bias_in_full_precision) {
    // One step moves every weight by the rate, whatever its gradient: 1 - beta2 of f32 would be off by 1e-5 of that.
    const Tensor w = variable(Tensor::from({1.0, -2.0}));
    optim::Adam adam({w}, {.learning_rate = 0.1, .epsilon = 0});
    sum(w * w * w).backward();
    adam.step();
    EXPECT_NEAR(w.to_vector<double>()[0], 0.9, 1e-14);
    EXPECT_NEAR(w.to_vector<double>()[1], -2.1, 1e-14);
}

TEST(Trace, names_and_extents_are_checked) {
    const auto two = [](const Tensor& x) { return std::pair(x, x + 1.0); };
    const TensorSpec x{"x", Dtype::f32, {"n"}};
    EXPECT_NO_THROW(trace(two, {x}, {.outputs = {"a", "b"}}));
    EXPECT_THROW(trace(two, {x}, {.outputs = {"a"}}), UserError);
    EXPECT_THROW(trace(two, {x}, {.outputs = {"a", "a"}}), UserError);
    EXPECT_THROW(trace(two, {{"x", Dtype::f32, {-1}}}), UserError);
    EXPECT_THROW(trace(two, {{"x", Dtype::f32, {1, 1, 1, 1, 1, 1, 1, 1, 1}}}), UserError);
}

TEST(Grad, of_functions_of_trees_and_of_gradients) {
    const Tensor x = Tensor::from({0.5, -1.0, 2.0});
    const auto f = [](const Tensor& t) { return sum(t * t * t); };
    EXPECT_EQ(grad(f)(x).to_vector<double>(), (std::vector<double>{0.75, 3, 12}));
    const auto second = grad([&](const Tensor& t) { return sum(grad(f)(t)); });
    EXPECT_EQ(second(x).to_vector<double>(), (std::vector<double>{3, -6, 12}));
    EXPECT_EQ(jit(second)(x).to_vector<double>(), (std::vector<double>{3, -6, 12}));
    const auto [value, gradient] = value_and_grad(f)(x);
    EXPECT_EQ(value.item<double>(), 7.125);
    EXPECT_THROW(grad([](const Tensor& t) { return t; })(x), TypeError);
}

class ModelFile : public testing::Test {
protected:
    ModelFile()
        : network_(make_network(9)),
          model_(trace([&](const Tensor& x) { return network_(x); }, {{"x", Dtype::f32, {"batch", features}}},
                       {.name = "net", .weights = network_.named_parameters()})) {
        folder_ = std::filesystem::temp_directory_path() / ("lathe-model-" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_);
        path_ = folder_ / "net.lathe";
    }
    ~ModelFile() override { std::filesystem::remove_all(folder_); }

    std::string bytes() const {
        std::ifstream in(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void overwrite(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

    nn::Sequential network_;
    Model model_;
    std::filesystem::path folder_;
    std::string path_;
};

TEST_F(ModelFile, keeps_every_bit) {
    model_.save(path_);
    const Model loaded = Model::load(path_);
    const Tensor x = random_batch(4, 11).x;
    EXPECT_EQ(loaded(x).to_array(), model_(x).to_array());
    EXPECT_EQ(loaded(x).to_array(), network_(x).to_array());
    EXPECT_EQ(loaded.graph().parameter_name(1), "0.weight");
    loaded.save(path_ + "2");
    std::ifstream again(path_ + "2", std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(again), {}), bytes());
}

TEST_F(ModelFile, carries_the_numerics_version) {
    model_.save(path_);
    std::uint32_t numerics = 0;
    std::memcpy(&numerics, bytes().data() + 12, sizeof numerics);
    EXPECT_EQ(numerics, 2U);
}

TEST_F(ModelFile, damage_is_refused) {
    model_.save(path_);
    const std::string good = bytes();
    EXPECT_THROW(Model::load(path_ + ".none"), FormatError);
    overwrite("");
    EXPECT_THROW(Model::load(path_), FormatError);
    for (std::size_t size : {std::size_t{7}, std::size_t{39}, good.size() / 2, good.size() - 1}) {
        overwrite(good.substr(0, size));
        EXPECT_THROW(Model::load(path_), FormatError) << size;
    }
    for (std::size_t at = 0; at < good.size(); at += at < 600 ? 1 : 997) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        overwrite(bad);
        EXPECT_THROW(Model::load(path_), FormatError) << at;
    }
}

TEST_F(ModelFile, any_batch_runs_on_the_same_kernels_and_gives_the_same_rows) {
    const Tensor all = random_batch(8, 397).x;
    const std::vector<float> expected = model_(all).to_vector<float>();
    const std::uint64_t compiled = codegen::KernelCache::shared().compiled();
    const std::vector<float> rows = all.to_vector<float>();
    for (std::int64_t n = 1; n <= 64; ++n) {
        const Tensor part = Tensor::from(std::span(rows).first(static_cast<std::size_t>(n * features)), {n, features});
        const std::vector<float> got = model_(part).to_vector<float>();
        EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << n;
    }
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
    for (std::size_t r = 0; r < 397; ++r) {
        const Tensor row = Tensor::from(std::span(rows).subspan(r * features, features), {1, features});
        const std::vector<float> got = model_(row).to_vector<float>();
        EXPECT_EQ(std::memcmp(got.data(), expected.data() + r * classes, classes * sizeof(float)), 0) << r;
    }
    EXPECT_THROW(model_(ones({3, features + 1})), TypeError);
}

TEST_F(ModelFile, targets_give_the_same_bits) {
    const Tensor x = random_batch(8, 33).x;
    const Array expected = model_(x).to_array();
    for (const char* name : {"avx2", "avx512"}) {
        if (!testing_support::runs_here(codegen::target_named(name))) continue;
        const CompiledModel compiled = model_.compile(with_target(name));
        EXPECT_EQ(compiled(std::span(&x, 1))[0].to_array(), expected) << name;
    }
}

}  // namespace
}  // namespace lathe
