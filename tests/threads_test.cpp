// Many threads at once: what they share stays whole, whoever is first. Made to be run under the thread sanitizer too.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "lathe.h"
#include "runtime/buffer.h"

namespace lathe {
namespace {

using Floats = std::vector<float>;

template <class Body>
void on_threads(std::size_t count, const Body& body) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < count; ++t) threads.emplace_back([&, t] { body(t); });
    for (std::thread& t : threads) t.join();
}

// Whose stocks hold no references that earlier work left there, to be given back when something takes their place.
template <class Body>
void on_a_fresh_thread(const Body& body) {
    on_threads(1, [&](std::size_t) { body(); });
}

// Each program takes the values of both variables out while it runs.
TEST(Threads, programs_that_set_the_same_variables_in_other_orders_finish) {
    const Tensor a = variable(Tensor::from({1.0F, 2.0F}), "a", false);
    const Tensor b = variable(Tensor::from({3.0F, 4.0F}), "b", false);
    const auto first = jit([&](const Tensor& x) {
        a.set(a + x);
        b.set(b + x);
        return x * 2.0;
    });
    const auto second = jit([&](const Tensor& x) {
        b.set(b + x);
        a.set(a + x);
        return x * 3.0;
    });
    const auto reader = jit([&](const Tensor& x) { return a + b + x; });
    const Tensor one = Tensor::from({1.0F, 1.0F});
    constexpr int rounds = 200;
    on_threads(3, [&](std::size_t t) {
        for (int i = 0; i < rounds; ++i) {
            if (t == 0) first(one);
            if (t == 1) second(one);
            if (t == 2) reader(one).eval();
        }
    });
    (a + b).eval();
}

// One program sets what the other reads, and the other way round.
TEST(Threads, programs_that_read_what_others_set_finish) {
    const Tensor a = variable(Tensor::from({1.0F, 2.0F}), "a", false);
    const Tensor b = variable(Tensor::from({3.0F, 4.0F}), "b", false);
    const auto first = jit([&](const Tensor& x) {
        a.set(b * 0.5 + x);
        return x + 1.0;
    });
    const auto second = jit([&](const Tensor& x) {
        b.set(a * 0.5 + x);
        return x + 2.0;
    });
    const Tensor one = Tensor::from({1.0F, 1.0F});
    on_threads(4, [&](std::size_t t) {
        for (int i = 0; i < 200; ++i) t % 2 == 0 ? first(one) : second(one);
    });
    EXPECT_LT(a.to_vector<float>()[0], 3);
}

// Threads keep references to small tensors that they read often in stock.
TEST(Threads, tensors_go_with_the_last_reference_wherever_it_is_dropped) {
    on_a_fresh_thread([] {
        std::uint64_t before = 0;  // after the first round, which leaves this thread a workspace
        for (int round = 0; round < 5; ++round) {
            if (round == 1) before = runtime::memory_use().in_use;
            Tensor a = random_uniform(1, {10}).eval();
            Tensor b = random_uniform(2, {10}).eval();
            const Floats expected = (a + b).to_vector<float>();
            std::vector<Tensor> kept(4);
            on_threads(4, [&](std::size_t t) {
                const Tensor mine = a, pending = b * 2.0;
                for (int i = 0; i < 500; ++i) {
                    EXPECT_EQ((mine + b).to_vector<float>(), expected);
                    if (i == 100 * static_cast<int>(t)) kept[t] = mine * pending;
                }
            });
            a = Tensor();
            b = Tensor();
            eval(kept);
        }
        EXPECT_EQ(runtime::memory_use().in_use, before);
    });
}

TEST(Threads, a_thread_that_is_alone_frees_a_tensor_at_once) {
    on_a_fresh_thread([] {
        (random_uniform(1, {10}) + 1.0).eval();  // leaves this thread a workspace
        const std::uint64_t before = runtime::memory_use().in_use;
        for (const bool evaluated : {false, true}) {
            Tensor a = random_uniform(1, {10}).eval();
            for (int i = 0; i < 200; ++i) (a * a).eval();
            Tensor pending = a + a;
            if (evaluated) {
                a = Tensor();
                pending.eval();
                EXPECT_EQ(runtime::memory_use().in_use, before + 64);
                pending = Tensor();
            } else {
                pending = Tensor();
                a = Tensor();
            }
            EXPECT_EQ(runtime::memory_use().in_use, before);
        }
    });
}

TEST(Threads, pending_work_is_traced_while_others_evaluate_it) {
    for (int round = 0; round < 30; ++round) {
        const Tensor x = random_uniform(static_cast<std::uint64_t>(round), {64});
        const Tensor pending = exp(x * 0.5) + 1.0;
        std::vector<Floats> results(4);
        on_threads(4, [&](std::size_t t) {
            if (t % 2 == 0) {
                results[t] = (pending * x).to_vector<float>();
            } else {
                const auto f = jit([&](const Tensor& y) { return pending * y; });
                results[t] = f(x).to_vector<float>();
            }
        });
        for (const Floats& r : results) EXPECT_EQ(r, results[0]);
    }
}

TEST(Threads, one_compiled_function_serves_all) {
    const auto f = jit([](const Tensor& x) { return tanh(x) + 1.0; });
    std::vector<Floats> results(8);
    on_threads(8, [&](std::size_t t) {
        const Tensor x = Tensor::from({0.5F, 0.25F, 0.125F});
        for (int i = 0; i < 50; ++i) {
            results[t] = f(x).to_vector<float>();
            if (i % 10 == 0) {
                EXPECT_LE(f.statistics().traces, 1U);
            }
        }
    });
    for (const Floats& r : results) EXPECT_EQ(r, results[0]);
    EXPECT_EQ(f.statistics().traces, 1U);
}

// Integers, so that the order of the additions does not show.
TEST(Threads, derivatives_of_losses_that_share_a_variable_add_up) {
    constexpr int threads = 4, rounds = 300;
    const Tensor w = variable(Tensor::from({1.0F, 2.0F}), "w");
    for (int repeat = 0; repeat < 3; ++repeat) {
        w.zero_grad();
        on_threads(threads, [&](std::size_t t) {
            const Tensor x = Tensor::from({static_cast<float>(t + 1), 1.0F});
            for (int i = 0; i < rounds; ++i) sum(w * x).backward();
        });
        EXPECT_EQ(w.grad().to_vector<float>(), (Floats{rounds * (1 + 2 + 3 + 4), rounds * threads}));
    }
}

TEST(Threads, traces_have_derivatives_of_their_own) {
    for (int round = 0; round < 20; ++round) {
        const Tensor w = variable(Tensor::from({1.0F, 2.0F}), "w");
        sum(w).backward();
        on_threads(4, [&](std::size_t t) {
            const auto f = jit([&](const Tensor& x) {
                sum(w * x).backward();
                sum(w * x).backward();
                return w.grad();
            });
            const auto value = static_cast<float>(t);
            EXPECT_EQ(f(Tensor::from({value, 1.0F})).to_vector<float>(), (Floats{2 * value, 2}));
        });
        EXPECT_EQ(w.grad().to_vector<float>(), (Floats{1, 1}));
    }
}

// A function that stops while it is traced with an argument of rank 2, until it is told to go on.
struct StoppedTrace {
    std::promise<void> reached, go_on;
    std::atomic<int> traces{0}, inside{0};
    std::atomic<bool> overlapped{false}, fails{false};
    Jit<std::function<Tensor(const Tensor&)>> function = jit(std::function([this](const Tensor& x) {
        if (inside.fetch_add(1) != 0) overlapped = true;
        struct Leave {
            std::atomic<int>& inside;
            ~Leave() { --inside; }
        } const leave{inside};
        if (x.rank() == 2 && traces.fetch_add(1) == 0) {
            reached.set_value();
            go_on.get_future().wait();
            if (fails) throw UserError("a trace that fails");
        }
        return x + 1.0;
    }));
};

Tensor vector_of_two() { return Tensor::from({1.0F, 2.0F}); }
Tensor matrix_of_two() { return Tensor::from({1.0F, 2.0F}).reshape({2, 1}); }

TEST(Threads, a_call_does_not_wait_for_what_another_traces) {
    StoppedTrace stopped;
    const auto& f = stopped.function;
    f(vector_of_two());
    auto other = std::async(std::launch::async, [&] { return f(matrix_of_two()).to_vector<float>(); });
    stopped.reached.get_future().wait();
    auto mine = std::async(std::launch::async, [&] { return f(vector_of_two()).to_vector<float>(); });
    const bool waited = mine.wait_for(std::chrono::seconds(20)) == std::future_status::timeout;
    stopped.go_on.set_value();
    EXPECT_FALSE(waited);
    EXPECT_EQ(mine.get(), (Floats{2, 3}));
    EXPECT_EQ(other.get(), (Floats{2, 3}));
}

// Meanwhile another variant is wanted too: the function is not run for it before it is through with the first.
TEST(Threads, one_traces_what_several_want) {
    StoppedTrace stopped;
    const auto& f = stopped.function;
    std::vector<std::future<Floats>> others;
    for (int t = 0; t < 4; ++t)
        others.push_back(std::async(std::launch::async, [&] { return f(matrix_of_two()).to_vector<float>(); }));
    stopped.reached.get_future().wait();
    others.push_back(std::async(std::launch::async, [&] { return f(vector_of_two()).to_vector<float>(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stopped.go_on.set_value();
    for (auto& o : others) EXPECT_EQ(o.get(), (Floats{2, 3}));
    EXPECT_EQ(f.statistics().traces, 2U);
    EXPECT_EQ(stopped.traces, 1);
    EXPECT_FALSE(stopped.overlapped);
}

TEST(Threads, who_waits_for_a_trace_that_fails_traces_again) {
    StoppedTrace stopped;
    stopped.fails = true;
    const auto& f = stopped.function;
    auto first = std::async(std::launch::async, [&] { return f(matrix_of_two()).to_vector<float>(); });
    stopped.reached.get_future().wait();
    auto second = std::async(std::launch::async, [&] { return f(matrix_of_two()).to_vector<float>(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stopped.go_on.set_value();
    EXPECT_THROW(first.get(), UserError);
    EXPECT_EQ(second.get(), (Floats{2, 3}));
    EXPECT_EQ(f.statistics().traces, 1U);
}

TEST(Threads, handles_are_dropped_while_others_evaluate) {
    for (int round = 0; round < 100; ++round) {
        Tensor shared = exp(Tensor::from({1.0F, 2.0F, 3.0F}));
        std::vector<Tensor> handles(4, shared + 1.0);
        shared = Tensor();
        on_threads(4, [&](std::size_t t) {
            if (t % 2 == 0) (handles[t] * 2.0).eval();
            handles[t] = Tensor();
        });
    }
}

// A thread's own tensors may outlive whatever the library keeps per thread.
TEST(Threads, tensors_may_be_the_last_to_go) {
    thread_local Tensor last;
    static Tensor of_the_process = Tensor::from({1.0F}) + 1.0;
    for (int i = 0; i < 20; ++i)
        std::thread([] {
            last = Tensor();  // made before anything that the library keeps
            Tensor x = Tensor::from({1.0F, 2.0F});
            for (int k = 0; k < 300; ++k) x = x + 1.0;
            x.eval();
            last = x * 2.0;
        }).join();
    EXPECT_EQ(of_the_process.to_vector<float>(), Floats{2});
}

}  // namespace
}  // namespace lathe
