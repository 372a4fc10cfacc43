// Activation functions.
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

Tensor relu(const Tensor& x, Where where = Where::current());
Tensor gelu(const Tensor& x, Where where = Where::current());  // x / 2 * (1 + erf(x / sqrt(2)))
Tensor silu(const Tensor& x, Where where = Where::current());  // x * sigmoid(x)

}  // namespace lathe
