// Positions that are data, as users give them, for rows that want them within their bounds.
#pragma once

#include "ir/functions/movement.h"

namespace lathe::ir::functions {

// Negative positions along an axis count from its end. Others that are out of range stay as they are, so that a fault
// says what was given.
template <Operand T>
T from_start(const T& positions, Dim extent) {
    if (is_unsigned_integer(dtype_of(positions))) return positions;
    const T at = convert(positions, Dtype::i64);
    const T from_end = ops::add(at, extent_value(at, extent, Dtype::i64)), zero = number(at, 0);
    return ops::select(ops::logical_and(ops::lt(at, zero), ops::ge(from_end, zero)), from_end, at);
}

// Starts [rank] of a block in something of `shape`: negative ones count from the end; then the nearest that leave room.
template <Operand T>
T clamped_starts(const T& starts, const Shape& shape, const Shape& size) {
    if (shape.rank() == 0) return starts;
    const auto values = [&](const auto& extent_of, Dtype dtype) {
        std::vector<T> all;
        for (std::size_t i = 0; i < shape.rank(); ++i)
            all.push_back(reshape(extent_value(starts, extent_of(i), dtype), Shape{1}));
        return concat(all, 0);
    };
    const auto room = [&](Dtype dtype) {
        return values([&](std::size_t i) { return max(shape[i] - size[i], 0); }, dtype);
    };
    if (dtype_of(starts) == Dtype::u64) return ops::min(starts, room(Dtype::u64));
    const T at = convert(starts, Dtype::i64), zero = number(at, 0);
    if (is_unsigned_integer(dtype_of(starts))) return ops::min(at, room(Dtype::i64));
    const T from_end = ops::add(at, values([&](std::size_t i) { return shape[i]; }, Dtype::i64));
    return ops::max(ops::min(ops::select(ops::lt(at, zero), from_end, at), room(Dtype::i64)), zero);
}

}  // namespace lathe::ir::functions
