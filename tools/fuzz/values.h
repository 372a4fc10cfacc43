// Data for tests: random elements with the odd values of every dtype, comparison of bits, and memory that notices
// accesses outside it.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "ir/attribute.h"

namespace lathe::testing_support {

using Random = std::mt19937_64;

// In [0, n); the same on every platform.
inline std::int64_t below(Random& random, std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
}
inline bool chance(Random& random, int percent) { return below(random, 100) < percent; }

// Floats in [-3, 3), small integers; `specials` mixes in zeros, denormals, infinities, NaN and extreme integers.
void fill(std::byte* at, std::size_t count, ir::Dtype d, Random& random, bool specials);
ir::Literal random_literal(const ir::Type& type, Random& random, bool specials);
// Integers in [0, bound).
ir::Literal random_indices(const ir::Type& type, std::int64_t bound, Random& random);

bool is_nan(const std::byte* at, ir::Dtype d);
// Whether two elements have the same bits, or both are NaN.
bool same_element(const std::byte* a, const std::byte* b, ir::Dtype d);
// Where two values differ, in words; NaN equals NaN, all else by bits.
std::optional<std::string> difference(const ir::Literal& expected, const ir::Literal& actual);
std::optional<std::string> difference(std::span<const ir::Literal> expected, std::span<const ir::Literal> actual);

// A literal's elements, all of them, also where it is a splat.
std::vector<std::byte> elements_of(const ir::Literal& literal);

// Memory whose last byte is followed by a page that cannot be touched; the page before the data cannot either.
class GuardedMemory {
public:
    explicit GuardedMemory(std::size_t bytes);
    ~GuardedMemory();
    GuardedMemory(GuardedMemory&& other) noexcept;
    GuardedMemory& operator=(GuardedMemory&&) = delete;

    std::byte* data() const { return data_; }
    std::size_t size() const { return bytes_; }

private:
    std::size_t bytes_, mapped_ = 0;
    std::byte *base_ = nullptr, *data_ = nullptr;
};

}  // namespace lathe::testing_support
