// Random numbers from random bits.
#pragma once

#include <cmath>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// u in [0, 1) moved to [low, low + width), or to its upper end where the sum rounds to it.
template <Operand T>
T by_width(const T& u, const T& low, const T& width) {
    return ops::add(ops::mul(u, width), low);
}

// The same for a range whose width may be infinite in u's dtype: nothing on the way is larger than the ends.
template <Operand T>
T by_ends(const T& u, const T& low, const T& high) {
    const T rest = ops::mul(ops::sub(number(u, 1), u), low);
    return ops::add(rest, ops::mul(u, high));
}

// Why numbers cannot be drawn between two ends in f32; empty where they can.
inline std::string_view refusal_of_range(double low, double high) {
    if (!std::isfinite(static_cast<float>(low)) || !std::isfinite(static_cast<float>(high)))
        return "an end of the range is not a finite f32";
    return low > high ? "the range ends below its beginning" : "";
}
inline bool has_finite_width(double low, double high) { return std::isfinite(static_cast<float>(high - low)); }

}  // namespace lathe::ir::functions
