// Element types. Every dtype is computed natively; f16 and bf16 arithmetic is f32 arithmetic rounded after each
// operation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lathe::ir {

enum class Dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

enum class DtypeKind : std::uint8_t { floating, signed_integer, unsigned_integer, boolean };

struct DtypeInfo {
    std::string_view name;  // as the text format writes it
    std::size_t size;       // bytes an element takes in memory
    DtypeKind kind;
};

inline constexpr std::size_t dtype_count = 13;

inline constexpr std::array<DtypeInfo, dtype_count> dtype_table = {{
    {"f64", 8, DtypeKind::floating},
    {"f32", 4, DtypeKind::floating},
    {"f16", 2, DtypeKind::floating},
    {"bf16", 2, DtypeKind::floating},
    {"i64", 8, DtypeKind::signed_integer},
    {"i32", 4, DtypeKind::signed_integer},
    {"i16", 2, DtypeKind::signed_integer},
    {"i8", 1, DtypeKind::signed_integer},
    {"u64", 8, DtypeKind::unsigned_integer},
    {"u32", 4, DtypeKind::unsigned_integer},
    {"u16", 2, DtypeKind::unsigned_integer},
    {"u8", 1, DtypeKind::unsigned_integer},
    {"bool", 1, DtypeKind::boolean},
}};

constexpr const DtypeInfo& info(Dtype d) { return dtype_table[static_cast<std::size_t>(d)]; }
constexpr std::string_view name(Dtype d) { return info(d).name; }
constexpr std::size_t size_of(Dtype d) { return info(d).size; }
constexpr bool is_float(Dtype d) { return info(d).kind == DtypeKind::floating; }
constexpr bool is_signed_integer(Dtype d) { return info(d).kind == DtypeKind::signed_integer; }
constexpr bool is_unsigned_integer(Dtype d) { return info(d).kind == DtypeKind::unsigned_integer; }
constexpr bool is_integer(Dtype d) { return is_signed_integer(d) || is_unsigned_integer(d); }

// The dtype in which sums and contractions of `d` accumulate, and in which functions of several steps compute: f16 and
// bf16 in f32, all others in their own.
constexpr Dtype accumulator_of(Dtype d) { return d == Dtype::f16 || d == Dtype::bf16 ? Dtype::f32 : d; }

// The dtype of a sum of elements of `d`: integers and booleans count in 64 bits.
constexpr Dtype sum_of(Dtype d) {
    if (is_float(d)) return d;
    return is_unsigned_integer(d) ? Dtype::u64 : Dtype::i64;
}

constexpr std::optional<Dtype> parse_dtype(std::string_view text) {
    for (std::size_t i = 0; i < dtype_count; ++i)
        if (dtype_table[i].name == text) return static_cast<Dtype>(i);
    return std::nullopt;
}

// The dtypes in declaration order, for loops over all of them.
constexpr std::array<Dtype, dtype_count> all_dtypes() {
    std::array<Dtype, dtype_count> out{};
    for (std::size_t i = 0; i < dtype_count; ++i) out[i] = static_cast<Dtype>(i);
    return out;
}

// Conversions between wider floats and the 16-bit formats, round to nearest even, denormals kept.
std::uint16_t f64_to_f16(double x);
std::uint16_t f64_to_bf16(double x);
std::uint16_t f32_to_f16(float x);
float f16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_bf16(float x);
float bf16_to_f32(std::uint16_t bits);

}  // namespace lathe::ir
