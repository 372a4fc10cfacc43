// The lines along an axis of a dense tensor, as rules of opaque ops and their references see them.
#pragma once

#include <cstring>

#include "ir/ops/op.h"

namespace lathe::ir::ops {

inline constexpr AxisAttribute<0> line_axis{"axis", "along which the elements are taken"};

// How the lines along an axis lie in a dense tensor: `outer` times `inner` of them, of `extent` elements that are
// `inner` apart.
struct Lines {
    Dim outer = 1, extent = 1, inner = 1;
    Lines(const Shape& shape, std::int64_t axis) {
        const auto a = static_cast<std::size_t>(axis);
        for (std::size_t i = 0; i < shape.rank(); ++i) (i < a ? outer : i > a ? inner : extent) *= shape[i];
    }
    // Calls f(position of the first element) for each line of a constant shape.
    template <class F>
    void for_each(F&& f) const {
        for (std::int64_t o = 0; o < outer.constant(); ++o)
            for (std::int64_t i = 0; i < inner.constant(); ++i)
                f(static_cast<std::size_t>(o * extent.constant() * inner.constant() + i));
    }
};

// The elements of a literal as bits, and those of a result.
class Elements {
public:
    explicit Elements(const Literal& literal)
        : bytes_(*literal.bytes), size_(size_of(literal.type.dtype)), step_(literal.is_splat() ? 0 : size_) {}
    std::uint64_t operator[](std::size_t i) const {
        std::uint64_t bits = 0;
        std::memcpy(&bits, bytes_.data() + i * step_, size_);
        return bits;
    }

private:
    const std::vector<std::byte>& bytes_;
    std::size_t size_, step_;
};

class Result {
public:
    explicit Result(const Type& type)
        : type_(type),
          size_(size_of(type.dtype)),
          bytes_(static_cast<std::size_t>(type.shape.element_count().constant()) * size_) {}
    void set(std::size_t i, std::uint64_t bits) { std::memcpy(bytes_.data() + i * size_, &bits, size_); }
    Literal finish() { return {type_, std::make_shared<const std::vector<std::byte>>(std::move(bytes_))}; }

private:
    Type type_;
    std::size_t size_;
    std::vector<std::byte> bytes_;
};

inline constexpr std::int64_t long_line = 1 << 16;  // elements worth several threads
inline constexpr std::int64_t most_parts = 16, few_lines = 4;

// 1 where there are few lines and they are long, so that threads share each of them; else 0.
inline Dim shares_lines(const Lines& lines) {
    if (lines.extent.is_constant() && lines.extent.constant() < long_line) return 0;
    const Dim count = lines.outer * lines.inner;
    if (count.is_constant() && count.constant() >= few_lines) return 0;
    return ir::min(ir::min(floordiv(lines.extent, long_line), ir::max(0, few_lines - count)), 1);
}

}  // namespace lathe::ir::ops
