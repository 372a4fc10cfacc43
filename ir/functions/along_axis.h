// Functions of the lines of a tensor along one axis.
#pragma once

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// x[..., indices[..., i, ...], ...]: each line of the indices, which have x's shape, chooses from the same line of x.
template <Operand T>
T take_along_axis(const T& x, const T& indices, std::int64_t axis) {
    const Shape shape = shape_of(x);
    const auto a = static_cast<std::size_t>(axis);
    Integers last = all_axes(shape.rank()), back = last;  // the axis moved to the end, and from there
    last.erase(last.begin() + axis);
    last.push_back(axis);
    back.pop_back();
    back.insert(back.begin() + axis, static_cast<std::int64_t>(shape.rank()) - 1);

    Dim rows = 1;
    Shape moved;
    for (std::int64_t i : last) moved.push_back(shape[static_cast<std::size_t>(i)]);
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (i != a) rows *= shape[i];
    const Shape lines{rows, shape[a]};
    const T row = reshape(count_up(indices, rows, dtype_of(indices)), Shape{rows, 1});
    const T first = ops::mul(row, extent_value(indices, shape[a], dtype_of(indices)));
    const T at = ops::add(first, reshape(transpose(indices, last), lines));
    const T flat = reshape(transpose(x, last), Shape{rows * shape[a]});
    return transpose(reshape(ops::gather.with({std::int64_t{0}}, flat, at), moved), back);
}

}  // namespace lathe::ir::functions
