// Every row's name, so that the rules of one row may use any other.
#pragma once

#include "ir/ops/op.h"

namespace lathe::ir::ops {

extern const OpDef parameter, constant, iota;
extern const OpDef add, sub, mul, div, rem, neg, abs, max, min;
extern const OpDef exp, log, sqrt, rsqrt, tanh, sigmoid, erf, pow;
extern const OpDef floor_divide, fma, copysign, nextafter, hypot, logaddexp, logaddexp2, ldexp;
extern const OpDef eq, ne, lt, le, gt, ge;
extern const OpDef logical_and, logical_or, logical_not, select, convert, stop_gradient;
extern const OpDef bit_and, bit_or, bit_xor, bit_not, shift_left, shift_right;
extern const OpDef reshape, transpose, broadcast_to, slice, pad, concat;
extern const OpDef sort;
extern const OpDef cumsum, cumprod, cummax, linear_recurrence;
extern const OpDef sum, prod, all, any, reduce_max, reduce_min, argmax;
extern const OpDef dot_general, gather, checked_index, scatter_add, philox;

}  // namespace lathe::ir::ops
