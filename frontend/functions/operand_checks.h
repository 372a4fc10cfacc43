// What functions ask of their operands, and of the numbers that come with them, before the ops do.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"

namespace lathe::detail {

using ir::functions::require_dtype;
using ir::functions::require_floats;

// An empty tensor stands for an operand that the user left out.
inline std::optional<Tensor> optional(const Tensor& x) {
    return x.is_empty() ? std::nullopt : std::optional<Tensor>(value_of(x));
}

// A dtype that the user asks for.
inline void require_dtype_of_result(std::string_view function, Dtype dtype, ir::DtypeSet allowed, Where where) {
    if (allowed.contains(dtype)) return;
    const std::string why = ir::dtype_refusal("dtype", dtype, allowed);
    refuse(function, why.substr(0, why.find(';')), where);  // there is nothing to convert
}

// Parameters by their names: "size is 0, less than 1".
inline void require_at_least(std::string_view function, std::string_view name, std::int64_t n, std::int64_t least,
                             Where where) {
    if (n < least) refuse(function, fmt::format("{} is {}, less than {}", name, n, least), where);
}
// As the ops say it of their attributes.
[[noreturn]] inline void refuse_entries(std::string_view function, std::string_view name, std::size_t entries,
                                        std::size_t rank, Where where) {
    refuse(function, fmt::format("{} has {} entries, not one for each of {} dimensions", name, entries, rank), where);
}
// NaN is nowhere.
inline void require_between(std::string_view function, std::string_view name, double x, double low, double high,
                            Where where) {
    if (!(x >= low && x <= high)) refuse(function, fmt::format("{} is {}, not in [{}, {}]", name, x, low, high), where);
}
inline void require_above(std::string_view function, std::string_view name, double x, double low, Where where) {
    if (!(x > low)) refuse(function, fmt::format("{} is {}, not above {}", name, x, low), where);
}

// One number for each index of y's axis.
inline void require_bias(std::string_view function, const Tensor& y, std::size_t axis, const Tensor& bias) {
    ir::functions::require_same_dtype(function, y, bias);
    if (axis >= y.rank()) ir::functions::refuse(function, "there are no outputs along an axis for a bias", y, bias);
    const Dim outputs = y.type().shape[axis];
    if (bias.rank() != 1 || !ir::functions::may_be_equal(bias.type().shape[0], outputs))
        ir::functions::refuse(
            function,
            fmt::format("wants a vector of {} numbers, one for each output, as the bias", outputs.to_string()), y,
            bias);
}

}  // namespace lathe::detail
