// Attributes: the compile-time arguments of an op. An op's row declares their names and kinds; a node stores their
// values in that order.
#pragma once

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

inline AttributeKind kind_of(const Attribute& a) { return static_cast<AttributeKind>(a.index()); }

struct AttributeDef {
    std::string_view name;
    AttributeKind kind = AttributeKind::integer;
};

}  // namespace lathe::ir
