// Functions of real numbers. Each is one fixed algorithm (math_exp.h, math_log.h) in f32 and f64; f16 and bf16 compute
// in f32 and round once.
#pragma once

#include "ir/functions/basic.h"
#include "ir/ops/math_exp.h"
#include "ir/ops/math_log.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

template <Scalar (*function)(Scalar)>
Scalars real_function(const ScalarContext& c) {
    return {c.b.convert(function(c.b.convert(c.x[0], accumulator_of(c.x[0].dtype))), c.result)};
}
template <Scalar (*function)(Scalar, Scalar)>
Scalars binary_real_function(const ScalarContext& c) {
    const Dtype wide = accumulator_of(c.x[0].dtype);
    return {c.b.convert(function(c.b.convert(c.x[0], wide), c.b.convert(c.x[1], wide)), c.result)};
}

inline Scalar square_root(Scalar x) { return x.builder->sqrt(x); }
inline Scalar inverse_square_root(Scalar x) { return x.builder->constant(x.dtype, 1) / x.builder->sqrt(x); }

constexpr OpDef real_row(std::string_view name, std::string_view doc, ScalarRule scalar, Gradient gradient,
                         Domain domain = {}) {
    return {
        .name = name,
        .doc = doc,
        .arity = 1,
        .lowering = Lowering::elementwise,
        .dtypes = floats,
        .type = rules::elementwise,
        .scalar = scalar,
        .gradient = gradient,
        .domain = domain,
    };
}

inline constexpr OpDef exp = real_row("exp", "e^x. Within 2 ulp.", real_function<math::exp>,
                                      partials([](const GradientContext& g) { return g.y[0]; }));

inline constexpr OpDef log = real_row(
    "log", "The natural logarithm; of 0 -inf, of negative numbers NaN. Within 2 ulp.", real_function<math::log>,
    partials([](const GradientContext& g) { return div(functions::number(g.x[0], 1), g.x[0]); }), {0.25, 4});

inline constexpr OpDef sqrt =
    real_row("sqrt", "The square root, correctly rounded.", real_function<square_root>,
             partials([](const GradientContext& g) { return div(functions::number(g.x[0], 0.5), g.y[0]); }), {0.25, 4});

inline constexpr OpDef rsqrt = real_row(
    "rsqrt", "1 / sqrt(x), each of the two rounded.", real_function<inverse_square_root>,
    partials([](const GradientContext& g) { return div(mul(functions::number(g.x[0], -0.5), g.y[0]), g.x[0]); }),
    {0.25, 4});

inline constexpr OpDef tanh = real_row(
    "tanh", "The hyperbolic tangent. Within 4 ulp.", real_function<math::tanh>, partials([](const GradientContext& g) {
        const Value one = functions::number(g.x[0], 1);  // compilers differ in which argument they make first
        return sub(one, mul(g.y[0], g.y[0]));
    }));

inline constexpr OpDef sigmoid =
    real_row("sigmoid", "1 / (1 + e^-x). Within 4 ulp.", real_function<math::sigmoid>,
             partials([](const GradientContext& g) { return mul(g.y[0], sub(functions::number(g.x[0], 1), g.y[0])); }));

inline constexpr OpDef erf =
    real_row("erf", "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. Within 6 ulp, f64 within 4.",
             real_function<math::erf>, partials([](const GradientContext& g) {
                 constexpr double two_over_root_pi = 1.12837916709551257390;
                 return mul(functions::number(g.x[0], two_over_root_pi), exp(neg(mul(g.x[0], g.x[0]))));
             }));

inline constexpr OpDef pow = {
    .name = "pow",
    .doc =
        "x^y. x^0 and 1^y are 1; a negative x wants an integral y, or the result is NaN. Within 4 ulp, f64 within 8.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = floats,
    .type = rules::elementwise,
    .scalar = binary_real_function<math::pow>,
    .gradient = partials(
        [](const GradientContext& g) { return mul(g.x[1], pow(g.x[0], sub(g.x[1], functions::number(g.x[1], 1)))); },
        [](const GradientContext& g) {
            // x^y log x, which is 0 where x is (and y > 0); constant in y where x is negative.
            const Value zero = functions::number(g.x[0], 0);
            const Value positive = gt(g.x[0], zero);
            const Value base = select(positive, g.x[0], functions::number(g.x[0], 1));
            return mul(g.y[0], log(base));
        }),
    .domain = {0.5, 2},
};

inline constexpr auto real_functions =
    std::to_array<const OpDef*>({&exp, &log, &sqrt, &rsqrt, &tanh, &sigmoid, &erf, &pow});

}  // namespace lathe::ir::ops
