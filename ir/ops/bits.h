// Integers as bits, and the counter-based generator.
#pragma once

#include "ir/ops/forward.h"
#include "ir/ops/philox.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

constexpr OpDef bits_row(std::string_view name, std::string_view doc, ScalarRule scalar,
                         std::optional<double> neutral) {
    return {
        .name = name,
        .doc = doc,
        .arity = 2,
        .lowering = Lowering::elementwise,
        .dtypes = integers,
        .type = rules::elementwise,
        .scalar = scalar,
        .commutative = true,
        .identity = {.left = neutral, .right = neutral},
        .gradient = no_grad("its operands are integers"),
    };
}

inline constexpr OpDef bit_and = bits_row("bit_and", "x and y, bit by bit.",
                                          [](const ScalarContext& c) -> Scalars { return {c.x[0] & c.x[1]}; }, {});
inline constexpr OpDef bit_or =
    bits_row("bit_or", "x or y, bit by bit.", [](const ScalarContext& c) -> Scalars { return {c.x[0] | c.x[1]}; }, 0.0);
inline constexpr OpDef bit_xor = bits_row(
    "bit_xor", "x exclusive-or y, bit by bit.", [](const ScalarContext& c) -> Scalars { return {c.x[0] ^ c.x[1]}; },
    0.0);

inline constexpr OpDef bit_not = {
    .name = "bit_not",
    .doc = "Every bit of x inverted.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = integers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.b.bit_not(c.x[0])}; },
    .involution = true,
    .gradient = no_grad("its operand is an integer"),
};

// Whether a shift amount is in [0, bits of the dtype); a negative amount counts as too large.
inline Scalar shift_fits(ScalarBuilder& b, Scalar amount) {
    const Scalar fits = amount < b.constant_int(amount.dtype, static_cast<std::int64_t>(8 * size_of(amount.dtype)));
    return is_signed_integer(amount.dtype) ? fits & (amount >= b.constant_int(amount.dtype, 0)) : fits;
}

inline constexpr OpDef shift_left = {
    .name = "shift_left",
    .doc = "x * 2^y, wrapping. An amount outside [0, bits) gives 0.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = integers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar zero = c.b.constant_int(c.result, 0), fits = shift_fits(c.b, c.x[1]);
        return {ir::select(fits, c.b.shl(c.x[0], ir::select(fits, c.x[1], zero)), zero)};
    },
    .identity = {.right = 0.0},
    .gradient = no_grad("its operands are integers"),
};

inline constexpr OpDef shift_right = {
    .name = "shift_right",
    .doc = "x / 2^y, rounded down. An amount outside [0, bits) gives 0, or -1 for a negative x.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = integers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const auto last = static_cast<std::int64_t>(8 * size_of(c.result)) - 1;
        const Scalar fits = shift_fits(c.b, c.x[1]), all_but_one = c.b.constant_int(c.result, last);
        const Scalar shifted = c.b.shr(c.x[0], ir::select(fits, c.x[1], all_but_one));
        // A signed value shifted by bits - 1 is its sign fill.
        return {is_signed_integer(c.result) ? shifted : ir::select(fits, shifted, c.b.constant_int(c.result, 0))};
    },
    .identity = {.right = 0.0},
    .gradient = no_grad("its operands are integers"),
};

inline constexpr OpDef philox = {
    .name = "philox",
    .doc =
        "128 random bits for each element of the counter: Philox4x32-10 under a 64-bit key.\n"
        "The element is the low half of the 128-bit counter, whose high half is 0; the results are output words 0 and "
        "1\n"
        "(word 1 in the high half) and words 2 and 3. Key and counter are u64 and broadcast.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = {std::uint16_t{1} << static_cast<unsigned>(Dtype::u64)},
    .type = rules::elementwise,
    .result_types = [](TypeContext& c) -> Types { return Types(2, rules::elementwise(c)); },
    .scalar = [](const ScalarContext& c) -> Scalars {
        return philox4x32(c.b, c.x[0], c.x[1], c.b.constant_bits(Dtype::u64, 0));
    },
    .gradient = no_grad("its operands are integers"),
};

inline constexpr auto bits =
    std::to_array<const OpDef*>({&bit_and, &bit_or, &bit_xor, &bit_not, &shift_left, &shift_right, &philox});

}  // namespace lathe::ir::ops
