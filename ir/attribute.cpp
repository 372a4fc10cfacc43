#include "ir/attribute.h"

#include <cstring>

#include "ir/error.h"
#include "ir/float_environment.h"
#include "ir/ops/scalar.h"

namespace lathe::ir {
namespace {

Literal splat(std::uint64_t bits, Dtype dtype, const Shape& shape) {
    std::vector<std::byte> bytes(size_of(dtype));
    std::memcpy(bytes.data(), &bits, bytes.size());
    return {{dtype, shape}, std::make_shared<const std::vector<std::byte>>(std::move(bytes))};
}

Literal splat_of_bits(Dtype from, std::uint64_t bits, Dtype dtype, const Shape& shape) {
    ScalarBuilder b;
    const Scalar converted = b.convert(b.parameter(from), dtype);
    const ScalarProgram program = b.finish({&converted, 1});
    std::vector<std::uint64_t> scratch;
    std::uint64_t result = 0;
    execute(program, {&bits, 1}, {&result, 1}, scratch);
    return splat(result, dtype, shape);
}

constexpr std::string_view meaning_texts[] = {
    "axis: one dimension, negative ones count from the end",
    "axes: dimensions, none twice, negative ones count from the end",
    "permutation: every dimension once",
    "shape: the extents of the result",
    "bound: one extent",
    "starts: one for each dimension",
    "sizes: one for each dimension",
    "strides: one for each dimension",
    "steps: one for each dimension",
    "blocks: one for each dimension; how many elements lie side by side",
    "padding: one amount for each dimension",
    "dtype",
    "number",
    "flag: true or false",
    "literal: a type and its elements",
    "name: a text in quotes",
    "region: a graph in braces",
};
static_assert(std::size(meaning_texts) == static_cast<std::size_t>(AttributeMeaning::region) + 1);

}  // namespace

std::string_view describe(AttributeMeaning meaning) { return meaning_texts[static_cast<std::size_t>(meaning)]; }

Attribute blank_of(AttributeKind kind) {
    switch (kind) {
        case AttributeKind::integer:
            return std::int64_t{0};
        case AttributeKind::integers:
            return Integers{};
        case AttributeKind::dims:
            return Shape{};
        case AttributeKind::dtype:
            return Dtype::boolean;
        case AttributeKind::boolean:
            return false;
        case AttributeKind::literal:
            return Literal{};
        case AttributeKind::text:
            return std::string();
        case AttributeKind::region:
            return Region{};
    }
    return std::int64_t{0};
}

Attribute default_of(AttributeMeaning meaning, std::size_t rank) {
    switch (meaning) {
        case AttributeMeaning::axis:
        case AttributeMeaning::number:
            return std::int64_t{0};
        case AttributeMeaning::axes: {
            Integers all(rank);
            std::ranges::generate(all, [axis = std::int64_t{0}]() mutable { return axis++; });
            return all;
        }
        case AttributeMeaning::permutation: {
            Integers reversed(rank);
            std::ranges::generate(reversed, [axis = static_cast<std::int64_t>(rank)]() mutable { return --axis; });
            return reversed;
        }
        case AttributeMeaning::starts:
        case AttributeMeaning::padding: {
            Shape zeros;
            for (std::size_t i = 0; i < rank; ++i) zeros.push_back(0);
            return zeros;
        }
        case AttributeMeaning::steps:
        case AttributeMeaning::blocks:
            return Integers(rank, 1);
        case AttributeMeaning::flag:
            return false;
        case AttributeMeaning::shape:
        case AttributeMeaning::bound:
        case AttributeMeaning::sizes:
        case AttributeMeaning::strides:
        case AttributeMeaning::dtype:
        case AttributeMeaning::literal:
        case AttributeMeaning::name:
        case AttributeMeaning::region:
            break;
    }
    throw InternalError("an attribute has no default: " + std::string(describe(meaning)));
}

Literal make_literal(Type type, std::span<const std::byte> bytes) {
    if (!type.shape.is_constant()) throw TypeError("a literal's shape is constant, not " + type.to_string(), Loc{});
    std::uint64_t count = 1;
    for (Dim d : type.shape) count *= static_cast<std::uint64_t>(d.constant());
    const std::size_t size = size_of(type.dtype);
    if (bytes.size() != size && (count > bytes.size() || bytes.size() != count * size))
        throw TypeError("a literal of " + type.to_string() + " has " + std::to_string(bytes.size()) + " bytes", Loc{});
    return {type, std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end())};
}

Literal splat_literal(Dtype dtype, const Shape& shape, double value) {
    const FloatEnvironment floats;
    // What conversion does to a float, without running it: this is called for every number in a graph.
    if (is_float(dtype)) return splat(element_of(dtype, value), dtype, shape);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return splat_of_bits(Dtype::f64, bits, dtype, shape);
}

Literal splat_literal(Dtype dtype, const Shape& shape, std::int64_t value) {
    const FloatEnvironment floats;
    return splat_of_bits(Dtype::i64, static_cast<std::uint64_t>(value), dtype, shape);
}

}  // namespace lathe::ir
