// Every row's name, so that the rules of one row may use any other.
#pragma once

#include "ir/ops/op.h"

namespace lathe::ir::ops {

extern const OpDef parameter, constant, iota;
extern const OpDef add, sub, mul, div, rem, neg, abs, max, min;
extern const OpDef floor_divide, fma, copysign, nextafter, hypot, logaddexp, logaddexp2, ldexp;
extern const OpDef floor, ceil, round, trunc, sign;
extern const OpDef exp, exp2, expm1, log, log2, log10, log1p, sqrt, rsqrt, tanh, sigmoid, erf, pow;
extern const OpDef sin, cos, tan, asin, acos, atan, atan2;
extern const OpDef sinh, cosh, asinh, acosh, atanh;
extern const OpDef cbrt, erfc, erfinv, lgamma, digamma, polygamma;
extern const OpDef eq, ne, lt, le, gt, ge;
extern const OpDef logical_and, logical_or, logical_not, select, convert, stop_gradient;
extern const OpDef bit_and, bit_or, bit_xor, bit_not, shift_left, shift_right;
extern const OpDef reshape, transpose, broadcast_to, slice, pad, concat, diagonal, as_strided;
extern const OpDef sort, topk, searchsorted;
extern const OpDef skew, convolution, first_max;
extern const OpDef dot_general, dot_general_bytes, convolution_bytes, philox;
extern const OpDef gather, take_along_axis, checked_index, dynamic_slice, dynamic_update_slice;
extern const OpDef scatter_add, scatter_set, scatter_multiply, scatter_max, scatter_min;
extern const OpDef add_along_axis, put_along_axis, multiply_along_axis, max_along_axis, min_along_axis;
extern const OpDef fft, rfft, irfft;
extern const OpDef cumsum, cumprod, cummax, linear_recurrence;
extern const OpDef sum, prod, all, any, reduce_max, reduce_min, argmax;

}  // namespace lathe::ir::ops
