// Type rules that several rows share.
#pragma once

#include "ir/ops/op.h"

namespace lathe::ir::rules {

// What functions of the library compute of real and complex numbers: they have no narrower arithmetic.
inline constexpr DtypeSet wide_floats = dtypes_where([](Dtype d) { return d == Dtype::f32 || d == Dtype::f64; });

void require_dtype(const TypeContext& c, std::size_t operand, DtypeSet allowed);
void require_same_dtype(const TypeContext& c, std::size_t first, std::size_t second);

// NumPy's broadcasting. A constant 1 stretches; a symbol never does; a symbol against anything else has to be equal to
// it.
Shape broadcast(TypeContext& c, const Shape& a, const Shape& b);
Shape broadcast_operands(TypeContext& c);

// Elementwise ops whose operands share a dtype of the row's set: the result has it too, or is boolean.
Type elementwise(TypeContext& c);
Type comparison(TypeContext& c);

// An attribute of axes: each in range (negatives count from the end), none twice; ascending.
Integers axes(const TypeContext& c, const Integers& axes, std::size_t rank);

// Extents of a result are never negative.
void require_extent(TypeContext& c, Dim d, std::string_view what);
void require_rank(const TypeContext& c, std::size_t rank);

// ---- batch rules

// x for each index of a new first axis.
Value in_batch(const Value& x, Dim extent);
// With extents of 1 behind the first axis, so that x broadcasts beside values of that rank.
Value with_rank(const Value& x, std::size_t rank);
// With an axis as the first, or the first elsewhere.
Value axis_to_front(const Value& x, std::size_t axis);
Value front_to_axis(const Value& x, std::size_t axis);
// All operands with the batch's axis.
std::vector<Value> in_batch(const BatchContext& c);
// Attributes for dimensions of which the first is the batch's, where the operand that they speak of is batched: by
// their meaning, axes count on, and that dimension stays as it is.
Attributes batched_attributes(const BatchContext& c);

}  // namespace lathe::ir::rules
