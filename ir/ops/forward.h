// Every row's name, so that the rules of one row may use any other.
#pragma once

#include "ir/ops/op.h"

namespace lathe::ir::ops {

extern const OpDef parameter, constant, iota;
extern const OpDef add, sub, mul, div, rem, neg, abs, max, min;
extern const OpDef floor, ceil, round, trunc, sign;
extern const OpDef exp, exp2, expm1, log, log2, log10, log1p, sqrt, rsqrt, tanh, sigmoid, erf, pow;
extern const OpDef sin, cos, tan, asin, acos, atan, atan2;
extern const OpDef sinh, cosh, asinh, acosh, atanh;
extern const OpDef cbrt, erfc, erfinv, lgamma, digamma, polygamma;
extern const OpDef eq, ne, lt, le, gt, ge;
extern const OpDef logical_and, logical_or, logical_not, select, convert, stop_gradient;
extern const OpDef bit_and, bit_or, bit_xor, bit_not, shift_left, shift_right;
extern const OpDef reshape, transpose, broadcast_to, slice, pad, concat;
extern const OpDef sort, cumsum;
extern const OpDef sum, reduce_max, reduce_min, argmax;
extern const OpDef dot_general, gather, checked_index, scatter_add, philox;

}  // namespace lathe::ir::ops
