// The kernel cache: equal kernels compile once, however many threads ask.
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "ir/error.h"
#include "ir/loops/text.h"
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
