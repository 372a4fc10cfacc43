// What becomes of the losses of many elements.
#pragma once

#include "ir/functions/statistics.h"

namespace lathe::ir::functions {

enum class Reduction : std::uint8_t { none, mean, sum };

template <Operand T>
T reduced(const T& losses, Reduction reduction) {
    if (reduction == Reduction::none) return losses;
    const Integers axes = all_axes(shape_of(losses).rank());
    return reduction == Reduction::sum ? sum(losses, axes) : mean(losses, axes);
}

}  // namespace lathe::ir::functions
