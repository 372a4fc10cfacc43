// Hyperbolic functions and their inverses, but for tanh, which is with exp. f32 and f64; branch-free.
//
// With x = n ln 2 + r, sinh and cosh are those of n ln 2, which are sums of powers of two, combined with those of r by
// the theorems of addition: no division and no cancellation. The inverses are log1p of expressions that are small with
// x.
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

Scalar sinh(Scalar x);
Scalar cosh(Scalar x);
Scalar asinh(Scalar x);
Scalar acosh(Scalar x);
Scalar atanh(Scalar x);

}  // namespace lathe::ir::math
