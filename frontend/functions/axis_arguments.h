// Axes as users name them, counted from the front.
#pragma once

#include <string>
#include <string_view>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/blame.h"
#include "frontend/tensor/tensor.h"
#include "ir/error.h"
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

inline void require_rank(std::size_t rank, std::string_view function, Where where) {
    if (rank > ir::max_rank)
        refuse(function,
               "the result would have rank " + std::to_string(rank) + ", more than " + std::to_string(ir::max_rank),
               where);
}

// For functions that are no op: an axis of something of that rank; what is out of range is refused.
inline std::int64_t axis_of(std::int64_t axis, std::size_t rank, std::string_view function, Where where) {
    const auto n = static_cast<std::int64_t>(rank);
    if (axis < -n || axis >= n)
        refuse(function, "axis " + std::to_string(axis) + " is out of range for rank " + std::to_string(rank), where);
    return axis < 0 ? axis + n : axis;
}
// In their order, none of them twice.
inline ir::Integers axes_of(const Axes& axes, std::size_t rank, std::string_view function, Where where) {
    ir::Integers out;
    for (std::int64_t axis : axes.values()) {
        const std::int64_t natural = axis_of(axis, rank, function, where);
        if (std::ranges::find(out, natural) != out.end())
            refuse(function, "axis " + std::to_string(natural) + " occurs twice", where);
        out.push_back(natural);
    }
    return out;
}

}  // namespace lathe::detail
