// Arithmetic on numbers.
#pragma once

#include "ir/functions/basic.h"
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
    .gradient =
        partials([](const GradientContext& g) { return g.x[1]; }, [](const GradientContext& g) { return g.x[0]; }),
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
    .gradient = partials([](const GradientContext& g) { return div(functions::number(g.x[1], 1), g.x[1]); },
                         [](const GradientContext& g) { return neg(div(g.y[0], g.x[1])); }),
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
    .gradient = partials([](const GradientContext& g) { return functions::sign(g.x[0]); }),
    .domain = {0.25, 2},
};

inline constexpr OpDef max = {
    .name = "max",
    .doc = "x if x > y or x is NaN, else y. The derivative at a tie belongs to x.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.x[0], y = c.x[1];
        return {ir::select(is_float(c.result) ? (x > y) | is_nan(x) : x > y, x, y)};
    },
    .gradient =
        jvp([](const GradientContext& g, std::span<const Value> t) { return select(lt(g.x[0], g.x[1]), t[1], t[0]); }),
};

inline constexpr OpDef min = {
    .name = "min",
    .doc = "x if x < y or x is NaN, else y. The derivative at a tie belongs to x.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.x[0], y = c.x[1];
        return {ir::select(is_float(c.result) ? (x < y) | is_nan(x) : x < y, x, y)};
    },
    .gradient =
        jvp([](const GradientContext& g, std::span<const Value> t) { return select(gt(g.x[0], g.x[1]), t[1], t[0]); }),
};

inline constexpr auto arithmetic = std::to_array<const OpDef*>({&add, &sub, &mul, &div, &neg, &abs, &max, &min});

}  // namespace lathe::ir::ops
