// Arithmetic on numbers.
#pragma once

#include "ir/functions/basic.h"
#include "ir/ops/math_remainder.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

inline constexpr OpDef add = {
    .name = "add",
    .doc = "x + y. Integers wrap.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.x[0] + c.x[1]}; },
    .commutative = true,
    .identity = {.left = -0.0, .right = -0.0},  // not +0: -0 + +0 is +0
    .gradient = linear([](const GradientContext&, std::span<const Value> ct, std::size_t) { return ct[0]; }),
};

inline constexpr OpDef sub = {
    .name = "sub",
    .doc = "x - y. Integers wrap.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.x[0] - c.x[1]}; },
    .identity = {.right = 0.0},
    .gradient = linear([](const GradientContext&, std::span<const Value> ct, std::size_t operand) {
        return operand == 0 ? ct[0] : neg(ct[0]);
    }),
};

inline constexpr OpDef mul = {
    .name = "mul",
    .doc = "x * y. Integers wrap.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.x[0] * c.x[1]}; },
    .commutative = true,
    .identity = {.left = 1.0, .right = 1.0},
    .gradient = partials([](const GradientContext& g, const Value& t) { return mul(t, g.x[1]); },
                         [](const GradientContext& g, const Value& t) { return mul(t, g.x[0]); }),
};

inline constexpr OpDef div = {
    .name = "div",
    .doc = "x / y. Integers truncate toward zero; x / 0 is 0 for integers, and MIN / -1 wraps to MIN.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.x[0], y = c.x[1];
        if (is_float(c.result)) return {x / y};
        const Scalar zero = c.b.constant_int(c.result, 0), one = c.b.constant_int(c.result, 1);
        const Scalar by_zero = equal(y, zero);
        if (is_unsigned_integer(c.result)) return {ir::select(by_zero, zero, x / ir::select(by_zero, one, y))};
        const Scalar by_minus_one = equal(y, c.b.constant_int(c.result, -1));
        const Scalar quotient = x / ir::select(by_zero | by_minus_one, one, y);
        return {ir::select(by_zero, zero, ir::select(by_minus_one, -x, quotient))};
    },
    .identity = {.right = 1.0},
    // By y: -t x / y^2, without the square, without the product t x, which may be 0, and without the quotient x / y,
    // which may be infinite.
    .gradient = partials(
        [](const GradientContext& g, const Value& t) { return div(t, g.x[1]); },
        [](const GradientContext& g, const Value& t) { return neg(div(mul(div(t, g.x[1]), g.x[0]), g.x[1])); }),
    .domain = {0.5, 2},
};

inline constexpr OpDef rem = {
    .name = "rem",
    .doc =
        "The remainder of division toward zero, with the sign of x. Integers: x rem 0 is 0, and MIN rem -1 is 0. "
        "Floats:\n"
        "C's fmod, exactly, for operands of any magnitude; x rem 0 is NaN, and so is an infinite x.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        if (is_float(c.result)) {
            const Dtype wide = accumulator_of(c.result);
            return {c.b.convert(math::remainder(c.b.convert(c.x[0], wide), c.b.convert(c.x[1], wide)), c.result)};
        }
        const Scalar x = c.x[0], y = c.x[1], zero = c.b.constant_int(c.result, 0), one = c.b.constant_int(c.result, 1);
        // Dividing by 1 leaves 0, too.
        Scalar trivial = equal(y, zero);
        if (is_signed_integer(c.result)) trivial = trivial | equal(y, c.b.constant_int(c.result, -1));
        return {c.b.rem(x, ir::select(trivial, one, y))};
    },
    // By y: less the quotient, which is constant between its steps. For an infinite y it is 0.
    .gradient = partials([](const GradientContext&, const Value& t) { return t; },
                         [](const GradientContext& g, const Value& t) {
                             return mul(t, stop_gradient(div(sub(g.y[0], g.x[0]), g.x[1])));
                         }),
    .domain = {0.5, 2},
};

inline constexpr OpDef neg = {
    .name = "neg",
    .doc = "-x. Flips the sign of a float, of zeros too; integers wrap.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {-c.x[0]}; },
    .involution = true,
    .gradient = linear([](const GradientContext&, std::span<const Value> ct, std::size_t) { return neg(ct[0]); }),
};

inline constexpr OpDef abs = {
    .name = "abs",
    .doc = "|x|. The least signed integer stays as it is. The derivative at 0 is 0.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {c.b.abs(c.x[0])}; },
    .gradient = partials([](const GradientContext& g, const Value& t) {
        const Value zero = functions::number(g.x[0], 0);
        const Value is_zero = eq(g.x[0], zero), rises = select(is_zero, zero, t), is_negative = lt(g.x[0], zero);
        return select(is_negative, neg(t), rises);
    }),
    .domain = {0.25, 2},
};

inline constexpr OpDef max = {
    .name = "max",
    .doc = "x if x > y or x is NaN, else y. The derivative at a tie belongs to x, with NaN to the one that is taken.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.x[0], y = c.x[1];
        return {ir::select(is_float(c.result) ? (x > y) | is_nan(x) : x > y, x, y)};
    },
    .gradient = jvp([](const GradientContext& g, std::span<const Value> t) {
        const Value is_greatest = ge(g.x[0], g.x[1]);
        return select(logical_or(is_greatest, ne(g.x[0], g.x[0])), t[0], t[1]);
    }),
};

inline constexpr OpDef min = {
    .name = "min",
    .doc = "x if x < y or x is NaN, else y. The derivative at a tie belongs to x, with NaN to the one that is taken.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.x[0], y = c.x[1];
        return {ir::select(is_float(c.result) ? (x < y) | is_nan(x) : x < y, x, y)};
    },
    .gradient = jvp([](const GradientContext& g, std::span<const Value> t) {
        const Value is_least = le(g.x[0], g.x[1]);
        return select(logical_or(is_least, ne(g.x[0], g.x[0])), t[0], t[1]);
    }),
};

inline constexpr auto arithmetic = std::to_array<const OpDef*>({&add, &sub, &mul, &div, &rem, &neg, &abs, &max, &min});

}  // namespace lathe::ir::ops
