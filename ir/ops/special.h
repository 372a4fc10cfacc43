// Special functions of mathematics beside erf, which is in math.h.
#pragma once

#include "ir/ops/math.h"
#include "ir/ops/math_special.h"
#include "ir/ops/samples.h"

namespace lathe::ir::ops {

inline constexpr OpDef cbrt =
    real_row("cbrt", "The cube root, of negative numbers negative. The derivative at 0 is inf.", {4, 4},
             real_function<math::cbrt>, partials([](const GradientContext& g, const Value& t) {
                 const Value three = functions::number(t, 3), quotient = div(div(t, g.y[0]), g.y[0]);
                 return div(quotient, three);
             }),
             {0.25, 4});

inline constexpr OpDef erfc =
    real_row("erfc", "1 - erf(x), with all digits where that is small.", {4, 4}, real_function<math::erfc>,
             partials([](const GradientContext& g, const Value& t) {
                 constexpr double two_over_root_pi = 1.12837916709551257390;
                 const Value scale = functions::number(t, -two_over_root_pi);
                 return mul(t, mul(scale, exp(neg(mul(g.x[0], g.x[0])))));
             }));

inline constexpr OpDef erfinv =
    real_row("erfinv", "The inverse of erf; of -1 -inf, of 1 inf, NaN beyond. The derivative at -1 and 1 is inf.",
             {4, 4}, real_function<math::erfinv>, partials([](const GradientContext& g, const Value& t) {
                 constexpr double half_root_pi = 0.88622692545275801365;
                 const Value scale = functions::number(t, half_root_pi);
                 return mul(t, mul(scale, exp(mul(g.y[0], g.y[0]))));
             }),
             {-0.75, 0.75});

inline constexpr NumberAttribute<> polygamma_order{"order", "of the derivative, from 1 to 16"};
inline constexpr AttributeDef polygamma_attributes[] = {polygamma_order};
inline constexpr OpDef polygamma = {
    .name = "polygamma",
    .doc =
        "The derivative of an order of digamma. At 0 and for the first order at negative integers it is infinite; of\n"
        "other negative numbers it is NaN but for the first order.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = floats,
    .attributes = polygamma_attributes,
    .type = [](TypeContext& c) -> Type {
        const std::int64_t order = c.attribute(polygamma_order);
        if (order < 1 || order > 16) c.fail("the order " + std::to_string(order) + " is not one from 1 to 16");
        return rules::elementwise(c);
    },
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar x = c.b.convert(c.x[0], accumulator_of(c.x[0].dtype));
        return {c.b.convert(math::polygamma(x, static_cast<int>(polygamma_order(c.attributes))), c.result)};
    },
    .accuracy = {16, 16, "of positive numbers"},
    .gradient = partials([](const GradientContext& g, const Value& t) {
        const std::int64_t order = polygamma_order(g.node.attributes);
        return mul(t, polygamma.with({order + 1}, g.x[0]));
    }),
    .domain = {1, 4},
    .samples =
        [](Dtype d) {
            std::vector<Sample> all = samples::with_attributes(samples::broadcast({d}), {std::int64_t{1}});
            all.push_back({{{d, {5}}}, {std::int64_t{2}}});
            all.push_back({{{d, {5}}}, {std::int64_t{5}}});
            return all;
        },
};

inline constexpr OpDef digamma = real_row(
    "digamma",
    "The derivative of lgamma. Of 0 -inf, of negative integers NaN. Beside its roots below 0 the error is within the\n"
    "precision of the dtype.",
    {4, 4, "of positive numbers"}, real_function<math::digamma>, partials([](const GradientContext& g, const Value& t) {
        return mul(t, polygamma.with({std::int64_t{1}}, g.x[0]));
    }),
    {1, 4});

inline constexpr OpDef lgamma = real_row(
    "lgamma",
    "The logarithm of |gamma(x)|; of 0 and negative integers inf. Beside its roots below 0 the error is within the\n"
    "precision of the dtype.",
    {4, 4, "of positive numbers"}, real_function<math::lgamma>,
    partials([](const GradientContext& g, const Value& t) { return mul(t, digamma(g.x[0])); }), {1, 4});

inline constexpr auto special_functions =
    std::to_array<const OpDef*>({&cbrt, &erfc, &erfinv, &lgamma, &digamma, &polygamma});

}  // namespace lathe::ir::ops
