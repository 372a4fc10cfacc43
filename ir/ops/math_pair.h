// Functions of two real numbers. f32 and f64, where nothing else is said; branch-free.
#pragma once

#include "ir/ops/scalar.h"

namespace lathe::ir::math {

Scalar hypot(Scalar x, Scalar y);
// log(e^x + e^y), and the same to the base 2.
Scalar logaddexp(Scalar x, Scalar y);
Scalar logaddexp2(Scalar x, Scalar y);
// x 2^n for an i32 n, rounded once.
Scalar ldexp(Scalar x, Scalar n);
// The integer dtype of the same size, and its highest bit.
Dtype bits_of(Dtype d);
Scalar sign_bit(ScalarBuilder& b, Dtype bits);
// The number next to x on the way to y, in any dtype of floats.
Scalar nextafter(Scalar x, Scalar y);

}  // namespace lathe::ir::math
