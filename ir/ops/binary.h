// Functions of two or three numbers beyond arithmetic.
#pragma once

#include "ir/functions/basic.h"
#include "ir/ops/math_exp.h"
#include "ir/ops/math_pair.h"
#include "ir/ops/math_remainder.h"
#include "ir/ops/rules.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

// Of reals: computed in f32 or f64, and rounded once.
template <Scalar (*function)(Scalar, Scalar)>
Scalars function_of_two(const ScalarContext& c) {
    const Dtype wide = accumulator_of(c.result);
    return {c.b.convert(function(c.b.convert(c.x[0], wide), c.b.convert(c.x[1], wide)), c.result)};
}

constexpr OpDef binary_row(std::string_view name, std::string_view doc, ScalarRule scalar, Gradient gradient,
                           bool commutative = false, Accuracy accuracy = {}) {
    return {
        .name = name,
        .doc = doc,
        .arity = 2,
        .lowering = Lowering::elementwise,
        .dtypes = floats,
        .type = rules::elementwise,
        .scalar = scalar,
        .accuracy = accuracy,
        .commutative = commutative,
        .gradient = gradient,
    };
}

inline constexpr OpDef floor_divide = {
    .name = "floor_divide",
    .doc =
        "The greatest integer that is at most x / y. Integers: x / 0 is 0, and MIN / -1 wraps to MIN. Floats: of the\n"
        "exact quotient, as far as it is below 2^51; a zero has the sign of x / y, and x / 0 is that of div.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars {
        if (is_float(c.result)) return function_of_two<math::floor_quotient>(c);
        const Scalar x = c.x[0], y = c.x[1], zero = c.b.constant_int(c.result, 0), one = c.b.constant_int(c.result, 1);
        const Scalar by_zero = equal(y, zero);
        if (is_unsigned_integer(c.result)) return {ir::select(by_zero, zero, x / ir::select(by_zero, one, y))};
        const Scalar by_minus_one = equal(y, c.b.constant_int(c.result, -1));
        const Scalar divisor = ir::select(by_zero | by_minus_one, one, y);
        const Scalar quotient = x / divisor, rest = x - quotient * divisor;
        const Scalar falls = not_equal(rest, zero) & ((rest < zero) ^ (divisor < zero));
        const Scalar rounded = ir::select(falls, quotient - one, quotient);
        return {ir::select(by_zero, zero, ir::select(by_minus_one, -x, rounded))};
    },
    .gradient = stopped(),
    .domain = {0.5, 2},
};

inline constexpr OpDef fma = {
    .name = "fma",
    .doc = "x * y + z, rounded once; f16 and bf16 are rounded to f32 first.",
    .arity = 3,
    .lowering = Lowering::elementwise,
    .dtypes = floats,
    .type = rules::elementwise,
    .scalar = [](const ScalarContext& c) -> Scalars { return {ir::fma(c.x[0], c.x[1], c.x[2])}; },
    .gradient = partials([](const GradientContext& g, const Value& t) { return mul(t, g.x[1]); },
                         [](const GradientContext& g, const Value& t) { return mul(t, g.x[0]); },
                         [](const GradientContext&, const Value& t) { return t; }),
};

inline constexpr OpDef copysign = binary_row(
    "copysign",
    "|x| with the sign of y, of zeros too; NaN counts as positive, since ops do not define its sign. The derivative "
    "at\n"
    "0 is 0, as is the one by y.",
    [](const ScalarContext& c) -> Scalars {
        const Dtype bits = math::bits_of(c.result);
        const Scalar sign = math::sign_bit(c.b, bits);
        const Scalar magnitude = c.b.bitcast(c.b.abs(c.x[0]), bits);
        const Scalar own = c.b.bitcast(c.x[1], bits) & sign;
        const Scalar none = c.b.constant_int(bits, 0);
        return {c.b.bitcast(magnitude | ir::select(is_nan(c.x[1]), none, own), c.result)};
    },
    jvp([](const GradientContext& g, std::span<const Value> t) {
        const Value zero = functions::number(g.x[0], 0), one = functions::number(g.x[0], 1);
        const Value same = mul(copysign(one, g.x[0]), copysign(one, g.x[1]));
        return mul(t[0], select(eq(g.x[0], zero), zero, same));
    }));

inline constexpr OpDef nextafter = binary_row(
    "nextafter", "The number next to x on the way to y; y where they are equal, NaN if either is. It moves with x.",
    [](const ScalarContext& c) -> Scalars { return {math::nextafter(c.x[0], c.x[1])}; },
    partials(
        [](const GradientContext&, const Value& t) { return t; },
        [](const GradientContext&, const Value& t) { return functions::full_like(t, functions::shape_of(t), 0); }));

// x / y, and 0 where x and y are.
inline Value fraction_of(const Value& x, const Value& whole) {
    const Value is_zero = eq(whole, functions::number(whole, 0));
    return div(x, select(is_zero, functions::number(whole, 1), whole));
}

inline constexpr OpDef hypot = binary_row(
    "hypot",
    "sqrt(x^2 + y^2), infinite if either is. Nothing overflows on the way. Its derivatives at the origin are 0.",
    function_of_two<math::hypot>,
    partials([](const GradientContext& g, const Value& t) { return mul(t, fraction_of(g.x[0], g.y[0])); },
             [](const GradientContext& g, const Value& t) { return mul(t, fraction_of(g.x[1], g.y[0])); }),
    true, {1, 1});

// The weight of x beside y: 1 / (1 + base^(y - x)), a half where both are the same infinity.
inline Value weight_beside(const Value& x, const Value& y, double log_of_base) {
    const Value difference = sub(x, y);
    const Value is_same = logical_and(eq(x, y), ne(difference, difference));
    const Value finite = select(is_same, functions::number(x, 0), difference);
    return sigmoid(log_of_base == 1 ? finite : mul(finite, functions::number(x, log_of_base)));
}

inline constexpr OpDef logaddexp = binary_row(
    "logaddexp", "log(e^x + e^y), without e^x or e^y.", function_of_two<math::logaddexp>,
    partials([](const GradientContext& g, const Value& t) { return mul(t, weight_beside(g.x[0], g.x[1], 1)); },
             [](const GradientContext& g, const Value& t) { return mul(t, weight_beside(g.x[1], g.x[0], 1)); }),
    true, {4, 4, "in units of the greatest of |x|, |y| and 1"});

inline constexpr OpDef logaddexp2 = binary_row(
    "logaddexp2", "log2(2^x + 2^y), without 2^x or 2^y.", function_of_two<math::logaddexp2>,
    partials([](const GradientContext& g, const Value& t) { return mul(t, weight_beside(g.x[0], g.x[1], math::ln2)); },
             [](const GradientContext& g, const Value& t) { return mul(t, weight_beside(g.x[1], g.x[0], math::ln2)); }),
    true, {4, 4, "in units of the greatest of |x|, |y| and 1"});

inline constexpr OpDef ldexp = {
    .name = "ldexp",
    .doc = "x * 2^n for an i32 n, rounded once.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = floats,
    .type = [](TypeContext& c) -> Type {
        rules::require_dtype(c, 0, c.op().dtypes);
        rules::require_dtype(c, 1, dtypes_where([](Dtype d) { return d == Dtype::i32; }));
        return {c.operand(0).dtype, rules::broadcast_operands(c)};
    },
    .scalar = [](const ScalarContext& c) -> Scalars { return {math::ldexp(c.x[0], c.x[1])}; },
    .gradient =
        linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) { return ldexp(ct[0], g.x[1]); }),
    .samples = [](Dtype d) { return samples::broadcast({d, Dtype::i32}); },
};

inline constexpr auto binary_functions =
    std::to_array<const OpDef*>({&floor_divide, &fma, &copysign, &nextafter, &hypot, &logaddexp, &logaddexp2, &ldexp});

}  // namespace lathe::ir::ops
