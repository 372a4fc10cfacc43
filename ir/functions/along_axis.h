// Functions of the lines of a tensor along one axis.
#pragma once

#include <limits>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// x[..., indices[..., i, ...], ...]: each line of the indices chooses from the same line of x.
template <Operand T>
T take_along_axis(const T& x, const T& indices, std::int64_t axis) {
    return ops::take_along_axis.with({axis}, x, indices);
}

// In the place of each element along an axis the one before it, or behind it, and `fill` where there is none.
template <Operand T>
T shifted(const T& x, std::int64_t axis, double fill, bool from_behind) {
    const Shape shape = shape_of(x);
    Shape one, none;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        one.push_back(i == static_cast<std::size_t>(axis) ? 1 : 0);
        none.push_back(0);
    }
    const T padded = from_behind ? pad(x, number(x, fill), none, one) : pad(x, number(x, fill), one, none);
    return slice(padded, from_behind ? one : none, shape, Integers(shape.rank(), 1));
}

// For each element the product of all others over some axes, without a division.
template <Operand T>
T product_of_others(const T& x, const Integers& axes) {
    const Shape shape = shape_of(x);
    Integers order;  // those that stay, then those that are multiplied over
    Shape moved, lines;
    Dim count = 1;
    for (std::int64_t axis : all_axes(shape.rank()))
        if (!std::ranges::binary_search(axes, axis)) order.push_back(axis);
    for (std::int64_t axis : order) lines.push_back(shape[static_cast<std::size_t>(axis)]);
    for (std::int64_t axis : axes) {
        order.push_back(axis);
        count *= shape[static_cast<std::size_t>(axis)];
    }
    lines.push_back(count);
    Integers back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
        moved.push_back(shape[static_cast<std::size_t>(order[i])]);
    }
    const auto last = static_cast<std::int64_t>(lines.rank()) - 1;
    const T line = reshape(transpose(x, order), lines);
    const T before = ops::cumprod.with({last, false}, shifted(line, last, 1, false));
    const T behind = ops::cumprod.with({last, true}, shifted(line, last, 1, true));
    return transpose(reshape(ops::mul(before, behind), moved), back);
}

// log(sum(exp(x))) of the elements up to each. The sum beside the greatest element so far obeys a recurrence: where
// that rises, the sum shrinks. No derivative flows through the greatest elements.
template <Operand T>
T logcumsumexp(const T& input, std::int64_t axis, bool reverse) {
    return in_accumulator(input, [&](const T& x) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        const T greatest = ops::stop_gradient(ops::cummax.with({axis, reverse}, x));
        const T is_finite = ops::lt(ops::abs(greatest), number(x, infinity));
        const T unit = ops::select(is_finite, greatest, number(x, 0));
        const T shrinks = ops::exp(ops::sub(shifted(greatest, axis, -infinity, reverse), unit));
        const T sums = ops::linear_recurrence.with({axis, reverse}, shrinks, ops::exp(ops::sub(x, unit)));
        return ops::add(ops::log(sums), unit);
    });
}

}  // namespace lathe::ir::functions
