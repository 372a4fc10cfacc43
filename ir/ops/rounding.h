// Integral values near a number, and its sign.
#pragma once

#include "ir/ops/rules.h"

namespace lathe::ir::ops {

// A row that leaves integers as they are.
constexpr OpDef rounding_row(std::string_view name, std::string_view doc, ScalarRule scalar) {
    return {
        .name = name,
        .doc = doc,
        .arity = 1,
        .lowering = Lowering::elementwise,
        .dtypes = numbers,
        .type = rules::elementwise,
        .scalar = scalar,
        .gradient = stopped(),
    };
}

template <Scalar (*round)(Scalar)>
Scalars rounded(const ScalarContext& c) {
    return {is_float(c.result) ? round(c.x[0]) : c.x[0]};
}

inline Scalar round_down(Scalar x) { return x.builder->floor(x); }
inline Scalar round_up(Scalar x) { return -x.builder->floor(-x); }
inline Scalar round_to_even(Scalar x) { return x.builder->round_even(x); }
inline Scalar round_to_zero(Scalar x) {
    return ir::select(x < x.builder->constant(x.dtype, 0), round_up(x), round_down(x));
}

inline constexpr OpDef floor =
    rounding_row("floor", "The greatest integral value that is not above x. Of integers x. The derivative is 0.",
                 rounded<round_down>);
inline constexpr OpDef ceil = rounding_row(
    "ceil", "The least integral value that is not below x. Of integers x. The derivative is 0.", rounded<round_up>);
inline constexpr OpDef round =
    rounding_row("round", "The integral value next to x, of two the even one. Of integers x. The derivative is 0.",
                 rounded<round_to_even>);
inline constexpr OpDef trunc =
    rounding_row("trunc", "x without its fraction. Of integers x. The derivative is 0.", rounded<round_to_zero>);

inline constexpr OpDef sign = rounding_row(
    "sign", "1, 0 or -1 with the sign of x; of both zeros 0, of NaN NaN. The derivative is 0.",
    [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.x[0], zero = c.b.constant_int(c.result, 0), one = c.b.constant_int(c.result, 1);
        if (is_unsigned_integer(c.result)) return {ir::select(x > zero, one, zero)};
        const Scalar otherwise = is_float(c.result) ? ir::select(is_nan(x), x, zero) : zero;
        return {ir::select(x > zero, one, ir::select(x < zero, c.b.constant_int(c.result, -1), otherwise))};
    });

inline constexpr auto roundings = std::to_array<const OpDef*>({&floor, &ceil, &round, &trunc, &sign});

}  // namespace lathe::ir::ops
