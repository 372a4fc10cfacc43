// Tensors as users see them: recording, evaluation, errors, printing, threads.
#include <atomic>
#include <cmath>
#include <source_location>
#include <sys/resource.h>
#include <thread>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "frontend/tensor/node.h"
#include "lathe.h"
#include "runtime/buffer.h"

namespace lathe {
namespace {

using Floats = std::vector<float>;

TEST(Tensor, arithmetic_is_lazy_and_right) {
    const Tensor a = Tensor::from({1.0F, 2.0F, 3.0F});
    const Tensor b = Tensor::from({10.0F, 20.0F, 30.0F});
    const Tensor c = a + b * 2.0;
    EXPECT_FALSE(c.node()->is_ready());
    EXPECT_EQ(c.to_vector<float>(), (Floats{21, 42, 63}));
    EXPECT_TRUE(c.node()->is_ready());
    EXPECT_EQ((1 - a).to_vector<float>(), (Floats{0, -1, -2}));
    EXPECT_EQ((a < 2.5).to_vector<bool>(), (std::vector<bool>{true, true, false}));
    EXPECT_EQ(sum(a).item<float>(), 6);
}

TEST(Tensor, shapes_broadcast_as_in_numpy) {
    const Tensor rows = Tensor::from({1.0F, 2.0F}).reshape({2, 1});
    const Tensor columns = Tensor::from({10.0F, 20.0F, 30.0F});
    EXPECT_EQ((rows + columns).to_vector<float>(), (Floats{11, 21, 31, 12, 22, 32}));
    EXPECT_EQ((rows + columns).shape(), (std::vector<std::int64_t>{2, 3}));
}

TEST(Tensor, a_mistake_is_blamed_on_the_callers_line) {
    const Tensor a = zeros({2, 3});
    const Tensor b = zeros({4});
    const std::uint32_t line = std::source_location::current().line() + 2;
    try {
        const Tensor c = a + b;
        FAIL() << "nothing was thrown";
    } catch (const TypeError& e) {
        const std::string message = e.what();
        EXPECT_NE(message.find("tensor_test.cpp:" + std::to_string(line)), std::string::npos) << message;
        EXPECT_NE(message.find("add"), std::string::npos) << message;
        EXPECT_NE(message.find("f32[2, 3]"), std::string::npos) << message;
        EXPECT_NE(message.find("f32[4]"), std::string::npos) << message;
    }
    EXPECT_THROW(Tensor::from({1, 2}) + Tensor::from({1.0F, 2.0F}), TypeError);
    EXPECT_THROW(Tensor() + a, UserError);
}

TEST(Tensor, an_index_out_of_range_names_the_line_that_asked) {
    const Tensor x = Tensor::from({1.0F, 2.0F, 3.0F});
    const Tensor indices = Tensor::from({0, 3});
    const auto expect_blame = [](const Tensor& y, std::uint32_t line) {
        try {
            y.eval();
            FAIL() << "nothing was thrown";
        } catch (const IndexError& e) {
            const std::string message = e.what();
            EXPECT_NE(message.find("tensor_test.cpp:" + std::to_string(line)), std::string::npos) << message;
            EXPECT_NE(message.find("gather: index 3 at position 1 is out of range for 3"), std::string::npos)
                << message;
        }
    };
    const std::uint32_t line = std::source_location::current().line() + 1;
    const Tensor y = gather(x, indices, 0) * 2.0;
    expect_blame(y, line);
    expect_blame(gather(x, indices, 0) * 2.0, std::source_location::current().line());  // equal work, another line
    EXPECT_EQ(gather(x, Tensor::from({2, 0}), 0).to_vector<float>(), (Floats{3, 1}));
}

TEST(Tensor, indices_along_an_empty_axis_are_refused) {
    const Tensor nothing = zeros({0, 2}), none = zeros({0}, Dtype::i32), some = Tensor::from({0, 0});
    EXPECT_EQ(gather(nothing, none, 0).shape(), (std::vector<std::int64_t>{0, 2}));
    EXPECT_THROW(gather(nothing, some, 0), TypeError);
    EXPECT_THROW(scatter_add(nothing, some, zeros({2, 2}), 0), TypeError);
    const std::uint32_t line = std::source_location::current().line() + 1;
    const auto f = jit([](const Tensor& x, const Tensor& i) { return gather(x, i, 0) * 2.0; });
    const auto g = jit([](const Tensor& x, const Tensor& i) { return scatter_add(x, i, gather(x, i, 0), 0); });
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(f(zeros({3, 2}), some).shape(), (std::vector<std::int64_t>{2, 2}));
        EXPECT_EQ(g(zeros({3, 2}), some).shape(), (std::vector<std::int64_t>{3, 2}));
        EXPECT_EQ(f(nothing, none).shape(), (std::vector<std::int64_t>{0, 2}));
        EXPECT_THROW(g(nothing, some), TypeError);
        try {
            f(nothing, some);
            FAIL() << "nothing was thrown";
        } catch (const TypeError& e) {
            const std::string message = e.what();
            EXPECT_NE(message.find("tensor_test.cpp:" + std::to_string(line)), std::string::npos) << message;
            EXPECT_NE(message.find("gather: there are indices"), std::string::npos) << message;
        }
    }
}

TEST(Tensor, prints_as_numpy_does) {
    EXPECT_EQ(Tensor::from({1.0F, 2.5F, -3.0F}).to_string(), "[ 1.   2.5 -3. ]");
    EXPECT_EQ(Tensor::from({1.0F, 2.0F}).to_string(), "[1. 2.]");
    EXPECT_EQ(arange(6).reshape({2, 3}).to_string(), "[[0 1 2]\n [3 4 5]]");
    EXPECT_EQ(Tensor::scalar(1.5F).to_string(), "1.5");
    EXPECT_EQ(Tensor::from({true, false}).to_string(), "[ True False]");
    EXPECT_EQ(arange(2000).to_string(), "[   0    1    2 ... 1997 1998 1999]");
    EXPECT_EQ(zeros({0}).to_string(), "[]");
    EXPECT_EQ(zeros({2, 0, 3}).to_string(), "[]");
    EXPECT_EQ(Tensor::from({true, true}).to_string(), "[ True  True]");
}

TEST(Tensor, prints_floats_as_numpy_does) {
    EXPECT_EQ(Tensor::from({1e-10, 1.0}).to_string(), "[1.e-10 1.e+00]");
    EXPECT_EQ(Tensor::from({1e-10, 1.5}).to_string(), "[1.0e-10 1.5e+00]");
    EXPECT_EQ(Tensor::from({1e-300, 1.5, -1.0}).to_string(), "[ 1.0e-300  1.5e+000 -1.0e+000]");
    EXPECT_EQ(Tensor::from({0.1 + 0.2}).to_string(), "[0.3]") << "eight decimals, without the zeros they end in";
    EXPECT_EQ(Tensor::from({123.456F, 0.25F, 1.0F / 3}).to_string(), "[123.456        0.25         0.33333334]");
    EXPECT_EQ(Tensor::from({1.5, std::nan(""), -HUGE_VAL}).to_string(), "[ 1.5  nan -inf]");
    EXPECT_EQ(convert(Tensor::from({0.1F, 3.0F}), Dtype::f16).to_string(), "[0.1 3. ]");
    EXPECT_EQ(convert(Tensor::from({0.1F, 3.0F}), Dtype::bf16).to_string(), "[0.1 3. ]");
    // Lines leave room for the brackets behind them, and end without blanks.
    EXPECT_EQ((arange(16) * 100 - 900).to_string(),
              "[-900 -800 -700 -600 -500 -400 -300 -200 -100    0  100  200  300  400\n  500  600]");
    Floats halves(40, 0.5F);
    halves[0] = 0.25F;
    const std::string lines = Tensor::from(halves, {40}).to_string();
    EXPECT_EQ(lines.find(" \n"), std::string::npos) << lines;
    // Rank 0.
    for (const auto& [value, text] : {std::pair(900.0, "900.0"), {1e16, "1e+16"}, {1e-5, "1e-05"}, {0.1, "0.1"}})
        EXPECT_EQ(Tensor::scalar(value).to_string(), text);
    EXPECT_EQ(Tensor::scalar(1.0F / 3).to_string(), "0.33333334");
    EXPECT_EQ(convert(Tensor::scalar(1.0F / 3), Dtype::f16).to_string(), "0.3333");
}

// What went wrong, with the line of this file that is to blame.
template <class F>
void expect_blame(const F& f, const std::string& what, std::uint32_t line = std::source_location::current().line()) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown: " << what;
    } catch (const Error& e) {
        const std::string message = e.what();
        EXPECT_NE(message.find("tensor_test.cpp:" + std::to_string(line) + ": " + what), std::string::npos) << message;
    }
}

TEST(Tensor, numbers_have_to_fit_the_dtype_of_their_operand) {
    const auto refused = [](const auto& f) { EXPECT_THROW(f(), TypeError); };
    const Tensor bytes = arange(3, Dtype::i8), naturals = arange(3, Dtype::u64), longs = arange(3);
    expect_blame([&] { bytes + 300; }, "add: the number 300 is not one of i8");
    expect_blame([&] { longs * 0.5; }, "mul: the number 0.5 is not one of i64");
    expect_blame([&] { full({2}, 1e10, Dtype::i32); }, "full: the number 10000000000 is not one of i32");
    for (const double x : {-1.0, 0.5, 0x1p64, 1e300, -HUGE_VAL, std::nan("")}) {
        refused([&] { naturals + x; });
        refused([&] { full({2}, x, Dtype::u8); });
    }
    refused([&] { longs + 0x1p63; });
    refused([&] { longs + ~0ULL; });
    refused([&] { bytes + -129; });
    refused([&] { bytes - 128; });
    EXPECT_EQ((bytes + -128).to_vector<int>()[0], -128);
    EXPECT_EQ((longs + 2.0).to_vector<int>()[2], 4);
    EXPECT_EQ((naturals + ~0ULL).to_vector<std::uint64_t>()[0], ~0ULL);
    EXPECT_EQ((naturals + 0x1p63).to_vector<std::uint64_t>()[0], 1ULL << 63);
    EXPECT_EQ((longs + std::numeric_limits<std::int64_t>::max()).to_vector<std::int64_t>()[0],
              std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ((longs + -0x1p63).to_vector<std::int64_t>()[0], std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(full({1}, 0.5, Dtype::boolean).item<bool>(), true);
    EXPECT_EQ(Tensor::from({1, 2, 3, 4}, {2, 2}).to_string(), "[[1 2]\n [3 4]]");
}

TEST(Tensor, every_mistake_names_a_line_of_the_caller) {
    const Tensor x = ones({2, 3});
    const Tensor none;
    const std::uint32_t line_of_f = std::source_location::current().line() + 1;
    const auto f = jit([](const Tensor& a, const Tensor& b) { return a + b; });
    expect_blame([&] { none + x; }, "add: an empty tensor");
    expect_blame([&] { exp(none); }, "exp: an empty tensor");
    expect_blame([&] { (void)none.item<float>(); }, "eval: an empty tensor");
    expect_blame([&] { (void)x.dim(2); }, "dim: axis 2");
    expect_blame([&] { (void)x.extent(-3); }, "dim: axis -3");
    expect_blame([&] { (void)x.grad(); }, "grad: ");
    expect_blame([&] { x.zero_grad(); }, "zero_grad: ");
    expect_blame([&] { cross_entropy(x, ones({2})); }, "cross_entropy: ");
    expect_blame([&] { matmul(x, Tensor::scalar(1.0F)); }, "matmul: ");
    expect_blame([&] { transpose(x, {0, 0}); }, "transpose: axis 0 occurs twice");
    expect_blame([&] { transpose(x, {1}); }, "transpose: permutation does not name each of 2 axes once");
    expect_blame([&] { mean(x, {100}); }, "mean: axis 100");
    expect_blame([&] { mean(x, {-9}); }, "mean: axis -9");
    expect_blame([&] { sum(x, {-3}); }, "sum: axis -3");
    expect_blame([&] { argmax(x, -3); }, "argmax: axis -3");
    expect_blame([&] { ones({1, 1, 1, 1, 1, 1, 1, 1, 1}); }, "a tensor has at most 8 dimensions");
    expect_blame([&] { x.reshape({1, 1, 1, 1, 1, 1, 1, 2, 3}); }, "a tensor has at most 8 dimensions");
    expect_blame([&] { one_hot(zeros({1, 1, 1, 1, 1, 1, 1, 1}, Dtype::i32), 3); }, "one_hot: a tensor has at most 8");
    expect_blame([&] { Tensor::from(Floats{}, {1LL << 40, 1LL << 40}); }, "from: the shape is too large");
    expect_blame([&] { zeros({1LL << 45}).eval(); }, "broadcast_to: the system has no more memory");
    expect_blame([&] { grad([](const Tensor& a) { return a; })(x); }, "grad: the differentiated value");
    expect_blame([&] { grad([](const Tensor& a) { return a; })(arange(3)); }, "grad: a derivative by i64[3]");
    nn::Generator random(1);
    expect_blame([&] { nn::Linear(-1, 2, random); }, "Linear: a number of features is negative");
    expect_blame([&] { nn::Linear(1, 2, {.dtype = Dtype::i32}, random); }, "Linear: weights are floats");
    expect_blame([&] { f(ones({3}), ones({4})); }, "add: the shapes do not broadcast: 3 is not 4", line_of_f);
}

TEST(Tensor, intermediate_values_with_a_handle_are_computed_once) {
    const Tensor a = Tensor::from({1.0F, 2.0F});
    const Tensor b = exp(a);
    const Tensor c = b + 1.0;
    c.eval();
    EXPECT_TRUE(b.node()->is_ready());
}

TEST(Tensor, a_new_shape_compiles_nothing) {
    const auto run = [](std::int64_t n) {
        const Tensor x = random_uniform(7, {n, 3});
        return (tanh(x * 2.0) + 1.0).eval();
    };
    run(5);
    const std::uint64_t compiled = codegen::KernelCache::shared().compiled();
    for (std::int64_t n = 2; n < 40; ++n)
        if (n != 5) run(n);
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
}

TEST(Tensor, numbers_are_outside_of_the_key) {
    const Tensor x = Tensor::from({1.0F, 2.0F});
    (x * 3.0 + 4.0).eval();
    const std::uint64_t compiled = codegen::KernelCache::shared().compiled();
    EXPECT_EQ((x * 5.0 + 6.0).to_vector<float>(), (Floats{11, 16}));
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
}

// The longest chain that recursion could not survive: on a small stack, built, evaluated and destroyed.
TEST(Tensor, a_chain_of_a_million_additions_needs_no_stack) {
#ifdef LATHE_SANITIZED  // which makes everything several times slower, and stack frames larger
    constexpr int length = 100'000;
#else
    constexpr int length = 1'000'000;
#endif
    std::atomic<bool> right{false};
    auto body = [&right] {
        Tensor x = Tensor::from({0.0F, 1.0F});
        const Tensor one = Tensor::from({1.0F, 1.0F});
        for (int i = 0; i < length; ++i) x = x + one;
        right = x.to_vector<float>() == Floats{length, length + 1};
        limit_pending(1'500'000);  // and once as a single graph that is never evaluated
        Tensor y = one;
        for (int i = 0; i < length; ++i) y = y + one;
        limit_pending(4096);
    };
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 512 << 10);
    pthread_t thread{};
    using Body = decltype(body);
    ASSERT_EQ(pthread_create(
                  &thread, &attributes,
                  [](void* b) -> void* {
                      (*static_cast<Body*>(b))();
                      return nullptr;
                  },
                  &body),
              0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    EXPECT_TRUE(right);
}

TEST(Tensor, threads_may_share_and_extend_pending_work) {
    for (int round = 0; round < 50; ++round) {
        const Tensor a = random_uniform(static_cast<std::uint64_t>(round), {100});
        const Tensor shared = exp(a) * 2.0;
        std::vector<Floats> results(4);
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < results.size(); ++t)
            threads.emplace_back([&, t] { results[t] = (shared + a).to_vector<float>(); });
        for (std::thread& t : threads) t.join();
        for (const Floats& r : results) EXPECT_EQ(r, results[0]);
    }
}

TEST(Variable, operations_read_the_value_of_their_time) {
    const Tensor v = variable(Tensor::from({1.0F}));
    const Tensor before = v + 0.0;
    v.set(Tensor::from({5.0F}));
    EXPECT_EQ(before.item<float>(), 1);
    EXPECT_EQ((v + 0.0).item<float>(), 5);
    EXPECT_THROW(v.set(Tensor::from({1.0F, 2.0F})), TypeError);
}

TEST(Variable, backward_leaves_derivatives_and_adds_them_up) {
    const Tensor w = variable(Tensor::from({1.0F, 2.0F, 3.0F}));
    const auto loss = [&] { return sum(w * w); };
    loss().backward();
    EXPECT_EQ(w.grad().to_vector<float>(), (Floats{2, 4, 6}));
    const Tensor evaluated = loss().eval();
    evaluated.backward();
    EXPECT_EQ(w.grad().to_vector<float>(), (Floats{4, 8, 12}));
    w.zero_grad();
    EXPECT_TRUE(w.grad().is_empty());
    EXPECT_THROW(sum(Tensor::from({1.0F})).backward(), UserError);
}

TEST(Tensor, memory_that_runs_out_is_blamed_on_the_call_that_wanted_it) {
    const Tensor a = random_uniform(1, {1 << 20}).eval();
    const std::uint32_t line = std::source_location::current().line() + 1;
    const Tensor wide = a * 2.0;
    runtime::limit_memory(runtime::memory_use().reserved);
    runtime::trim_memory();
    try {
        wide.eval();
        ADD_FAILURE() << "there was memory";
    } catch (const ResourceError& e) {
        EXPECT_NE(std::string(e.what()).find("tensor_test.cpp:" + std::to_string(line) + ": mul"), std::string::npos)
            << e.what();
    }
    runtime::limit_memory(~std::uint64_t{0});
    EXPECT_EQ(wide.eval().to_vector<float>().size(), std::size_t{1} << 20);
}

// Passes look kernels up, whether they are known or not.
std::uint64_t kernels_asked_for() {
    const codegen::KernelCache& cache = codegen::KernelCache::shared();
    return cache.compiled() + cache.hits();
}

TEST(LazyStructure, a_new_shape_runs_no_pass) {
    const auto layers = [](const Tensor& x, const Tensor& w, const Tensor& b) {
        return softmax(relu(matmul(x, w) + b), 1);
    };
    const auto run = [&](std::int64_t batch, std::int64_t in, std::int64_t out) {
        const Tensor x = reshape(arange(batch * in, Dtype::f32), {batch, in}) * 0.01F;
        const Tensor w = reshape(arange(in * out, Dtype::f32), {in, out}) * -0.02F, b = arange(out, Dtype::f32);
        eval(std::vector<Tensor>{x, w, b});
        const std::uint64_t before = kernels_asked_for();
        const std::vector<float> y = layers(x, w, b).to_vector<float>();
        const std::uint64_t asked = kernels_asked_for() - before;
        // Row by row the same: jit has a program of its own.
        EXPECT_EQ(y, jit(layers)(x, w, b).to_vector<float>()) << batch;
        return asked;
    };
    EXPECT_GT(run(3, 8, 4), 0U);
    for (const auto& [batch, in, out] :
         {std::array<std::int64_t, 3>{4, 8, 4}, {17, 8, 4}, {100, 8, 4}, {5, 9, 33}, {8, 8, 8}})
        EXPECT_EQ(run(batch, in, out), 0U) << batch << " " << in << " " << out;
    EXPECT_GT(run(1, 8, 4), 0U) << "an extent of 1 may broadcast: it is structure";
}

TEST(LazyStructure, sizes_in_attributes_are_no_structure) {
    const Tensor x = arange(600, Dtype::i64);
    x.eval();
    const auto part = [&](std::int64_t start, std::int64_t size) {
        const std::uint64_t before = kernels_asked_for();
        const std::vector<std::int64_t> y = (slice(x, {start}, {size}) * std::int64_t{3}).to_vector<std::int64_t>();
        EXPECT_EQ(y.size(), static_cast<std::size_t>(size));
        for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], 3 * (start + static_cast<std::int64_t>(i)));
        return kernels_asked_for() - before;
    };
    part(2, 5);
    for (std::int64_t i = 3; i < 200; ++i) EXPECT_EQ(part(i, 2 + i % 7), 0U) << i;
    const auto folded = [&](std::int64_t rows) {
        const std::uint64_t before = kernels_asked_for();
        const Tensor y = sum(reshape(x, {rows, 600 / rows}), {1});
        EXPECT_EQ(sum(y).item<std::int64_t>(), 599 * 300);
        return kernels_asked_for() - before;
    };
    folded(2);
    for (const std::int64_t rows : {3, 4, 5, 6, 100, 300}) EXPECT_EQ(folded(rows), 0U) << rows;
}

TEST(LazyStructure, where_a_row_lies_is_no_structure) {
    const Tensor x = reshape(arange(600, Dtype::i64), {200, 3});
    x.eval();
    const auto row = [&](std::int64_t i) {
        const std::uint64_t before = kernels_asked_for();
        const std::vector<std::int64_t> y = (x[{i}] * std::int64_t{3}).to_vector<std::int64_t>();
        EXPECT_EQ(y, (std::vector<std::int64_t>{9 * i, 9 * i + 3, 9 * i + 6}));
        return kernels_asked_for() - before;
    };
    EXPECT_GT(row(0), 0U);
    for (std::int64_t i = 1; i < 200; ++i) EXPECT_EQ(row(i), 0U) << i;
}

TEST(LazyStructure, long_sums_are_cut_and_short_ones_are_not) {
    const auto total = [](std::int64_t n) {
        const Tensor x = ones({n}, Dtype::f32);
        x.eval();
        const std::uint64_t before = kernels_asked_for();
        EXPECT_EQ(sum(x).item<float>(), static_cast<float>(n));
        return kernels_asked_for() - before;
    };
    total(1000);
    EXPECT_EQ(total(1001), 0U);
    EXPECT_EQ(total(1 << 20), 2U) << "its blocks, and their combination";
    EXPECT_EQ(total((1 << 20) + 5), 0U);
    EXPECT_EQ(total(1002), 0U);
}

}  // namespace
}  // namespace lathe
