// Remainders and quotients rounded down of floats. f32 and f64; branch-free, for operands of any magnitude.
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

// C's fmod: x - n y for the integer n that x / y truncates to, exactly; the sign is that of x, of zeros too.
Scalar remainder(Scalar x, Scalar y);
// The greatest integer that is at most x / y.
Scalar floor_quotient(Scalar x, Scalar y);

}  // namespace lathe::ir::math
