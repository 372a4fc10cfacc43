// Hyperbolic functions and their inverses; tanh is in math.h.
#pragma once

#include "ir/ops/math.h"
#include "ir/ops/math_hyperbolic.h"

namespace lathe::ir::ops {

inline constexpr OpDef sinh =
    real_row("sinh", "The hyperbolic sine.", {4, 4}, real_function<math::sinh>,
             partials([](const GradientContext& g, const Value& t) { return mul(t, cosh(g.x[0])); }));

inline constexpr OpDef cosh =
    real_row("cosh", "The hyperbolic cosine.", {4, 4}, real_function<math::cosh>,
             partials([](const GradientContext& g, const Value& t) { return mul(t, sinh(g.x[0])); }));

// 1 / sqrt(x^2 + 1), of x and 1 divided by the greater, which counts as a constant: the whole does not depend on it.
inline constexpr OpDef asinh =
    real_row("asinh", "The inverse of sinh.", {4, 4}, real_function<math::asinh>,
             partials([](const GradientContext& g, const Value& t) {
                 const Value one = functions::number(t, 1), greatest = stop_gradient(max(one, abs(g.x[0])));
                 const Value a = div(g.x[0], greatest), b = div(one, greatest), square = mul(a, a);
                 return div(div(t, greatest), sqrt(add(square, mul(b, b))));
             }));

inline constexpr OpDef acosh =
    real_row("acosh", "The inverse of cosh that is not negative; NaN below 1. The derivative at 1 is inf.", {4, 4},
             real_function<math::acosh>, partials([](const GradientContext& g, const Value& t) {
                 const Value one = functions::number(t, 1), below = sqrt(sub(g.x[0], one));
                 return div(div(t, below), sqrt(add(g.x[0], one)));
             }),
             {1.25, 3});

inline constexpr OpDef atanh =
    real_row("atanh", "The inverse of tanh; of -1 -inf, of 1 inf, NaN beyond. The derivative at -1 and 1 is inf.",
             {4, 4}, real_function<math::atanh>, partials([](const GradientContext& g, const Value& t) {
                 const Value one = functions::number(t, 1), below = sub(one, g.x[0]);
                 return div(t, mul(below, add(one, g.x[0])));
             }),
             {-0.75, 0.75});

inline constexpr auto hyperbolic_functions = std::to_array<const OpDef*>({&sinh, &cosh, &asinh, &acosh, &atanh});

}  // namespace lathe::ir::ops
