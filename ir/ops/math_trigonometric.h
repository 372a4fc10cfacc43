// Trigonometric functions and their inverses. f32 and f64; branch-free.
//
// An angle is reduced by Cody and Waite's method with three parts of pi and fused multiplications; where it is so large
// that these do not suffice, which is rare, by Payne and Hanek's ("Radian Reduction for Trigonometric Arguments",
// 1983): the product with those digits of 2 / pi that matter, in integers. So every finite angle is reduced exactly
// enough. The polynomials are our own minimax fits (Remez exchange on the relative error of the function).
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

Scalar sin(Scalar x);
Scalar cos(Scalar x);
Scalar tan(Scalar x);
// sin(pi x) and cos(pi x).
struct SinCosPi {
    Scalar sin, cos;
};
SinCosPi sin_cos_pi(Scalar x);
Scalar asin(Scalar x);
Scalar acos(Scalar x);
Scalar atan(Scalar x);
Scalar atan2(Scalar y, Scalar x);

}  // namespace lathe::ir::math
