// Type rules that several rows share.
#pragma once

#include "ir/ops/op.h"

namespace lathe::ir::rules {

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

}  // namespace lathe::ir::rules
