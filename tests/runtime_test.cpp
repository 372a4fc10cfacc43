#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <limits>
#include <random>
#include <set>
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

using Code = SizeExpression::Code;

// ---- buffers ----

TEST(Buffers, AreAlignedAndSized) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{257},
                                    std::size_t{4097}, std::size_t{1000000}, huge_page, huge_page + 1}) {
        const Buffer b = allocate(bytes);
        EXPECT_GE(b.capacity(), bytes);
        EXPECT_LE(b.capacity(), std::max<std::size_t>(256, bytes + bytes / 4 + 64));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % (bytes >= huge_page ? huge_page : buffer_alignment), 0u);
        std::memset(b.data(), 0x5a, bytes);
    }
}

TEST(Buffers, AreReused) {
    const std::byte* first = nullptr;
    {
        const Buffer b = allocate(5000);
        first = b.data();
    }
    EXPECT_EQ(allocate(5000).data(), first);
}

TEST(Buffers, ShareOneBlock) {
    Buffer a = allocate(100);
    EXPECT_TRUE(a.sole_owner());
    Buffer b = a;
    EXPECT_FALSE(a.sole_owner());
    EXPECT_EQ(a, b);
    b = Buffer();
    EXPECT_TRUE(a.sole_owner());
    Buffer c = std::move(a);
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): what a move leaves behind is what is tested
    EXPECT_TRUE(c.sole_owner());
}

TEST(Buffers, AdoptedMemoryIsReleasedOnce) {
    int released = 0;
    float data[4] = {};
    {
        const Buffer a = Buffer::adopt(data, sizeof data, [](void* n) { ++*static_cast<int*>(n); }, &released);
        const Buffer b = a;
        EXPECT_EQ(static_cast<void*>(b.data()), data);
        EXPECT_FALSE(b.pooled());
        EXPECT_EQ(released, 0);
    }
    EXPECT_EQ(released, 1);
}

TEST(Buffers, CountBytes) {
    const std::uint64_t before = memory_use().in_use;
    Buffer b = allocate(1 << 20);
    EXPECT_EQ(memory_use().in_use, before + b.capacity());
    std::thread([moved = std::move(b)]() mutable { moved = Buffer(); }).join();  // freed by a thread that then ends
    EXPECT_EQ(memory_use().in_use, before);
}

TEST(Buffers, LimitIsKept) {
    trim_memory();
    const std::uint64_t reserved = memory_use().reserved;
    limit_memory(reserved + (1 << 20));
    {
        const Buffer fits = allocate(1 << 19);
        EXPECT_THROW(allocate(1 << 20), ResourceExhausted);
    }
    EXPECT_NO_THROW(allocate(1 << 20));  // the pooled half is given back first
    limit_memory(~std::uint64_t{0});
    EXPECT_THROW(allocate(~std::size_t{0}), ResourceExhausted);
}

int calls_until_failure = 0;

TEST(Buffers, EveryAllocationMayFail) {
    trim_memory();
    const MemoryUse before = memory_use();
    static const SystemMemory system = default_system_memory();
    set_system_memory({[](std::size_t bytes, std::size_t alignment) -> void* {
                           return --calls_until_failure < 0 ? nullptr : system.allocate(bytes, alignment);
                       },
                       system.release});
    int failures = 0;
    for (int n = 0; n < 6; ++n) {
        calls_until_failure = n;
        std::vector<Buffer> held;
        try {
            for (std::size_t i = 0; i < 5; ++i) held.push_back(allocate(3000 << i));
        } catch (const ResourceExhausted& e) {
            ++failures;
            EXPECT_NE(std::string(e.what()).find("no more memory"), std::string::npos);
        }
        held.clear();
        trim_memory();
        EXPECT_EQ(memory_use().in_use, before.in_use);
        EXPECT_EQ(memory_use().reserved, before.reserved);
    }
    set_system_memory(system);
    EXPECT_EQ(failures, 5);
}

TEST(Buffers, ManyThreadsExchangeBlocks) {
    const std::uint64_t before = memory_use().in_use;
    std::vector<Buffer> exchanged(64);
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            std::mt19937 random(t);
            for (int i = 0; i < 5000; ++i) {
                Buffer b = allocate(random() % 10000);
                std::memset(b.data(), static_cast<int>(t), b.capacity());
                const std::size_t at = random() % exchanged.size();
                const std::lock_guard lock(mutex);
                std::swap(exchanged[at], b);
            }
        });
    for (auto& t : threads) t.join();
    std::set<std::byte*> distinct;
    for (const Buffer& b : exchanged) EXPECT_TRUE(!b || distinct.insert(b.data()).second);
    exchanged.clear();
    EXPECT_EQ(memory_use().in_use, before);
}

// ---- CPU ----

TEST(CpuFeatures, AgreeWithTheCompiler) {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    EXPECT_EQ(cpu().level, v4 ? CpuLevel::avx512 : v3 ? CpuLevel::avx2 : CpuLevel::baseline);
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
    EXPECT_EQ(SizeExpression::binary(Code::floordiv, n + m, 4).evaluate(values), 3);
    EXPECT_EQ(SizeExpression::binary(Code::floordiv, -7, 2).evaluate(values), -4);
    EXPECT_EQ(SizeExpression::binary(Code::floordiv, 7, -2).evaluate(values), -4);
    EXPECT_EQ(SizeExpression::binary(Code::subtract, m, n).evaluate(values), -7);
    EXPECT_EQ(SizeExpression::binary(Code::min, m, n).evaluate(values), 3);
    EXPECT_EQ(SizeExpression::binary(Code::max, m, n).evaluate(values), 10);
    SizeExpression deep = n;
    for (int i = 0; i < 100; ++i) deep = SizeExpression(1) + deep;  // the stack grows with each
    EXPECT_EQ(deep.depth(), 101);
    EXPECT_EQ(deep.evaluate(values), 110);
}

TEST(SizeExpressions, RefuseWhatHasNoValue) {
    const std::int64_t big[] = {std::int64_t{1} << 62};
    const SizeExpression n = SizeExpression::symbol(0);
    EXPECT_THROW((n * 4).evaluate(big), PlanError);
    EXPECT_THROW((n + n).evaluate(big), PlanError);
    EXPECT_THROW(SizeExpression::binary(Code::floordiv, n, 0).evaluate(big), PlanError);
    EXPECT_THROW(SizeExpression::binary(Code::floordiv, std::numeric_limits<std::int64_t>::min(), -1).evaluate(big),
                 PlanError);
    EXPECT_THROW(SizeExpression::symbol(1).evaluate(big), PlanError);
}

// ---- placement ----

TEST(Placement, OverlappingLifetimesAreDisjoint) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<Lifetime> lives(random() % 30);
        std::int64_t most = 0, all = 0;
        for (Lifetime& life : lives) {
            life.bytes = static_cast<std::int64_t>(random() % 1000);
            life.first = static_cast<std::int64_t>(random() % 20);
            life.last = life.first + static_cast<std::int64_t>(random() % 5);
            all += (life.bytes + 63) / 64 * 64;
        }
        for (std::int64_t step = 0; step < 25; ++step) {
            std::int64_t now = 0;
            for (const Lifetime& life : lives)
                if (life.first <= step && step <= life.last) now += (life.bytes + 63) / 64 * 64;
            most = std::max(most, now);
        }
        const Placement p = place(lives);
        EXPECT_GE(p.total, most);
        EXPECT_LE(p.total, all);
        for (std::size_t a = 0; a < lives.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) {
                EXPECT_EQ(p.offsets[a] % 64, 0);
                const bool together = lives[a].first <= lives[b].last && lives[b].first <= lives[a].last;
                const bool disjoint =
                    p.offsets[a] + lives[a].bytes <= p.offsets[b] || p.offsets[b] + lives[b].bytes <= p.offsets[a];
                EXPECT_TRUE(!together || disjoint || lives[a].bytes == 0 || lives[b].bytes == 0);
            }
    }
}

// ---- plans ----

// out[i] = in[i] * 2 over extents[0]
void twice(void* const* slots, const std::uint32_t* operands, const std::int64_t*, std::int64_t begin, std::int64_t end,
           lathe_fault*) {
    const auto* in = static_cast<const float*>(slots[operands[0]]);
    auto* out = static_cast<float*>(slots[operands[1]]);
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * 2;
}

void add(void* const* slots, const std::uint32_t* operands, const std::int64_t*, std::int64_t begin, std::int64_t end,
         lathe_fault*) {
    const auto* a = static_cast<const float*>(slots[operands[0]]);
    const auto* b = static_cast<const float*>(slots[operands[1]]);
    auto* out = static_cast<float*>(slots[operands[2]]);
    for (std::int64_t i = begin; i < end; ++i) out[i] = a[i] + b[i];
}

void fail_at_five(void* const*, const std::uint32_t*, const std::int64_t* extents, std::int64_t begin, std::int64_t end,
                  lathe_fault* fault) {
    if (begin <= 5 && 5 < end) {
        *fault = {1, 0, 5, extents[0], 5};
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
    plan.temporaries = {n * 4, n * 4};
    plan.kernels = {twice, add};
    plan.steps = {
        {0, {0, plan.temporary_slot(0)}, {n}, n, 250, 0},
        {0, {plan.temporary_slot(0), plan.temporary_slot(1)}, {n}, n, 250, 0},
        {1, {plan.temporary_slot(1), plan.constant_slot(0), plan.output_slot(0)}, {n}, n, 250, 0},
    };
}

std::vector<float> run_once(const Plan& plan, std::int64_t n) {
    std::vector<float> x(static_cast<std::size_t>(n)), y(x.size(), -1);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.5f;
    const std::int64_t shape[] = {n};
    const std::span<const std::int64_t> shapes[] = {shape};
    const Binding bound = bind_plan(plan, symbols_of(plan, shapes));
    const Buffer workspace = allocate(static_cast<std::size_t>(bound->workspace_bytes));
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    EXPECT_FALSE(run(*bound, inputs, outputs, workspace.data()));
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
    EXPECT_EQ(bound->offsets[1], bound->offsets[0] + 448);
    EXPECT_EQ(bound->workspace_bytes, bound->offsets[1] + 448);
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
    const std::int64_t huge[] = {std::int64_t{1} << 62};
    EXPECT_THROW(bind_plan(plan, huge), PlanError);
}

TEST(Plans, StopAtAFault) {
    Plan plan;
    fill(plan);
    plan.kernels.push_back(fail_at_five);
    plan.sites = {{"nothing"}, {"also nothing"}, {"gather: index", 7}};
    plan.steps[1] = {2, {}, {SizeExpression::symbol(0)}, SizeExpression::symbol(0), 250, 1};
    const std::int64_t n[] = {100};
    const Binding bound = bind_plan(plan, n);
    std::vector<float> x(100), y(100, -1);
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    const Buffer workspace = allocate(static_cast<std::size_t>(bound->workspace_bytes));
    const RunFault fault = run(*bound, inputs, outputs, workspace.data());
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault.step, 1);
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
    const Buffer workspace = allocate(static_cast<std::size_t>(bound->workspace_bytes));
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    run(*bound, inputs, outputs, workspace.data());
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(y[0], 4 * std::numeric_limits<float>::denorm_min());
    EXPECT_EQ(after & 0x8040u, 0x8040u) << "the host's setting is restored";
}

void nothing(void* const*, const std::uint32_t*, const std::int64_t*, std::int64_t, std::int64_t, lathe_fault*) {}

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
    for (int i = 0; i < 1000; ++i) plan.steps.push_back({0, {0, 1}, {}, 1, 0, 0});
    const Binding bound = bind_plan(plan, {});
    const Buffer workspace = allocate(static_cast<std::size_t>(bound->workspace_bytes));
    float x = 0, y = 0;
    const void* inputs[] = {&x};
    void* outputs[] = {&y};
    const lathe_kernel volatile kernel = nothing;
    double best = 1e9, reference = 1e9;
    for (int repeat = 0; repeat < 50; ++repeat) {
        double start = thread_nanoseconds();
        run(*bound, inputs, outputs, workspace.data());
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
