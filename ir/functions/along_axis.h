// Functions of the lines of a tensor along one axis.
#pragma once

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// x[..., indices[..., i, ...], ...]: each line of the indices chooses from the same line of x.
template <Operand T>
T take_along_axis(const T& x, const T& indices, std::int64_t axis) {
    return ops::take_along_axis.with({axis}, x, indices);
}

}  // namespace lathe::ir::functions
