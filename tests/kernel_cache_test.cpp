// The kernel cache: equal kernels compile once, however many threads ask.
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "ir/error.h"
#include "ir/loops_text.h"
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

TEST(KernelCache, RefusesUnsoundNests) {
    LoopNest nest = ir::parse_loop_nest(add_text, "t");
    nest.buffers[2].role = BufferRole::input;
    EXPECT_THROW(KernelCache::shared().compile({&nest, 1}, host_target()), InternalError);
    EXPECT_THROW(target_named("sparc"), UserError);
}

}  // namespace
}  // namespace lathe::codegen
