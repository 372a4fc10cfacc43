// Cube roots, the complement and the inverse of the error function, and what belongs to the gamma function. f32 and
// f64; branch-free. The polynomials are our own minimax fits.
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

Scalar cbrt(Scalar x);
Scalar erfc(Scalar x);
Scalar erfinv(Scalar x);
Scalar lgamma(Scalar x);
Scalar digamma(Scalar x);
// The derivative of digamma of an order from 1 on.
Scalar polygamma(Scalar x, int order);

}  // namespace lathe::ir::math
