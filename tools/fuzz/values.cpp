#include "tools/fuzz/values.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include "ir/graph/text.h"
#include "ir/text/element.h"

namespace lathe::testing_support {

using ir::Dtype;
using ir::Literal;

void fill(std::byte* at, std::size_t count, Dtype d, Random& random, bool specials) {
    static constexpr double odd[] = {0.0, -0.0, 1e-40, -1e300, 1e300, 0.5, -1, 65504, 3e38};
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t bits = random();
        if (is_float(d)) {
            double x = -3 + 6 * (static_cast<double>(random() >> 11) * 0x1p-53);
            if (specials && random() % 7 == 0) x = odd[random() % std::size(odd)];
            if (specials && random() % 31 == 0) x = std::numeric_limits<double>::quiet_NaN();
            if (specials && random() % 31 == 0) x = std::numeric_limits<double>::infinity() * (random() % 2 ? 1 : -1);
            const auto f = static_cast<float>(x);
            if (d == Dtype::f64) std::memcpy(&bits, &x, 8);
            if (d == Dtype::f32) std::memcpy(&bits, &f, 4);
            if (d == Dtype::f16) bits = ir::f32_to_f16(f);
            if (d == Dtype::bf16) bits = ir::f32_to_bf16(f);
        } else if (d == Dtype::boolean) {
            bits %= 2;
        } else if (!specials || random() % 2 == 0) {
            bits %= 7;
        } else if (random() % 4 == 0) {  // the least and the greatest, signed and not
            const std::uint64_t sign = std::uint64_t{1} << (8 * size_of(d) - 1);
            const std::uint64_t ends[] = {sign, sign - 1, ~std::uint64_t{0}};
            bits = ends[random() % 3];
        }
        std::memcpy(at + i * size_of(d), &bits, size_of(d));
    }
}

Literal random_literal(const ir::Type& type, Random& random, bool specials) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(type.shape.element_count().constant()) * size_of(type.dtype));
    fill(bytes.data(), bytes.size() / size_of(type.dtype), type.dtype, random, specials);
    return ir::make_literal(type, bytes);
}

Literal random_indices(const ir::Type& type, std::int64_t bound, Random& random) {
    const std::size_t size = size_of(type.dtype);
    if (size == 1 && is_signed_integer(type.dtype)) bound = std::min<std::int64_t>(bound, 128);
    if (size == 1) bound = std::min<std::int64_t>(bound, 256);
    std::vector<std::byte> bytes(static_cast<std::size_t>(type.shape.element_count().constant()) * size);
    for (std::size_t i = 0; i < bytes.size(); i += size) {
        const std::int64_t index = below(random, bound);
        std::memcpy(bytes.data() + i, &index, size);
    }
    return ir::make_literal(type, bytes);
}

bool is_nan(const std::byte* at, Dtype d) {
    if (!is_float(d)) return false;
    if (d == Dtype::f64) {
        double x = 0;
        std::memcpy(&x, at, 8);
        return x != x;
    }
    float x = 0;
    std::uint16_t half = 0;
    if (d == Dtype::f32)
        std::memcpy(&x, at, 4);
    else
        std::memcpy(&half, at, 2);
    if (d == Dtype::f16) x = ir::f16_to_f32(half);
    if (d == Dtype::bf16) x = ir::bf16_to_f32(half);
    return x != x;
}

bool same_element(const std::byte* a, const std::byte* b, Dtype d) {
    return std::memcmp(a, b, size_of(d)) == 0 || (is_float(d) && is_nan(a, d) && is_nan(b, d));
}

std::vector<std::byte> elements_of(const Literal& literal) {
    const auto count = static_cast<std::size_t>(literal.type.shape.element_count().constant());
    if (!literal.is_splat() || count == 1) return *literal.bytes;
    std::vector<std::byte> bytes;
    bytes.reserve(count * literal.bytes->size());
    for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), literal.bytes->begin(), literal.bytes->end());
    return bytes;
}

std::optional<std::string> difference(const Literal& expected, const Literal& actual) {
    if (!(expected.type == actual.type))
        return "the type is " + actual.type.to_string() + ", not " + expected.type.to_string();
    const std::vector<std::byte> x = elements_of(expected), y = elements_of(actual);
    if (x.size() != y.size()) return "it has " + std::to_string(y.size()) + " bytes, not " + std::to_string(x.size());
    const Dtype d = expected.type.dtype;
    const std::size_t size = size_of(d);
    for (std::size_t i = 0; i < x.size(); i += size) {
        if (same_element(x.data() + i, y.data() + i, d)) continue;
        std::uint64_t p = 0, q = 0;
        std::memcpy(&p, x.data() + i, size);
        std::memcpy(&q, y.data() + i, size);
        return "element " + std::to_string(i / size) + " of " + expected.type.to_string() + " is " +
               ir::print_element(d, q) + ", not " + ir::print_element(d, p);
    }
    return std::nullopt;
}

std::optional<std::string> difference(std::span<const Literal> expected, std::span<const Literal> actual) {
    if (expected.size() != actual.size()) return std::to_string(actual.size()) + " results";
    for (std::size_t i = 0; i < expected.size(); ++i)
        if (auto found = difference(expected[i], actual[i])) return "output " + std::to_string(i) + ": " + *found;
    return std::nullopt;
}

GuardedMemory::GuardedMemory(std::size_t bytes) : bytes_(bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (bytes + page - 1) / page * page + 2 * page;
    base_ = static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    // Emulators of processors read elements that a mask leaves out.
    if (std::getenv("LATHE_TEST_UNGUARDED") == nullptr) {
        mprotect(base_, page, PROT_NONE);
        mprotect(base_ + mapped_ - page, page, PROT_NONE);
    }
    data_ = base_ + mapped_ - page - bytes;
}

GuardedMemory::~GuardedMemory() {
    if (base_ != nullptr) munmap(base_, mapped_);
}

GuardedMemory::GuardedMemory(GuardedMemory&& other) noexcept
    : bytes_(other.bytes_), mapped_(other.mapped_), base_(std::exchange(other.base_, nullptr)), data_(other.data_) {}

}  // namespace lathe::testing_support
