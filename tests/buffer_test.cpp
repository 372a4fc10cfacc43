#include "runtime/buffer.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace lathe::runtime {
namespace {

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

}  // namespace
}  // namespace lathe::runtime
