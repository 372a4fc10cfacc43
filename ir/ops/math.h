// Functions of real numbers: exponentials, logarithms, roots and powers. Each is one fixed algorithm (math_exp.h,
// math_log.h) in f32 and f64; f16 and bf16 compute in f32 and round once.
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

constexpr OpDef real_row(std::string_view name, std::string_view doc, Accuracy accuracy, ScalarRule scalar,
                         Gradient gradient, Domain domain = {}) {
    return {
        .name = name,
        .doc = doc,
        .arity = 1,
        .lowering = Lowering::elementwise,
        .dtypes = floats,
        .type = rules::elementwise,
        .scalar = scalar,
        .accuracy = accuracy,
        .gradient = gradient,
        .domain = domain,
    };
}

inline constexpr OpDef exp =
    real_row("exp", "e^x.", {2, 2}, real_function<math::exp>,
             partials([](const GradientContext& g, const Value& t) { return mul(t, g.y[0]); }));

inline constexpr OpDef exp2 = real_row("exp2", "2^x; of integral x exact.", {2, 2}, real_function<math::exp2>,
                                       partials([](const GradientContext& g, const Value& t) {
                                           const Value scale = functions::number(t, math::ln2);
                                           return mul(mul(t, g.y[0]), scale);
                                       }));

inline constexpr OpDef expm1 =
    real_row("expm1", "e^x - 1, with all digits where x is near 0.", {4, 4}, real_function<math::expm1>,
             partials([](const GradientContext& g, const Value& t) { return mul(t, exp(g.x[0])); }));

inline constexpr OpDef log =
    real_row("log", "The natural logarithm; of 0 -inf, of negative numbers NaN.", {2, 2}, real_function<math::log>,
             partials([](const GradientContext& g, const Value& t) { return div(t, g.x[0]); }), {0.25, 4});

inline constexpr OpDef log2 =
    real_row("log2", "The logarithm to base 2, exact for powers of 2; of 0 -inf, of negative numbers NaN.", {4, 4},
             real_function<math::log2>, partials([](const GradientContext& g, const Value& t) {
                 const Value scale = functions::number(t, math::log2_e);
                 return mul(div(t, g.x[0]), scale);
             }),
             {0.25, 4});

inline constexpr OpDef log10 =
    real_row("log10", "The logarithm to base 10; of 0 -inf, of negative numbers NaN.", {4, 4},
             real_function<math::log10>, partials([](const GradientContext& g, const Value& t) {
                 const Value scale = functions::number(t, 0.43429448190325182765);
                 return mul(div(t, g.x[0]), scale);
             }),
             {0.25, 4});

inline constexpr OpDef log1p =
    real_row("log1p", "log(1 + x), with all digits where x is near 0; of -1 -inf, below NaN.", {4, 4},
             real_function<math::log1p>, partials([](const GradientContext& g, const Value& t) {
                 const Value one = functions::number(t, 1);
                 return div(t, add(one, g.x[0]));
             }),
             {-0.5, 2});

inline constexpr OpDef sqrt = real_row(
    "sqrt", "The square root, correctly rounded.", {0.5, 0.5}, real_function<square_root>,
    partials([](const GradientContext& g, const Value& t) { return div(mul(t, functions::number(t, 0.5)), g.y[0]); }),
    {0.25, 4});

inline constexpr OpDef rsqrt =
    real_row("rsqrt", "1 / sqrt(x), each of the two rounded.", {1.5, 1.5}, real_function<inverse_square_root>,
             partials([](const GradientContext& g, const Value& t) {
                 const Value half = functions::number(t, -0.5);  // compilers differ in which argument they make first
                 return mul(half, div(mul(t, g.y[0]), g.x[0]));
             }),
             {0.25, 4});

inline constexpr OpDef tanh = real_row("tanh", "The hyperbolic tangent.", {4, 4}, real_function<math::tanh>,
                                       partials([](const GradientContext& g, const Value& t) {
                                           const Value one = functions::number(t, 1);
                                           return mul(t, sub(one, mul(g.y[0], g.y[0])));
                                       }));

inline constexpr OpDef sigmoid = real_row("sigmoid", "1 / (1 + e^-x).", {4, 4}, real_function<math::sigmoid>,
                                          partials([](const GradientContext& g, const Value& t) {
                                              const Value one = functions::number(t, 1);
                                              return mul(t, mul(g.y[0], sub(one, g.y[0])));
                                          }));

inline constexpr OpDef erf = real_row("erf", "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.", {6, 4},
                                      real_function<math::erf>, partials([](const GradientContext& g, const Value& t) {
                                          constexpr double two_over_root_pi = 1.12837916709551257390;
                                          const Value scale = functions::number(t, two_over_root_pi);
                                          return mul(t, mul(scale, exp(neg(mul(g.x[0], g.x[0])))));
                                      }));

// By x: t y x^(y-1). Where y is 0 the factor is 0 whatever x is, so that no power of x may become infinite beside it,
// in derivatives of any order.
inline Value pow_by_base(const GradientContext& g, const Value& t) {
    const Value &x = g.x[0], &y = g.x[1], zero = functions::number(t, 0);
    const Value less = sub(y, functions::number(t, 1));
    return mul(t, mul(y, pow(x, select(eq(y, zero), zero, less))));
}

// By y: t x^y log x. Where x is 0, the limit: 0, or -inf for a negative y; constant in y where x is negative.
inline Value pow_by_exponent(const GradientContext& g, const Value& t) {
    const Value &x = g.x[0], &y = g.x[1], zero = functions::number(t, 0), one = functions::number(t, 1);
    const Value falls = lt(y, zero);
    const Value has_pole = logical_and(falls, eq(x, zero));
    const Value varies = logical_or(has_pole, gt(x, zero));
    const Value power = select(varies, g.y[0], zero);
    return mul(t, mul(power, log(select(varies, x, one))));
}

inline constexpr OpDef pow = {
    .name = "pow",
    .doc = "x^y. x^0 and 1^y are 1; a negative x wants an integral y, or the result is NaN.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = floats,
    .type = rules::elementwise,
    .scalar = binary_real_function<math::pow>,
    .accuracy = {4, 8},
    .gradient = partials(pow_by_base, pow_by_exponent),
    .domain = {0.5, 2},
};

inline constexpr auto real_functions = std::to_array<const OpDef*>(
    {&exp, &exp2, &expm1, &log, &log2, &log10, &log1p, &sqrt, &rsqrt, &tanh, &sigmoid, &erf, &pow});

}  // namespace lathe::ir::ops
