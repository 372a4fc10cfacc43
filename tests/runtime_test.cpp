#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <future>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>
#include <xmmintrin.h>

#include <gtest/gtest.h>
#include <oneapi/tbb/task_arena.h>

#include "runtime/buffer.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"
#include "runtime/plan.h"

namespace lathe::runtime {
namespace {

// ---- CPU ----

TEST(CpuFeatures, AgreeWithTheCompiler) {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    const bool vnni = v4 && __builtin_cpu_supports("avx512vnni");
    EXPECT_EQ(cpu().level, vnni ? CpuLevel::vnni : v4 ? CpuLevel::avx512 : v3 ? CpuLevel::avx2 : CpuLevel::baseline);
    EXPECT_EQ(cpu().missing.empty(), v3);
    EXPECT_GE(cpu().l1_data, 16 << 10);
    EXPECT_GT(cpu().l2, cpu().l1_data);
}

// ---- parallel loops ----

TEST(ParallelFor, CoversEachIterationOnce) {
    for (const std::int64_t trips : {0, 1, 2, 7, 100, 1001})
        for (const std::int64_t grain : {1, 3, 64, 2000}) {
            std::vector<std::atomic<int>> seen(static_cast<std::size_t>(trips));
            parallel_for(trips, grain, [&](std::int64_t begin, std::int64_t end) {
                EXPECT_TRUE(end - begin >= std::min(grain, trips));
                for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
            });
            for (const auto& n : seen) EXPECT_EQ(n, 1);
        }
}

int threads_seen(std::int64_t trips) {
    std::mutex mutex;
    std::set<std::thread::id> ids;
    parallel_for(trips, 1, [&](std::int64_t, std::int64_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const std::lock_guard lock(mutex);
        ids.insert(std::this_thread::get_id());
    });
    return static_cast<int>(ids.size());
}

TEST(ParallelFor, KeepsTheThreadLimit) {
    {
        const ThreadLimit one(1);
        EXPECT_EQ(thread_count(), 1);
        EXPECT_EQ(threads_seen(50), 1);
        {
            const ThreadLimit two(2);
            EXPECT_LE(threads_seen(50), 2);
        }
        EXPECT_EQ(thread_count(), 1);
    }
    EXPECT_GE(thread_count(), 1);
}

TEST(ParallelFor, RunsInTheHostsArena) {
#ifdef LATHE_THREAD_SANITIZER
    GTEST_SKIP() << "TBB is bypassed under the thread sanitizer";
#endif
    tbb::task_arena arena(2);
    const HostArena host(arena);
    EXPECT_EQ(thread_count(), 2);
    std::atomic<int> strangers{0};
    parallel_for(20, 1, [&](std::int64_t, std::int64_t) {
        if (tbb::this_task_arena::max_concurrency() != 2) ++strangers;
    });
    EXPECT_EQ(strangers, 0);
}

// Who has all the places of the arena may wait for what the loop computes.
TEST(ParallelFor, WaitsForNoPlaceInAFullArena) {
    constexpr int places = 2;
    tbb::task_arena arena(places);
    std::promise<void> computed;
    const std::shared_future<void> done = computed.get_future().share();
    std::atomic<int> inside{0}, late{0};
    std::vector<std::jthread> guests;
    for (int i = 0; i < places; ++i)
        guests.emplace_back([&] {
            arena.execute([&] {
                ++inside;
                if (done.wait_for(std::chrono::seconds(10)) != std::future_status::ready) ++late;
            });
        });
    while (inside.load() < places) std::this_thread::yield();
    std::atomic<std::int64_t> sum{0};
    {
        const HostArena host(arena);
        parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) sum += i;
        });
    }
    computed.set_value();
    guests.clear();
    EXPECT_EQ(sum, 99 * 50);
    EXPECT_EQ(late, 0);
}

TEST(ParallelFor, HelpersAreWorkersOfTheirOwn) {
    tbb::task_arena arena(4);
    const HostArena host(arena);
    std::array<std::atomic<int>, 4> busy{};
    std::atomic<int> shared{0};
    struct Context {
        std::array<std::atomic<int>, 4>& busy;
        std::atomic<int>& shared;
    } context{busy, shared};
    const auto body = [](void* c, std::int64_t, std::int64_t, std::int32_t worker) {
        auto& [in, twice] = *static_cast<Context*>(c);
        if (worker < 0 || worker >= 3 || in[static_cast<std::size_t>(worker)].fetch_add(1) != 0) ++twice;
        std::this_thread::yield();
        --in[static_cast<std::size_t>(worker)];
    };
    for (int repeat = 0; repeat < 100; ++repeat) parallel_for(64, 1, body, &context, 3);
    EXPECT_EQ(shared, 0);
}

TEST(ParallelFor, PassesExceptionsOnFromTheHostsArena) {
    tbb::task_arena arena(2);
    const HostArena host(arena);
    EXPECT_THROW(parallel_for(100, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("no"); }),
                 std::runtime_error);
}

TEST(ParallelFor, PassesExceptionsOn) {
    EXPECT_THROW(parallel_for(100, 1,
                              [](std::int64_t begin, std::int64_t) {
                                  if (begin > 0) throw std::runtime_error("no");
                                  std::this_thread::yield();
                                  throw std::runtime_error("no");
                              }),
                 std::runtime_error);
}

// ---- size expressions ----

TEST(SizeExpressions, Evaluate) {
    const SizeExpression n = SizeExpression::symbol(0), m = SizeExpression::symbol(1);
    const std::int64_t values[] = {10, 3};
    EXPECT_EQ((n * m + 4).evaluate(values), 34);
    EXPECT_EQ(SizeExpression::binary(lathe_size_floordiv, n + m, 4).evaluate(values), 3);
    EXPECT_EQ(SizeExpression::binary(lathe_size_floordiv, -7, 2).evaluate(values), -4);
    EXPECT_EQ(SizeExpression::binary(lathe_size_floordiv, 7, -2).evaluate(values), -4);
    EXPECT_EQ(SizeExpression::binary(lathe_size_subtract, m, n).evaluate(values), -7);
    EXPECT_EQ(SizeExpression::binary(lathe_size_min, m, n).evaluate(values), 3);
    EXPECT_EQ(SizeExpression::binary(lathe_size_max, m, n).evaluate(values), 10);
    SizeExpression deep = n;
    for (int i = 0; i < 100; ++i) deep = SizeExpression(1) + deep;
    EXPECT_EQ(deep.depth(), 2) << "the deeper operand comes first";
    EXPECT_EQ(deep.evaluate(values), 110);
    for (int i = 0; i < 100; ++i) deep = SizeExpression::binary(lathe_size_subtract, 1, deep);
    EXPECT_THROW(static_cast<void>(deep.evaluate(values)), PlanError) << "its stack is bounded";
}

TEST(SizeExpressions, RefuseWhatHasNoValue) {
    const std::int64_t big[] = {std::int64_t{1} << 62};
    const SizeExpression n = SizeExpression::symbol(0);
    EXPECT_THROW((n * 4).evaluate(big), PlanError);
    EXPECT_THROW((n + n).evaluate(big), PlanError);
    EXPECT_THROW(SizeExpression::binary(lathe_size_floordiv, n, 0).evaluate(big), PlanError);
    EXPECT_THROW(
        SizeExpression::binary(lathe_size_floordiv, std::numeric_limits<std::int64_t>::min(), -1).evaluate(big),
        PlanError);
    EXPECT_THROW(SizeExpression::symbol(1).evaluate(big), PlanError);
}

// ---- placement ----

void nothing(void* const*, const std::uint32_t*, const std::int64_t*, std::int64_t, std::int64_t, lathe_task*) {}

// A plan that does nothing with temporaries that live from step `first` to step `last`.
struct Lifetime {
    std::int64_t bytes = 0;
    std::size_t first = 0, last = 0;
};
std::unique_ptr<const BoundPlan> bind_lifetimes(std::span<const Lifetime> lives, Plan& plan) {
    plan.kernels = {nothing};
    plan.steps.resize(25);
    for (const Lifetime& life : lives) {
        const auto slot = plan.temporary_slot(static_cast<std::uint32_t>(plan.temporaries.size()));
        plan.temporaries.push_back({life.bytes});
        plan.steps[life.first].operands.push_back(slot);
        plan.steps[life.last].operands.push_back(slot);
    }
    plan.finish();
    return bind_plan_uncached(plan, {});
}

TEST(Placement, OverlappingLifetimesAreDisjoint) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<Lifetime> lives(random() % 30);
        std::int64_t most = 0, all = 0;
        for (Lifetime& life : lives) {
            life.bytes = static_cast<std::int64_t>(random() % 1000);
            life.first = random() % 20;
            life.last = life.first + random() % 5;
            all += (life.bytes + 63) / 64 * 64;
        }
        for (std::size_t step = 0; step < 25; ++step) {
            std::int64_t now = 0;
            for (const Lifetime& life : lives)
                if (life.first <= step && step <= life.last) now += (life.bytes + 63) / 64 * 64;
            most = std::max(most, now);
        }
        Plan plan;
        const auto bound = bind_lifetimes(lives, plan);
        const std::int64_t* const offsets = bound->tables->offsets;
        const std::int64_t table = static_cast<std::int64_t>(lives.size() * sizeof(void*) + 63) / 64 * 64;
        EXPECT_GE(bound->tables->workspace_bytes, table + most);
        EXPECT_LE(bound->tables->workspace_bytes, table + all);
        for (std::size_t a = 0; a < lives.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) {
                EXPECT_EQ(offsets[a] % 64, 0);
                const bool together = lives[a].first <= lives[b].last && lives[b].first <= lives[a].last;
                const bool disjoint =
                    offsets[a] + lives[a].bytes <= offsets[b] || offsets[b] + lives[b].bytes <= offsets[a];
                EXPECT_TRUE(!together || disjoint || lives[a].bytes == 0 || lives[b].bytes == 0);
            }
    }
}

// ---- plans ----

// out[i] = in[i] * 2 over extents[0]
void twice(void* const* slots, const std::uint32_t* operands, const std::int64_t*, std::int64_t begin, std::int64_t end,
           lathe_task*) {
    const auto* in = static_cast<const float*>(slots[operands[0]]);
    auto* out = static_cast<float*>(slots[operands[1]]);
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * 2;
}

void add(void* const* slots, const std::uint32_t* operands, const std::int64_t*, std::int64_t begin, std::int64_t end,
         lathe_task*) {
    const auto* a = static_cast<const float*>(slots[operands[0]]);
    const auto* b = static_cast<const float*>(slots[operands[1]]);
    auto* out = static_cast<float*>(slots[operands[2]]);
    for (std::int64_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
}

void fail_at_five(void* const*, const std::uint32_t*, const std::int64_t* extents, std::int64_t begin, std::int64_t end,
                  lathe_task* task) {
    if (begin <= 5 && 5 < end) {
        task->fault = {1, 0, 5, extents[0], 5};
    }
}

// y = 4 x + c in three steps, over n floats
void fill(Plan& plan) {
    const SizeExpression n = SizeExpression::symbol(0);
    plan.symbol_count = 1;
    plan.inputs = {{"x", 1, 4, {n}}};
    plan.outputs = {{"y", 1, 4, {n}}};
    plan.constants = {allocate(4000000)};
    auto* c = reinterpret_cast<float*>(plan.constants[0].data());
    for (int i = 0; i < 1000000; ++i) c[i] = static_cast<float>(i % 7);
    plan.temporaries = {{n * 4}, {n * 4}};
    plan.kernels = {twice, add};
    const auto step = [&](std::uint32_t kernel, std::vector<std::uint32_t> operands) {
        plan.steps.push_back(
            {.kernel = kernel, .operands = std::move(operands), .extents = {n}, .trips = n, .cost = 250});
    };
    step(0, {0, plan.temporary_slot(0)});
    step(0, {plan.temporary_slot(0), plan.temporary_slot(1)});
    step(1, {plan.temporary_slot(1), plan.constant_slot(0), plan.output_slot(0)});
    plan.finish();
}

RunFault run_bound(const BoundPlan& bound, const void* const* inputs, void* const* outputs) {
    const int threads = bound.threads();
    const Buffer workspace = allocate(bound.workspace_bytes(threads));
    return run(bound, inputs, outputs, workspace.data(), threads);
}

std::vector<float> run_once(const Plan& plan, std::int64_t n) {
    std::vector<float> x(static_cast<std::size_t>(n)), y(x.size(), -1);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.5f;
    const std::int64_t shape[] = {n};
    const std::span<const std::int64_t> shapes[] = {shape};
    const Binding bound = bind_plan(plan, symbols_of(plan, shapes));
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    EXPECT_FALSE(run_bound(*bound, inputs, outputs));
    return y;
}

TEST(Plans, RunForAnySizeAndThreads) {
    Plan plan;
    fill(plan);
    for (const std::int64_t n : {0, 1, 5, 1000, 200000, 1000000}) {
        const std::vector<float> y = run_once(plan, n);
        for (std::size_t i = 0; i < y.size(); ++i)
            ASSERT_EQ(y[i], static_cast<float>(i) * 0.5f * 4 + static_cast<float>(i % 7)) << i;
        const ThreadLimit one(1);
        EXPECT_EQ(run_once(plan, n), y);
    }
    EXPECT_EQ(plan.bindings.size(), 6u);
}

TEST(Plans, OperandsOfOneStepLieApart) {
    Plan plan;
    fill(plan);
    const std::int64_t n[] = {100};
    const Binding bound = bind_plan(plan, n);
    const std::int64_t* const offsets = bound->tables->offsets;
    EXPECT_EQ(offsets[1], offsets[0] + 448);
    EXPECT_EQ(bound->tables->workspace_bytes, offsets[1] + 448);
    EXPECT_EQ(bound->output_dims[0], std::vector<std::int64_t>{100});
    EXPECT_EQ(bound->output_bytes[0], 400);
}

TEST(Plans, BindingsAreCachedAndBounded) {
    Plan plan;
    fill(plan);
    const std::int64_t hundred[] = {100};
    const BoundPlan* const first = &*bind_plan(plan, hundred);
    for (std::int64_t n = 0; n < 1000; ++n) {
        const std::int64_t symbols[] = {n};
        EXPECT_EQ(bind_plan(plan, symbols)->symbols[0], n);
    }
    EXPECT_EQ(&*bind_plan(plan, hundred), first);
    EXPECT_LE(plan.bindings.size(), 128u);
}

TEST(Plans, ThreadsBindTheSamePlan) {
    Plan plan;
    fill(plan);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            std::mt19937 random(t);
            for (int i = 0; i < 3000; ++i) {
                const std::int64_t symbols[] = {static_cast<std::int64_t>(random() % 200)};
                const Binding bound = bind_plan(plan, symbols);
                if (bound->symbols[0] != symbols[0] || bound->output_bytes[0] != symbols[0] * 4) ++wrong;
            }
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(wrong, 0);
}

TEST(Plans, RefuseInputsThatDoNotFit) {
    Plan plan;
    fill(plan);
    plan.inputs.push_back({"w", 1, 4, {SizeExpression::symbol(0), SizeExpression(3)}});
    const auto message = [&](std::vector<std::int64_t> x, std::vector<std::int64_t> w) -> std::string {
        const std::span<const std::int64_t> shapes[] = {x, w};
        try {
            symbols_of(plan, shapes);
            return "";
        } catch (const PlanError& e) {
            return e.what();
        }
    };
    EXPECT_EQ(message({4}, {4, 3}), "");
    EXPECT_EQ(message({4}, {5, 3}), "input 'w' has the extent 5 in dimension 0, not 4");
    EXPECT_EQ(message({4}, {4, 2}), "input 'w' has the extent 2 in dimension 1, not 3");
    EXPECT_EQ(message({4, 1}, {4, 3}), "input 'x' has rank 1, not 2");
    EXPECT_THROW(symbols_of(plan, {}), PlanError);
}

TEST(Plans, CheckPreconditionsAndSizes) {
    Plan plan;
    fill(plan);
    plan.preconditions = {{SizeExpression::symbol(0), 8, "the rows must be 8", 3}};
    plan.finish();
    const std::int64_t nine[] = {9}, eight[] = {8};
    EXPECT_NO_THROW(bind_plan(plan, eight));
    try {
        bind_plan(plan, nine);
        FAIL();
    } catch (const PlanError& e) {
        EXPECT_STREQ(e.what(), "the rows must be 8 (9 and 8)");
        EXPECT_EQ(e.location(), 3U);
    }
    plan.preconditions.clear();
    plan.finish();
    const std::int64_t huge[] = {std::int64_t{1} << 62};
    EXPECT_THROW(bind_plan(plan, huge), PlanError);
}

TEST(Plans, StopAtAFault) {
    Plan plan;
    fill(plan);
    plan.kernels.push_back(fail_at_five);
    plan.sites = {{"nothing"}, {"also nothing"}, {"gather: index", 7}};
    plan.steps[1].kernel = 2;
    plan.steps[1].operands.clear();
    plan.steps[1].first_site = 1;
    plan.finish();
    const std::int64_t n[] = {100};
    const Binding bound = bind_plan(plan, n);
    std::vector<float> x(100), y(100, -1);
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    const RunFault fault = run_bound(*bound, inputs, outputs);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault.fault.site, 2) << "of the plan";
    EXPECT_EQ(fault.fault.index, 5);
    EXPECT_EQ(fault.fault.bound, 100);
    EXPECT_EQ(describe(plan, fault), "gather: index 5 at position 5 is out of range for 100");
    EXPECT_EQ(site_of(plan, fault).location, 7U);
    EXPECT_EQ(y, std::vector<float>(100, -1)) << "no step ran after the fault";
}

TEST(Plans, KeepDenormalsWhateverTheHostSet) {
    Plan plan;
    fill(plan);
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);  // flush to zero, denormals are zero
    std::vector<float> x = {std::numeric_limits<float>::denorm_min()}, y(1);
    const std::int64_t n[] = {1};
    const Binding bound = bind_plan(plan, n);
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    run_bound(*bound, inputs, outputs);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(y[0], 4 * std::numeric_limits<float>::denorm_min());
    EXPECT_EQ(after & 0x8040u, 0x8040u) << "the host's setting is restored";
}

// ---- control steps

// extents[0] is added to in[0].
void add_number(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t,
                std::int64_t, lathe_task*) {
    *static_cast<std::int64_t*>(slots[operands[1]]) =
        *static_cast<const std::int64_t*>(slots[operands[0]]) + extents[0];
}
// out = in[0] < extents[0]
void below(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t, std::int64_t,
           lathe_task*) {
    *static_cast<std::uint8_t*>(slots[operands[1]]) =
        *static_cast<const std::int64_t*>(slots[operands[0]]) < extents[0] ? 1 : 0;
}

std::int64_t run_number(const Plan& plan, std::int64_t x, std::vector<std::int64_t> symbols = {}) {
    const Binding bound = bind_plan(plan, symbols);
    std::int64_t y = -1;
    const void* inputs[] = {&x};
    void* outputs[] = {&y};
    EXPECT_FALSE(run_bound(*bound, inputs, outputs));
    return y;
}

struct NumberPlan : Plan {
    explicit NumberPlan(std::size_t temporaries_of_plan) {
        inputs = {{"x", 4, 8, {}}};
        outputs = {{"y", 4, 8, {}}};
        temporaries.resize(temporaries_of_plan, {8});
        kernels = {add_number, below};
    }
    void kernel(std::uint32_t number, std::vector<std::uint32_t> operands, SizeExpression extent) {
        steps.push_back({.kernel = number, .operands = std::move(operands), .extents = {std::move(extent)}});
    }
};

TEST(Plans, LoopsCountAndCarry) {
    NumberPlan plan(2);  // y = x + 0 + 1 + ... + (n - 1)
    plan.symbol_count = 1;
    plan.iteration_count = 1;
    const std::uint32_t iteration = 1 + lathe_machine_symbols, now = plan.temporary_slot(0), next = now + 1;
    const SizeExpression n = SizeExpression::symbol(0);
    plan.kernel(0, {0, now}, 0);
    plan.steps.push_back(
        {.kind = lathe_step_loop, .target = 4, .operands = {}, .extents = {}, .trips = n, .symbol = iteration});
    plan.kernel(0, {now, next}, SizeExpression::symbol(iteration));
    plan.steps.back().is_dynamic = true;
    plan.steps.push_back({.kind = lathe_step_next,
                          .target = 2,
                          .operands = {now, next},
                          .extents = {},
                          .trips = n,
                          .symbol = iteration});
    plan.kernel(0, {now, 1}, 0);
    plan.finish();
    EXPECT_EQ(run_number(plan, 5, {0}), 5);
    EXPECT_EQ(run_number(plan, 5, {1}), 5);
    EXPECT_EQ(run_number(plan, 5, {10}), 50);
}

TEST(Plans, TestsLeaveLoopsAndBranch) {
    NumberPlan plan(3);  // while (x < 100) x += 7;  y = x < 103 ? x + 1000 : x + 2000
    plan.iteration_count = 1;
    const std::uint32_t iteration = lathe_machine_symbols, now = plan.temporary_slot(0), next = now + 1, test = now + 2;
    const SizeExpression ever = std::numeric_limits<std::int64_t>::max();
    plan.kernel(0, {0, now}, 0);
    plan.steps.push_back(
        {.kind = lathe_step_loop, .target = 6, .operands = {}, .extents = {}, .trips = ever, .symbol = iteration});
    plan.kernel(1, {now, test}, 100);
    plan.steps.push_back({.kind = lathe_step_test, .target = 6, .operands = {test}, .extents = {}});
    plan.kernel(0, {now, next}, 7);
    plan.steps.push_back({.kind = lathe_step_next,
                          .target = 2,
                          .operands = {now, next},
                          .extents = {},
                          .trips = ever,
                          .symbol = iteration});
    plan.kernel(1, {now, test}, 103);
    plan.steps.push_back({.kind = lathe_step_test, .target = 10, .operands = {test}, .extents = {}});
    plan.kernel(0, {now, 1}, 1000);
    plan.steps.push_back({.kind = lathe_step_jump, .target = 11, .operands = {}, .extents = {}});
    plan.kernel(0, {now, 1}, 2000);
    plan.finish();
    EXPECT_EQ(run_number(plan, 96), 2103);
    EXPECT_EQ(run_number(plan, 95), 1102);
    EXPECT_EQ(run_number(plan, 200), 2200);
}

TEST(Plans, ChoicesAreMadeWhenBound) {
    NumberPlan plan(2);  // n > 10 ? x + 1 by way of a temporary of n bytes : x + 2
    plan.symbol_count = 1;
    const SizeExpression n = SizeExpression::symbol(0);
    plan.temporaries[0].bytes = n * 8;
    const std::uint32_t big = plan.temporary_slot(0);
    plan.steps.push_back(
        {.kind = lathe_step_choice, .target = 4, .operands = {}, .extents = {}, .trips = n + SizeExpression(-10)});
    plan.kernel(0, {0, big}, 0);
    plan.kernel(0, {big, 1}, 1);
    plan.steps.push_back({.kind = lathe_step_chosen, .target = 5, .operands = {}, .extents = {}});
    plan.kernel(0, {0, 1}, 2);
    plan.finish();
    EXPECT_EQ(run_number(plan, 7, {10}), 9);
    EXPECT_EQ(run_number(plan, 7, {11}), 8);
    const std::int64_t small[] = {10}, large[] = {1000};
    EXPECT_EQ(bind_plan(plan, small)->tables->workspace_bytes, 64) << "nothing but the slots";
    EXPECT_EQ(bind_plan(plan, large)->tables->workspace_bytes, 64 + 8000);
}

TEST(Plans, SharePartsOfSizes) {
    // Doubled 40 times: written out, the last size would have 2^40 parts.
    NumberPlan plan(41);
    plan.symbol_count = 1;
    SizeExpression size = SizeExpression::binary(lathe_size_max, SizeExpression::symbol(0), 1);
    for (std::uint32_t i = 0; i <= 40; ++i) {
        plan.temporaries[i].bytes = SizeExpression::binary(lathe_size_floordiv, size, std::int64_t{1} << i) * 8;
        size = size + size;
    }
    plan.kernel(0, {0, plan.temporary_slot(0)}, 0);
    for (std::uint32_t i = 0; i < 40; ++i) plan.kernel(0, {plan.temporary_slot(i), plan.temporary_slot(i + 1)}, 0);
    plan.kernel(0, {plan.temporary_slot(40), 1}, SizeExpression::symbol(0) + SizeExpression::symbol(0));
    plan.finish();
    EXPECT_EQ(run_number(plan, 7, {3}), 7 + 6);
    EXPECT_LT(plan.tables().tokens.size(), 500U);
    const std::int64_t huge[] = {std::int64_t{1} << 40};
    EXPECT_THROW(bind_plan(plan, huge), PlanError) << "a shared part that overflows";
}

TEST(Plans, IterationsReadPartsThatDoNotDependOnThem) {
    // for (i = 0; i < 3; ++i) x += (2 n + 5) i + (2 n + 5), which is the same as the number of temporary bytes
    NumberPlan plan(2);
    plan.symbol_count = 1;
    plan.iteration_count = 1;
    const std::uint32_t iteration = 1 + lathe_machine_symbols, now = plan.temporary_slot(0), next = now + 1;
    const SizeExpression part = SizeExpression::symbol(0) * 2 + 5;
    for (PlanTemporary& t : plan.temporaries) t.bytes = part * 8;
    plan.kernel(0, {0, now}, 0);
    plan.steps.push_back(
        {.kind = lathe_step_loop, .target = 4, .operands = {}, .extents = {}, .trips = 3, .symbol = iteration});
    plan.kernel(0, {now, next}, part * SizeExpression::symbol(iteration) + part);
    plan.steps.back().is_dynamic = true;
    plan.steps.push_back({.kind = lathe_step_next,
                          .target = 2,
                          .operands = {now, next},
                          .extents = {},
                          .trips = 3,
                          .symbol = iteration});
    plan.kernel(0, {now, 1}, 0);
    plan.finish();
    EXPECT_FALSE(plan.tables().shared.empty());
    EXPECT_EQ(run_number(plan, 7, {10}), run_number(plan, 0, {10}) + 7);
    EXPECT_EQ(run_number(plan, 0, {10}) - run_number(plan, 0, {9}), 2 * (1 + 2 + 3));
}

TEST(Plans, BatchesRunTheirKernelsAsOneLoop) {
    constexpr std::uint32_t count = 40;
    Plan plan;
    const SizeExpression n = SizeExpression::symbol(0);
    plan.symbol_count = 1;
    plan.inputs = {{"x", 1, 4, {n}}};
    plan.kernels = {twice, fail_at_five};
    for (std::uint32_t i = 0; i < count; ++i) plan.outputs.push_back({"y" + std::to_string(i), 1, 4, {n}});
    plan.steps.push_back({.kind = lathe_step_batch, .target = count + 1, .operands = {}, .extents = {}});
    for (std::uint32_t i = 0; i < count; ++i)
        plan.steps.push_back({.operands = {0, plan.output_slot(i)}, .extents = {n}, .trips = n, .cost = 250});
    plan.finish();
    for (const std::int64_t size : {0, 1, 5, 1000, 10000, 100000}) {
        std::vector<float> x(static_cast<std::size_t>(size));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
        std::vector<std::vector<float>> y(count, std::vector<float>(x.size(), -1));
        const std::int64_t symbols[] = {size};
        const Binding bound = bind_plan(plan, symbols);
        const void* inputs[] = {x.data()};
        std::vector<void*> outputs;
        for (auto& v : y) outputs.push_back(v.data());
        EXPECT_FALSE(run_bound(*bound, inputs, outputs.data()));
        for (const auto& v : y)
            for (std::size_t i = 0; i < v.size(); ++i) ASSERT_EQ(v[i], 2 * x[i]);
        EXPECT_EQ(bound->tables->is_parallel != 0, size >= 10000) << "together they are worth two threads";
    }
    plan.sites = {{"none"}, {"none"}, {"first"}, {"second"}};
    for (const std::uint32_t at : {30U, 20U}) {
        plan.steps[at].kernel = 1;
        plan.steps[at].first_site = at == 20 ? 1 : 2;
    }
    plan.finish();
    const std::int64_t symbols[] = {1000};
    const auto bound = bind_plan_uncached(plan, symbols);
    std::vector<float> x(1000), y(1000);
    const void* inputs[] = {x.data()};
    const std::vector<void*> outputs(count, y.data());
    EXPECT_EQ(describe(plan, run_bound(*bound, inputs, outputs.data())),
              "first 5 at position 5 is out of range for 1000");
}

// Every worker finds its own workspace.
void count_in_workspace(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                        std::int64_t begin, std::int64_t end, lathe_task* task) {
    auto* const mine = static_cast<std::int64_t*>(task->workspace);
    auto* const out = static_cast<std::int64_t*>(slots[operands[0]]);
    for (std::int64_t i = begin; i < end; ++i) {
        for (std::int64_t k = 0; k < extents[0]; ++k) mine[k] = i + k;
        std::this_thread::yield();
        out[i] = 0;
        for (std::int64_t k = 0; k < extents[0]; ++k) out[i] += mine[k];
    }
}

TEST(Plans, WorkersHaveWorkspacesOfTheirOwn) {
    Plan plan;
    const SizeExpression n = SizeExpression::symbol(0);
    plan.symbol_count = 1;
    plan.outputs = {{"y", 4, 8, {n}}};
    plan.kernels = {count_in_workspace};
    plan.steps.push_back(
        {.operands = {0}, .extents = {64}, .trips = n, .cost = 6000000, .workspace = SizeExpression(64 * 8)});
    plan.finish();
    const std::int64_t symbols[] = {2000};
    const auto bound = bind_plan_uncached(plan, symbols);
    EXPECT_EQ(bound->workspace_bytes(3), bound->workspace_bytes(0) + 3 * 512);
    tbb::task_arena arena(4);
    for (const int limit : {1, 2, 3, 4}) {
        std::vector<std::int64_t> y(2000, -1);
        void* outputs[] = {y.data()};
        const HostArena lent(arena);
        const ThreadLimit threads(limit);
        EXPECT_FALSE(run_bound(*bound, nullptr, outputs));
        for (std::int64_t i = 0; i < 2000; ++i) ASSERT_EQ(y[static_cast<std::size_t>(i)], 64 * i + 63 * 32) << limit;
    }
}

double thread_nanoseconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

// Compared with as many calls through a pointer: what matters is that nothing slow creeps into the loop.
TEST(Plans, AStepCostsNanoseconds) {
    Plan plan;
    plan.inputs = {{"x", 1, 4, {}}};
    plan.outputs = {{"y", 1, 4, {}}};
    plan.kernels = {nothing};
    for (int i = 0; i < 1000; ++i) plan.steps.push_back({.operands = {0, 1}, .extents = {}});
    plan.finish();
    const Binding bound = bind_plan(plan, {});
    const Buffer workspace = allocate(bound->workspace_bytes(1));
    float x = 0, y = 0;
    const void* inputs[] = {&x};
    void* outputs[] = {&y};
    const lathe_kernel volatile kernel = nothing;
    double best = 1e9, reference = 1e9;
    for (int repeat = 0; repeat < 50; ++repeat) {
        double start = thread_nanoseconds();
        run(*bound, inputs, outputs, workspace.data(), 1);
        best = std::min(best, (thread_nanoseconds() - start) / 1000);
        start = thread_nanoseconds();
        for (int i = 0; i < 1000; ++i) kernel(nullptr, nullptr, nullptr, 0, 0, nullptr);
        reference = std::min(reference, (thread_nanoseconds() - start) / 1000);
    }
    RecordProperty("nanoseconds_per_step", std::to_string(best));
#ifndef LATHE_SANITIZED  // which makes everything several times slower
    EXPECT_LT(best, 5 * reference);
#endif
}

}  // namespace
}  // namespace lathe::runtime
