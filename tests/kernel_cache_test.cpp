// The kernel cache: equal kernels compile once, however many threads ask.
#include <algorithm>
#include <atomic>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_scheduler_observer.h>

#include "codegen/kernels.h"
#include "ir/error.h"
#include "ir/loops/text.h"
#include "runtime/parallel.h"
#include "tests/add_kernel.h"

namespace lathe::codegen {
namespace {

using ir::BufferRole;
using ir::LoopNest;

TEST(KernelCache, CompilesEqualKernelsOnce) {
    KernelCache cache;
    const Target target = host_target();
    LoopNest nest = ir::parse_loop_nest(add_text, "t"), renamed = nest;
    renamed.name = "another";
    renamed.buffers[0].name = "first";
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10; ++i) {
                const LoopNest both[] = {nest, renamed};
                const auto kernels = cache.compile(both, target);
                EXPECT_EQ(kernels[0], kernels[1]);
            }
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(cache.compiled(), 1U);
    EXPECT_EQ(cache.hits(), 79U);
    const auto other = cache.compile({&nest, 1}, target_named("avx2"));
    const auto same = cache.compile({&nest, 1}, target);
    EXPECT_EQ(cache.compiled(), target.name == "avx2" ? 1U : 2U);
    EXPECT_NE(same[0]->entry(), nullptr);
    EXPECT_FALSE(other[0]->object->empty());
}

TEST(KernelCache, CompilesSeveralAtOnce) {
    KernelCache cache;
    std::vector<LoopNest> nests;
    for (const char* op : {"add", "sub", "mul", "max", "min", "div"}) {
        std::string text(add_text);
        replace_all(text, "add(", std::string(op) + "(");
        nests.push_back(ir::parse_loop_nest(text, "t"));
    }
    const auto kernels = cache.compile(nests, host_target());
    EXPECT_EQ(cache.compiled(), nests.size());
    float a[] = {1, 2}, b[] = {5, 3}, c[2];
    void* slots[] = {a, b, c};
    const std::uint32_t operands[] = {0, 1, 2};
    const std::int64_t extents[] = {2};
    const float expected[] = {6, -4, 5, 5, 1, 0.2F};
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        kernels[i]->entry()(slots, operands, extents, 0, 1, nullptr);
        EXPECT_EQ(c[0], expected[i]);
    }
}

// A kernel of its own for each number.
LoopNest numbered(int number) {
    std::string text(add_text);
    replace_all(text, "step 128", "step " + std::to_string(number * 16));
    replace_all(text, "min(128", "min(" + std::to_string(number * 16));
    return ir::parse_loop_nest(text, "t");
}

TEST(KernelCache, DropsWhatIsLongestUnused) {
    KernelCache cache(3);
    const auto compile = [&](int number) {
        const LoopNest nest = numbered(number);
        return cache.compile({&nest, 1}, host_target())[0];
    };
    std::weak_ptr<const LoadedCode> first = compile(1)->code;
    compile(2);
    const auto held = compile(3);
    compile(1);
    EXPECT_EQ(cache.evicted(), 0U);
    compile(4);  // 2 goes
    EXPECT_EQ(cache.evicted(), 1U);
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_FALSE(first.expired());
    compile(5);  // 3 is held: 1 goes, and its code
    EXPECT_TRUE(first.expired());
    EXPECT_EQ(compile(3), held);
    EXPECT_EQ(cache.compiled(), 5U);
    compile(1);
    EXPECT_EQ(cache.compiled(), 6U);
    cache.set_capacity(0);
    EXPECT_EQ(cache.size(), 1U);
    float a[] = {1, 2}, b[] = {5, 3}, c[2];
    void* slots[] = {a, b, c};
    const std::uint32_t operands[] = {0, 1, 2};
    const std::int64_t extents[] = {2};
    held->entry()(slots, operands, extents, 0, 1, nullptr);
    EXPECT_EQ(c[0], 6);
}

TEST(KernelCache, EvictsWhileThreadsCompile) {
    KernelCache cache(2);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 30; ++i) {
                const LoopNest nests[] = {numbered(1 + (t + i) % 5), numbered(1 + i % 5)};
                for (const auto& kernel : cache.compile(nests, host_target())) EXPECT_NE(kernel->entry(), nullptr);
            }
        });
    for (auto& t : threads) t.join();
    cache.set_capacity(2);
    EXPECT_LE(cache.size(), 2U);
    EXPECT_EQ(cache.compiled() - cache.evicted(), cache.size());
}

std::size_t executable_mappings() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find(" r-xp ") != std::string::npos;
    return count;
}

// What is evicted gives its memory back.
std::vector<LoopNest> numbered_from(int first, int count) {
    std::vector<LoopNest> nests;
    for (int n = 0; n < count; ++n) nests.push_back(numbered(first + n));
    return nests;
}

std::set<std::string> threads_of_process() {
    std::set<std::string> ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
        ids.insert(entry.path().filename());
    return ids;
}

double seconds(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(KernelCache, CompilesOnTheCallersThreadAloneWhereThatIsTheLimit) {
    const runtime::ThreadLimit one(1);
    KernelCache cache;
    const auto threads = threads_of_process();
    const double process = seconds(CLOCK_PROCESS_CPUTIME_ID), own = seconds(CLOCK_THREAD_CPUTIME_ID);
    cache.compile(numbered_from(2, 24), host_target());
    const double of_thread = seconds(CLOCK_THREAD_CPUTIME_ID) - own;
    EXPECT_LT(seconds(CLOCK_PROCESS_CPUTIME_ID) - process, 1.2 * of_thread);  // threads that have ended count, too
    EXPECT_EQ(threads_of_process(), threads);
    EXPECT_EQ(cache.compiled(), 24U);
}

#ifndef LATHE_THREAD_SANITIZER  // under which TBB is bypassed

// Threads that take part in an arena.
class Participants : public tbb::task_scheduler_observer {
public:
    explicit Participants(tbb::task_arena& arena) : tbb::task_scheduler_observer(arena) { observe(true); }
    ~Participants() override { observe(false); }
    void on_scheduler_entry(bool) override {
        const std::lock_guard lock(mutex_);
        ids_.insert(std::to_string(gettid()));
    }
    std::set<std::string> ids() {
        const std::lock_guard lock(mutex_);
        return ids_;
    }

private:
    std::mutex mutex_;
    std::set<std::string> ids_;
};

TEST(KernelCache, CompilesInTheHostsArena) {
    KernelCache cache;
    tbb::task_arena arena(2);
    Participants participants(arena);
    const runtime::HostArena in_arena(arena);
    const auto before = threads_of_process();
    for (int round = 0; participants.ids().empty(); ++round) {
        ASSERT_LT(round, 20);
        cache.compile(numbered_from(2 + 24 * round, 24), host_target());
    }
    const auto after = threads_of_process(), inside = participants.ids();
    EXPECT_LE(inside.size(), 1U);  // beside the caller
    for (const std::string& id : after) EXPECT_TRUE(before.contains(id) || inside.contains(id)) << id;
}

TEST(KernelCache, NeedsNoPlaceInAnArenaThatWaitsForIt) {
    constexpr std::size_t count = 8;
    KernelCache cache;
    tbb::task_arena arena(2);
    const std::vector<LoopNest> nests = numbered_from(2, count);
    std::atomic<int> inside{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            arena.execute([&] {
                ++inside;
                while (cache.size() < count) std::this_thread::yield();  // on their way
                EXPECT_EQ(cache.compile(nests, host_target()).size(), count);
            });
        });
    while (inside < 2) std::this_thread::yield();
    const runtime::HostArena in_arena(arena);
    EXPECT_EQ(cache.compile(nests, host_target()).size(), count);
    EXPECT_EQ(cache.compiled(), count);
}

#endif

TEST(KernelCache, FreesCode) {
    KernelCache cache(2);
    const LoopNest warm[] = {numbered(1), numbered(2)};
    cache.compile(warm, host_target());
    const std::size_t before = executable_mappings();
    for (int i = 3; i < 100; ++i) {
        const LoopNest nest = numbered(i);
        cache.compile({&nest, 1}, host_target());
    }
    EXPECT_EQ(cache.evicted(), 97U);
    EXPECT_LE(executable_mappings(), before + 2);
}

TEST(KernelCache, RefusesUnsoundNests) {
    LoopNest nest = ir::parse_loop_nest(add_text, "t");
    nest.buffers[2].role = BufferRole::input;
    EXPECT_THROW(KernelCache::shared().compile({&nest, 1}, host_target()), InternalError);
    EXPECT_THROW(target_named("sparc"), UserError);
}

}  // namespace
}  // namespace lathe::codegen
