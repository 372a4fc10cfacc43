// The type of a tensor: dtype and shape.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "ir/dim.h"
#include "ir/dtype.h"

namespace lathe::ir {

inline constexpr std::size_t max_rank = 8;

// Up to max_rank dimensions, stored in place.
class Shape {
public:
    constexpr Shape() = default;
    // More dimensions than max_rank are the mistake of the line that wrote them: throws TypeError.
    constexpr Shape(std::initializer_list<Dim> dims, std::source_location where = std::source_location::current())
        : Shape(std::span(dims.begin(), dims.size()), where) {}
    constexpr explicit Shape(std::span<const Dim> dims, std::source_location where = std::source_location::current()) {
        if (dims.size() > max_rank) throw_too_many(where);
        for (Dim d : dims) push_back(d);
    }
    Shape(const std::vector<std::int64_t>& extents,  // NOLINT(google-explicit-constructor): extents are a shape
          std::source_location where = std::source_location::current()) {
        if (extents.size() > max_rank) throw_too_many(where);
        for (std::int64_t e : extents) push_back(e);
    }

    constexpr std::size_t rank() const { return rank_; }
    constexpr Dim operator[](std::size_t i) const { return dims_[i]; }
    constexpr Dim& operator[](std::size_t i) { return dims_[i]; }
    constexpr const Dim* begin() const { return dims_.data(); }
    constexpr const Dim* end() const { return dims_.data() + rank_; }
    constexpr void push_back(Dim d) {  // throws TypeError
        if (rank_ == max_rank) [[unlikely]]
            throw_too_many();
        dims_[rank_++] = d;
    }
    constexpr std::span<const Dim> dims() const { return {dims_.data(), rank_}; }

    Dim element_count() const {
        Dim n = 1;
        for (Dim d : *this) n *= d;
        return n;
    }
    bool is_constant() const {
        return std::ranges::all_of(*this, [](Dim d) { return d.is_constant(); });
    }

    friend constexpr bool operator==(const Shape& a, const Shape& b) { return std::ranges::equal(a, b); }

private:
    [[noreturn]] static void throw_too_many(std::source_location where = {});

    std::array<Dim, max_rank> dims_{};
    std::uint8_t rank_ = 0;
};

// The row-major offset of an index into memory of these extents; `at(i)` is the index along dimension i.
template <class T, class At>
constexpr T linear_offset(std::span<const T> extents, const At& at) {
    T offset = 0;
    for (std::size_t i = 0; i < extents.size(); ++i) offset = offset * extents[i] + at(i);
    return offset;
}
inline Dim linear_offset(const Shape& shape, std::span<const Dim> index) {
    return linear_offset(shape.dims(), [&](std::size_t i) { return index[i]; });
}

struct Type {
    Dtype dtype = Dtype::f32;
    Shape shape;

    friend bool operator==(const Type&, const Type&) = default;
    std::string to_string(std::span<const std::string> symbol_names = {}) const;  // f32[batch, 64]
    // Whether 64 bits count the bytes, as far as the extents are numbers; those of 0 do not make up for others.
    bool is_addressable() const;
};

// What messages say of operands: " (f32[2], i32[3] and bool[])", or nothing where there are none. Long expressions are
// cut, and of many types the first are named.
std::string in_parentheses(std::span<const Type> types, std::span<const std::string> symbol_names = {});

}  // namespace lathe::ir
