// Trigonometric functions and their inverses, as math.h has those around exp and log.
#pragma once

#include "ir/ops/math.h"
#include "ir/ops/math_trigonometric.h"

namespace lathe::ir::ops {

inline constexpr OpDef sin =
    real_row("sin", "The sine of x radians; of infinities NaN.", {4, 4}, real_function<math::sin>,
             partials([](const GradientContext& g, const Value& t) { return mul(t, cos(g.x[0])); }));

inline constexpr OpDef cos =
    real_row("cos", "The cosine of x radians; of infinities NaN.", {4, 4}, real_function<math::cos>,
             partials([](const GradientContext& g, const Value& t) { return neg(mul(t, sin(g.x[0]))); }));

inline constexpr OpDef tan = real_row("tan", "The tangent of x radians; of infinities NaN.", {4, 4},
                                      real_function<math::tan>, partials([](const GradientContext& g, const Value& t) {
                                          const Value one = functions::number(t, 1);
                                          return mul(t, add(one, mul(g.y[0], g.y[0])));
                                      }),
                                      {-1, 1});

// sqrt(1 - x^2), without the loss of digits near 1.
inline Value root_of_one_less_square(const Value& x) {
    const Value one = functions::number(x, 1), below = sub(one, x);
    return sqrt(mul(below, add(one, x)));
}

inline constexpr OpDef asin = real_row(
    "asin", "The angle in [-pi/2, pi/2] whose sine is x; NaN outside of [-1, 1]. The derivative at -1 and 1 is inf.",
    {4, 4}, real_function<math::asin>,
    partials([](const GradientContext& g, const Value& t) { return div(t, root_of_one_less_square(g.x[0])); }),
    {-0.75, 0.75});

inline constexpr OpDef acos = real_row(
    "acos", "The angle in [0, pi] whose cosine is x; NaN outside of [-1, 1]. The derivative at -1 and 1 is -inf.",
    {4, 4}, real_function<math::acos>,
    partials([](const GradientContext& g, const Value& t) { return neg(div(t, root_of_one_less_square(g.x[0]))); }),
    {-0.75, 0.75});

inline constexpr OpDef atan =
    real_row("atan", "The angle in [-pi/2, pi/2] whose tangent is x.", {4, 4}, real_function<math::atan>,
             partials([](const GradientContext& g, const Value& t) {
                 const Value one = functions::number(t, 1);
                 return div(t, add(one, mul(g.x[0], g.x[0])));
             }));

// t f / (x^2 + y^2), where f is one of the two: of their quotients by the greater, whose squares neither overflow nor
// vanish. That one counts as a constant, since the whole does not depend on it.
inline Value atan2_partial(const GradientContext& g, const Value& t, std::size_t factor) {
    const Value &y = g.x[0], &x = g.x[1], zero = functions::number(t, 0), one = functions::number(t, 1);
    const Value up = abs(y), greatest = stop_gradient(max(up, abs(x)));
    const Value scale = select(eq(greatest, zero), one, greatest);
    const Value a = div(y, scale), b = div(x, scale), square = mul(a, a);
    const Value sum = add(square, mul(b, b));
    const Value quotient = div(factor == 0 ? a : b, select(eq(sum, zero), one, sum));
    return mul(div(t, scale), quotient);
}

inline constexpr OpDef atan2 = {
    .name = "atan2",
    .doc =
        "The angle in [-pi, pi] of the point (x, y), y first. Signed zeros and infinities as in C: of (0, 0) 0, of\n"
        "(-0, 0) pi, of infinities the diagonals. The derivative at the origin is 0.",
    .arity = 2,
    .lowering = Lowering::elementwise,
    .dtypes = floats,
    .type = rules::elementwise,
    .scalar = binary_real_function<math::atan2>,
    .accuracy = {4, 4},
    .gradient = partials([](const GradientContext& g, const Value& t) { return atan2_partial(g, t, 1); },
                         [](const GradientContext& g, const Value& t) { return neg(atan2_partial(g, t, 0)); }),
    .domain = {0.5, 2},
};

inline constexpr auto trigonometric_functions =
    std::to_array<const OpDef*>({&sin, &cos, &tan, &asin, &acos, &atan, &atan2});

}  // namespace lathe::ir::ops
