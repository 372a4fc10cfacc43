// Attributes: the compile-time arguments of an op. An op's row declares their names and kinds; a node stores their
// values in that order.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
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

class Graph;

// A graph that a node runs as a part of what it computes: immutable and shared, so that copies of the node cost
// nothing. Whatever it uses is a parameter of it and an operand of the node. Its extents are over the symbols of the
// graph around it; it names none of its own. Two are equal where they compute the same in the same way.
struct Region {
    std::shared_ptr<const Graph> graph;
    friend bool operator==(const Region& a, const Region& b);
};

enum class AttributeKind : std::uint8_t { integer, integers, dims, dtype, boolean, literal, text, region };

using Integers = std::vector<std::int64_t>;
using Attribute =
    std::variant<std::int64_t, Integers, Shape, Dtype, bool, Literal, std::string, Region>;  // order of AttributeKind
using Attributes = std::vector<Attribute>;

// A region with other extents; calls `map` in an order that only its structure decides.
Region map_dims(const Region& region, const std::function<Dim(Dim)>& map);
bool has_symbols(const Region& region);

// Calls f(Dim&) on every extent that an attribute consists of, but for those within regions; works on const ones too.
template <class A, class F>
    requires std::same_as<std::remove_const_t<A>, Attribute>
void for_each_dim_of(A& attribute, F&& f) {
    if (auto* shape = std::get_if<Shape>(&attribute))
        for (std::size_t i = 0; i < shape->rank(); ++i) {
            auto&& extent = (*shape)[i];
            f(extent);
        }
}
// Replaces every extent of the shapes among the attributes, within regions too.
template <class Map>
void map_dims(std::span<Attribute> attributes, const Map& map) {
    for (Attribute& a : attributes) {
        for_each_dim_of(a, [&map](Dim& d) { d = map(d); });
        if (auto* region = std::get_if<Region>(&a))
            *region = map_dims(*region, std::function<Dim(Dim)>(std::cref(map)));
    }
}
// Whether one of those shapes is not made of numbers alone.
inline bool has_symbols(std::span<const Attribute> attributes) {
    return std::ranges::any_of(attributes, [](const Attribute& a) {
        if (const auto* region = std::get_if<Region>(&a)) return has_symbols(*region);
        const auto* shape = std::get_if<Shape>(&a);
        return shape != nullptr && !shape->is_constant();
    });
}

inline AttributeKind kind_of(const Attribute& a) { return static_cast<AttributeKind>(a.index()); }

// What an attribute means. Its kind, checks, defaults, samples in tests and manual entry follow.
enum class AttributeMeaning : std::uint8_t {
    axis,         // one dimension
    axes,         // several, none twice
    permutation,  // every dimension once
    shape,        // the extents of the result
    bound,        // one extent: what integers stay below
    starts,       // these six have one entry for each dimension
    sizes,
    strides,  // how far apart elements lie that are neighbours
    steps,
    blocks,   // how many elements lie side by side; 1: the dimension is whole
    padding,  // how many elements are added at one side; negative: removed
    dtype,
    number,
    flag,
    literal,
    name,    // what messages call something
    region,  // a graph that the node runs
};
constexpr AttributeKind kind_of(AttributeMeaning meaning) {
    switch (meaning) {
        case AttributeMeaning::axis:
        case AttributeMeaning::number:
            return AttributeKind::integer;
        case AttributeMeaning::axes:
        case AttributeMeaning::permutation:
        case AttributeMeaning::steps:
        case AttributeMeaning::blocks:
            return AttributeKind::integers;
        case AttributeMeaning::shape:
        case AttributeMeaning::bound:
        case AttributeMeaning::starts:
        case AttributeMeaning::sizes:
        case AttributeMeaning::strides:
        case AttributeMeaning::padding:
            return AttributeKind::dims;
        case AttributeMeaning::dtype:
            return AttributeKind::dtype;
        case AttributeMeaning::flag:
            return AttributeKind::boolean;
        case AttributeMeaning::literal:
            return AttributeKind::literal;
        case AttributeMeaning::name:
            return AttributeKind::text;
        case AttributeMeaning::region:
            return AttributeKind::region;
    }
    return AttributeKind::text;
}
// For the manual: "axes: several dimensions, none twice".
std::string_view describe(AttributeMeaning meaning);

// Whether the text may leave it out: where it does, the attribute says nothing.
enum class Presence : std::uint8_t { required, optional };

struct AttributeDef {
    // Dimensions are those of operand `of`; or, where it is this, of the row's shape attribute.
    static constexpr int of_shape = -1;

    std::string_view name;
    AttributeMeaning meaning;
    std::string_view doc;
    std::size_t slot;  // its place among the row's attributes
    int of = 0;
    Presence presence = Presence::required;

    constexpr AttributeKind kind() const { return kind_of(meaning); }
};

// Meanings that can say nothing.
constexpr bool has_default(AttributeMeaning meaning) {
    using enum AttributeMeaning;
    return meaning == axis || meaning == axes || meaning == permutation || meaning == starts || meaning == steps ||
           meaning == blocks || meaning == padding || meaning == number || meaning == flag;
}
// What an attribute is where the text leaves it out, over a tensor of some rank: the first axis, all axes, the reverse
// order, starts at 0, steps and blocks of 1, no padding, 0, false.
Attribute default_of(AttributeMeaning meaning, std::size_t rank);

// Of a kind, and says nothing.
Attribute blank_of(AttributeKind kind);

// Steps beyond that would bring the arithmetic on indices near overflow.
inline constexpr std::int64_t max_step = std::int64_t{1} << 31;
// Blocks are as wide as vectors; a short dimension fills one with padding.
inline constexpr std::int64_t max_block = 1024;

// A definition that knows its type and its place: rules read the attribute by it.
template <AttributeMeaning of_meaning, std::size_t at = 0>
struct AttributeOf : AttributeDef {
    using Stored = std::variant_alternative_t<static_cast<std::size_t>(kind_of(of_meaning)), Attribute>;
    consteval AttributeOf(std::string_view n, std::string_view d, int of_operand = 0, Presence p = Presence::required)
        : AttributeDef{n, of_meaning, d, at, of_operand, p} {}
    const Stored& operator()(std::span<const Attribute> attributes) const { return std::get<Stored>(attributes[at]); }
};
template <std::size_t at = 0>
using AxisAttribute = AttributeOf<AttributeMeaning::axis, at>;
template <std::size_t at = 0>
using AxesAttribute = AttributeOf<AttributeMeaning::axes, at>;
template <std::size_t at = 0>
using PermutationAttribute = AttributeOf<AttributeMeaning::permutation, at>;
template <std::size_t at = 0>
using ShapeAttribute = AttributeOf<AttributeMeaning::shape, at>;
template <std::size_t at = 0>
using BoundAttribute = AttributeOf<AttributeMeaning::bound, at>;
template <std::size_t at = 0>
using StartsAttribute = AttributeOf<AttributeMeaning::starts, at>;
template <std::size_t at = 0>
using SizesAttribute = AttributeOf<AttributeMeaning::sizes, at>;
template <std::size_t at = 0>
using StridesAttribute = AttributeOf<AttributeMeaning::strides, at>;
template <std::size_t at = 0>
using StepsAttribute = AttributeOf<AttributeMeaning::steps, at>;
template <std::size_t at = 0>
using BlocksAttribute = AttributeOf<AttributeMeaning::blocks, at>;
template <std::size_t at = 0>
using PaddingAttribute = AttributeOf<AttributeMeaning::padding, at>;
template <std::size_t at = 0>
using DtypeAttribute = AttributeOf<AttributeMeaning::dtype, at>;
template <std::size_t at = 0>
using LiteralAttribute = AttributeOf<AttributeMeaning::literal, at>;
template <std::size_t at = 0>
using NameAttribute = AttributeOf<AttributeMeaning::name, at>;
template <std::size_t at = 0>
using NumberAttribute = AttributeOf<AttributeMeaning::number, at>;
template <std::size_t at = 0>
using FlagAttribute = AttributeOf<AttributeMeaning::flag, at>;
template <std::size_t at = 0>
using RegionAttribute = AttributeOf<AttributeMeaning::region, at>;

}  // namespace lathe::ir
