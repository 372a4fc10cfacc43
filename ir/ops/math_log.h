// Logarithms and powers. f32 and f64; branch-free.
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

Scalar log(Scalar x);
Scalar log2(Scalar x);
Scalar log10(Scalar x);
Scalar log1p(Scalar x);
Scalar pow(Scalar x, Scalar y);

}  // namespace lathe::ir::math
