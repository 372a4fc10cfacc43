// Products of what DequantizeLinear gives: the integers are multiplied, whose sums are exact, and the sums scaled. ONNX
// leaves the order of a sum of floats open, so that this is one of the results that it means, and the most accurate
// one. It is decided here, by what the file says, and not by an optimisation: every way of running has its bits.
#pragma once

#include <optional>

#include "frontend/onnx/node_call.h"

namespace lathe::onnx {

// Of operands 0 and 1; nothing where one of them is no such value, or its scale is none for a whole sum.
std::optional<Tensor> dequantized_convolution(const NodeCall& c);
std::optional<Tensor> dequantized_product(const NodeCall& c);
// The same of matrices with a or b transposed.
std::optional<Tensor> dequantized_product(const NodeCall& c, bool transposes_a, bool transposes_b);

}  // namespace lathe::onnx
