#include "frontend/tensor/convert.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "ir/float_environment.h"
#include "ir/ops/ops.h"

namespace lathe::detail {
namespace {

// What an element is, apart from its dtype: every float is a double, every integer a sign and 64 bits.
struct Value {
    bool is_float = false;
    double number = 0;
    bool negative = false;
    std::uint64_t magnitude = 0;
};

Value value_of(ir::Dtype dtype, const void* element) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, element, size_of(dtype));
    const auto low = static_cast<std::uint16_t>(bits);
    switch (dtype) {
        case ir::Dtype::f64:
            return {.is_float = true, .number = std::bit_cast<double>(bits)};
        case ir::Dtype::f32:
            return {.is_float = true,
                    .number = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))};
        case ir::Dtype::f16:
            return {.is_float = true, .number = static_cast<double>(ir::f16_to_f32(low))};
        case ir::Dtype::bf16:
            return {.is_float = true, .number = static_cast<double>(ir::bf16_to_f32(low))};
        default:
            break;
    }
    if (!is_signed_integer(dtype)) return {.magnitude = bits};
    const std::size_t unused = 64 - 8 * size_of(dtype);
    const std::int64_t wide = static_cast<std::int64_t>(bits << unused) >> unused;
    return {.negative = wide < 0,
            .magnitude = wide < 0 ? 0 - static_cast<std::uint64_t>(wide) : static_cast<std::uint64_t>(wide)};
}

bool same_value(const Value& a, const Value& b) {
    if (a.is_float && b.is_float) return a.number == b.number || (std::isnan(a.number) && std::isnan(b.number));
    if (b.is_float) return same_value(b, a);
    if (!a.is_float) return a.magnitude == b.magnitude && a.negative == b.negative;
    const double size = std::abs(a.number);
    if (!(size < 0x1p64) || size != std::trunc(size)) return false;
    const auto magnitude = static_cast<std::uint64_t>(size);
    return magnitude == b.magnitude && (magnitude == 0 || std::signbit(a.number) == b.negative);
}

}  // namespace

void normalize(ir::Dtype dtype, void* elements, std::size_t bytes) {
    if (dtype != ir::Dtype::boolean) return;
    auto* const first = static_cast<std::uint8_t*>(elements);
    for (std::uint8_t* b = first; b != first + bytes; ++b) *b = *b != 0 ? 1 : 0;
}

void convert_elements(ir::Dtype from, const void* source, ir::Dtype to, void* target, std::size_t count) {
    if (count == 0) return;
    if (from == to) {
        std::memcpy(target, source, count * size_of(from));
        return;
    }
    const ir::FloatEnvironment floats;
    const ir::Dtype operands[] = {from};
    const ir::Attribute attributes[] = {to};
    const ir::ScalarProgram& program = ir::scalar_program(ir::ops::convert, operands, attributes, to);
    std::vector<std::uint64_t> scratch;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t in = 0;
        std::uint64_t out = 0;
        std::memcpy(&in, static_cast<const std::byte*>(source) + i * size_of(from), size_of(from));
        ir::execute(program, std::span(&in, 1), std::span(&out, 1), scratch);
        std::memcpy(static_cast<std::byte*>(target) + i * size_of(to), &out, size_of(to));
    }
}

std::optional<std::size_t> convert_exactly(ir::Dtype from, const void* source, ir::Dtype to, void* target,
                                           std::size_t count) {
    convert_elements(from, source, to, target, count);
    if (from == to) return std::nullopt;
    const ir::FloatEnvironment floats;
    for (std::size_t i = 0; i < count; ++i) {
        const Value given = value_of(from, static_cast<const std::byte*>(source) + i * size_of(from));
        if (!same_value(given, value_of(to, static_cast<const std::byte*>(target) + i * size_of(to)))) return i;
    }
    return std::nullopt;
}

}  // namespace lathe::detail
