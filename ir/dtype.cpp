#include "ir/dtype.h"

#include <bit>

namespace lathe::ir {

namespace {

constexpr std::uint32_t f32_infinity = 0x7f800000;

// Drops the low `shift` bits, rounding to nearest even.
constexpr std::uint32_t shift_right_even(std::uint32_t bits, unsigned shift) {
    const std::uint32_t kept = bits >> shift, rest = bits & ((1U << shift) - 1), half = 1U << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1U) != 0) ? 1U : 0U);
}

// x in f32, rounded so that rounding once more gives what one rounding of x would: to odd where it is not exact.
float f64_to_odd_f32(double x) {
    const auto nearest = static_cast<float>(x);
    const auto wide = static_cast<double>(nearest);
    const auto bits = std::bit_cast<std::uint32_t>(nearest);
    if (wide == x || x != x || (bits & 1U) != 0) return nearest;
    const bool too_far = (wide < 0 ? -wide : wide) > (x < 0 ? -x : x);
    return std::bit_cast<float>(too_far ? bits - 1 : bits + 1);
}

}  // namespace

std::uint16_t f64_to_f16(double x) { return f32_to_f16(f64_to_odd_f32(x)); }
std::uint16_t f64_to_bf16(double x) { return f32_to_bf16(f64_to_odd_f32(x)); }

std::uint16_t f32_to_f16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = (bits >> 16) & 0x8000U, magnitude = bits & 0x7fffffffU;
    std::uint32_t out = 0;
    if (magnitude > f32_infinity) {
        out = 0x7e00U | ((magnitude >> 13) & 0x3ffU);
    } else if (magnitude >= 0x47800000U) {  // 2^16 and above
        out = 0x7c00U;
    } else if (magnitude >= 0x38800000U) {  // normal: a carry out of the mantissa rightly bumps the exponent
        out = shift_right_even(magnitude - 0x38000000U, 13);
    } else if (magnitude >= 0x33000000U) {  // denormal: 2^-25 and above
        const unsigned exponent = magnitude >> 23;
        out = shift_right_even((magnitude & 0x7fffffU) | 0x800000U, 126 - exponent);
    }
    return static_cast<std::uint16_t>(sign | out);
}

float f16_to_f32(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1fU, mantissa = half & 0x3ffU;
    if (exponent == 0x1f) return std::bit_cast<float>(sign | f32_infinity | (mantissa << 13));
    if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
    const float denormal = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(denormal));
}

std::uint16_t f32_to_bf16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7fffffffU) > f32_infinity) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
    return static_cast<std::uint16_t>(shift_right_even(bits & 0x7fffffffU, 16) | ((bits >> 16) & 0x8000U));
}

float bf16_to_f32(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

}  // namespace lathe::ir
