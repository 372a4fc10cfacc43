// Axes as users name them, counted from the front.
#pragma once

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"
#include "ir/functions/statistics.h"

namespace lathe::detail {

// What is out of range stays, for the op to refuse.
inline std::int64_t natural_axis(std::int64_t axis, const Tensor& x) {
    return ir::functions::natural_axes({axis}, x.rank())[0];
}

// Ascending; no axes are all of them.
inline ir::Integers axes_or_all(const Tensor& x, const Axes& axes) {
    return axes.values().empty() ? ir::functions::all_axes(x.rank())
                                 : ir::functions::natural_axes(axes.values(), x.rank());
}

}  // namespace lathe::detail
