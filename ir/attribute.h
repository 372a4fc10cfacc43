// Attributes: the compile-time arguments of an op. An op's row declares their names and kinds; a node stores their
// values in that order.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/type.h"

namespace lathe::ir {

// A constant tensor: little-endian elements in row-major order, or one element that stands for all (a splat).
// The bytes are shared and immutable, so copies of a literal cost nothing.
struct Literal {
    Type type;  // shape constant
    std::shared_ptr<const std::vector<std::byte>> bytes;
    bool is_splat() const { return bytes->size() == size_of(type.dtype); }
    friend bool operator==(const Literal& a, const Literal& b) {
        return a.type == b.type && (a.bytes == b.bytes || *a.bytes == *b.bytes);
    }
};

Literal make_literal(Type type, std::span<const std::byte> bytes);
// A splat of `value` converted to the dtype, exactly as the convert op does from f64 (or from i64).
Literal splat_literal(Dtype dtype, const Shape& shape, double value);
Literal splat_literal(Dtype dtype, const Shape& shape, std::int64_t value);

enum class AttributeKind : std::uint8_t { integer, integers, dims, dtype, boolean, literal, text };

using Integers = std::vector<std::int64_t>;
using Attribute =
    std::variant<std::int64_t, Integers, Shape, Dtype, bool, Literal, std::string>;  // order of AttributeKind
using Attributes = std::vector<Attribute>;

// Calls f(Dim&) on every extent that an attribute consists of; works on const ones too.
template <class A, class F>
    requires std::same_as<std::remove_const_t<A>, Attribute>
void for_each_dim_of(A& attribute, F&& f) {
    if (auto* shape = std::get_if<Shape>(&attribute))
        for (std::size_t i = 0; i < shape->rank(); ++i) {
            auto&& extent = (*shape)[i];
            f(extent);
        }
}
// Replaces every extent of the shapes among the attributes.
template <class Map>
void map_dims(std::span<Attribute> attributes, const Map& map) {
    for (Attribute& a : attributes) for_each_dim_of(a, [&map](Dim& d) { d = map(d); });
}
// Whether one of those shapes is not made of numbers alone.
inline bool has_symbols(std::span<const Attribute> attributes) {
    return std::ranges::any_of(attributes, [](const Attribute& a) {
        const auto* shape = std::get_if<Shape>(&a);
        return shape != nullptr && !shape->is_constant();
    });
}

inline AttributeKind kind_of(const Attribute& a) { return static_cast<AttributeKind>(a.index()); }

struct AttributeDef {
    std::string_view name;
    AttributeKind kind = AttributeKind::integer;
};

}  // namespace lathe::ir
