// Copies and byte swaps against the obvious loops.
#include "runtime/convert.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/swap_bytes.h"

namespace lathe::runtime {
namespace {

TEST(SwapBytes, ReversesAtEveryLevelAndLength) {
    std::mt19937 random(3);
    const auto check = [&](auto&& swap) {
        for (const std::size_t size : {1, 2, 4, 8})
            for (std::size_t count = 0; count < 140; count += count < 20 ? 1 : 17) {
                std::vector<std::byte> data(count * size + 1), expected;
                for (std::byte& b : data) b = static_cast<std::byte>(random());
                expected = data;
                for (std::size_t i = 0; i < count; ++i)
                    std::reverse(expected.data() + i * size, expected.data() + (i + 1) * size);
                swap(data.data(), count, size);
                EXPECT_EQ(data, expected) << count << " of " << size;
            }
    };
    check(swap_bytes);
    check([](std::byte* d, std::size_t n, std::size_t s) { SwapBytes{}(xsimd::sse2{}, d, n, s); });
    if (xsimd::available_architectures().avx2)
        check([](std::byte* d, std::size_t n, std::size_t s) { SwapBytes{}(xsimd::avx2{}, d, n, s); });
}

TEST(CopyStrided, AgreesWithTheObviousLoop) {
    std::mt19937 random(5);
    for (int round = 0; round < 500; ++round) {
        const std::size_t rank = random() % 5, size = std::size_t{1} << random() % 4;
        std::vector<std::int64_t> shape(rank), order(rank), to(rank), from(rank);
        for (auto& extent : shape) extent = static_cast<std::int64_t>(random() % (round % 10 == 0 ? 40 : 6)) % 40;
        for (std::size_t i = 0; i < rank; ++i) order[i] = static_cast<std::int64_t>(i);
        std::shuffle(order.begin(), order.end(), random);
        // Dense in a shuffled order of dimensions; some dimensions are broadcast or walked backwards.
        std::int64_t elements = 1, start = 0;
        for (const std::int64_t axis : order) {
            const auto a = static_cast<std::size_t>(axis);
            from[a] = elements * static_cast<std::int64_t>(size);
            elements *= std::max<std::int64_t>(shape[a], 1);
            if (random() % 4 == 0 && shape[a] > 0) {
                start += from[a] * (shape[a] - 1);
                from[a] = -from[a];
            } else if (random() % 4 == 0) {
                from[a] = 0;
            }
        }
        std::int64_t count = 1;
        for (std::size_t a = rank; a-- > 0; count *= shape[a]) to[a] = count * static_cast<std::int64_t>(size);
        std::vector<std::byte> source(static_cast<std::size_t>(elements) * size),
            target(static_cast<std::size_t>(count) * size), expected = target;
        for (std::byte& b : source) b = static_cast<std::byte>(random());
        for (std::int64_t i = 0; i < count; ++i) {
            std::int64_t at = start, rest = i;
            for (std::size_t a = rank; a-- > 0; rest /= shape[a]) at += rest % shape[a] * from[a];
            std::memcpy(expected.data() + static_cast<std::size_t>(i) * size, source.data() + at, size);
        }
        copy_strided({target.data(), to}, {source.data() + start, from}, shape, size);
        ASSERT_EQ(target, expected) << round;
    }
}

}  // namespace
}  // namespace lathe::runtime
