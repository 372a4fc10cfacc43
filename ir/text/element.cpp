#include "ir/text/element.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "ir/float_environment.h"

namespace lathe::ir {
namespace {

template <class T>
std::string decimal(T value) {
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    return {buffer, end};
}

template <class T>
std::optional<T> read(std::string_view text, int base = 10) {
    T value{};
    const char* end = text.data() + text.size();
    const auto result = [&] {
        if constexpr (std::is_floating_point_v<T>)
            return std::from_chars(text.data(), end, value);
        else
            return std::from_chars(text.data(), end, value, base);
    }();
    if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
    return value;
}

std::uint64_t usual_nan(Dtype d) {
    switch (d) {
        case Dtype::f64:
            return 0x7ff8000000000000;
        case Dtype::f32:
            return 0x7fc00000;
        case Dtype::f16:
            return 0x7e00;
        default:
            return 0x7fc0;
    }
}

// Both directions between an element of a float dtype and the double or float that has the same value.
double widened(Dtype d, std::uint64_t bits) {
    double wide = 0;
    float single = 0;
    const auto low = static_cast<std::uint32_t>(bits);
    switch (d) {
        case Dtype::f64:
            std::memcpy(&wide, &bits, sizeof wide);
            return wide;
        case Dtype::f32:
            std::memcpy(&single, &low, sizeof single);
            return static_cast<double>(single);
        case Dtype::f16:
            return static_cast<double>(f16_to_f32(static_cast<std::uint16_t>(bits)));
        default:
            return static_cast<double>(bf16_to_f32(static_cast<std::uint16_t>(bits)));
    }
}

std::uint64_t f32_bits(float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

std::optional<std::uint64_t> parse_float(Dtype d, std::string_view text) {
    if (text == "nan") return usual_nan(d);
    if (text.starts_with("0x")) {
        const auto bits = read<std::uint64_t>(text.substr(2), 16);
        if (!bits || (size_of(d) < 8 && *bits >> (8 * size_of(d)) != 0)) return std::nullopt;
        return bits;
    }
    if (d == Dtype::f32) {
        const auto value = read<float>(text);
        return value ? std::optional(f32_bits(*value)) : std::nullopt;
    }
    const auto value = read<double>(text);
    if (!value) return std::nullopt;
    if (d == Dtype::f16) return f64_to_f16(*value);
    if (d == Dtype::bf16) return f64_to_bf16(*value);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &*value, sizeof bits);
    return bits;
}

}  // namespace

std::string print_element(Dtype dtype, std::uint64_t bits) {
    switch (info(dtype).kind) {
        case DtypeKind::boolean:
            return bits != 0 ? "true" : "false";
        case DtypeKind::unsigned_integer:
            return decimal(bits);
        case DtypeKind::signed_integer: {
            const unsigned unused = 64 - 8 * static_cast<unsigned>(size_of(dtype));
            return decimal(static_cast<std::int64_t>(bits << unused) >> unused);
        }
        case DtypeKind::floating:
            break;
    }
    const FloatEnvironment floats;
    const double value = widened(dtype, bits);
    if (std::isnan(value)) {
        if (bits == usual_nan(dtype)) return "nan";
        char buffer[20];
        const auto end = std::to_chars(buffer, buffer + sizeof buffer, bits, 16).ptr;
        return "0x" + std::string(buffer, end);
    }
    return dtype == Dtype::f64 ? decimal(value) : decimal(static_cast<float>(value));
}

std::optional<std::uint64_t> parse_element(Dtype dtype, std::string_view text) {
    const std::size_t value_bits = 8 * size_of(dtype);
    switch (info(dtype).kind) {
        case DtypeKind::boolean:
            if (text == "true") return 1;
            if (text == "false") return 0;
            return std::nullopt;
        case DtypeKind::unsigned_integer: {
            const auto value = read<std::uint64_t>(text);
            if (!value || (value_bits < 64 && *value >> value_bits != 0)) return std::nullopt;
            return value;
        }
        case DtypeKind::signed_integer: {
            const auto value = read<std::int64_t>(text);
            const std::int64_t limit = std::numeric_limits<std::int64_t>::max() >> (64 - value_bits);
            if (!value || *value > limit || *value < -limit - 1) return std::nullopt;
            return static_cast<std::uint64_t>(*value) & (~std::uint64_t{0} >> (64 - value_bits));
        }
        case DtypeKind::floating:
            break;
    }
    const FloatEnvironment floats;
    return parse_float(dtype, text);
}

}  // namespace lathe::ir
