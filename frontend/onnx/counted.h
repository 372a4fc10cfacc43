// What operators make of tensors whose extents follow from values (Counted).
#pragma once

#include <optional>

#include "frontend/onnx/node_call.h"
#include "frontend/onnx/value.h"

namespace lathe::onnx {

// Along which axis the result counts of an operator that computes each element by itself, of operands that broadcast.
// Throws (NodeCall::need_extent) where there is no such axis.
std::optional<Counted> counted_by_elements(const NodeCall& c);

Value counted_value(Tensor x, std::size_t axis, Tensor count);

// Which places along the axis count, as booleans of a shape that broadcasts to the tensor's.
Tensor places_that_count(const Tensor& x, const Counted& counted);
// The value's tensor with a number in place of what does not count.
Tensor filled(const Value& v, double number);

}  // namespace lathe::onnx
