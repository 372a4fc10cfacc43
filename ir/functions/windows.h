// Windows that move along axes, and sums over all windows that an element lies in.
#pragma once

#include "ir/functions/movement.h"

namespace lathe::ir::functions {

template <Operand T>
T zero_padded(const T& x, const Shape& low, const Shape& high) {
    return pad(x, number(x, 0), low, high);
}

// x with step - 1 zeros between neighbours along an axis; its extent is not 0.
template <Operand T>
T spread_out(const T& x, std::int64_t axis, std::int64_t step) {
    if (step == 1) return x;
    const auto a = static_cast<std::size_t>(axis);
    const Shape shape = shape_of(x);
    Shape cells, low, high, joined = shape, none, cut;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        cells.push_back(shape[i]);
        high.push_back(0);
        if (i == a) {
            cells.push_back(1);
            high.push_back(step - 1);
        }
        none.push_back(0);
        cut.push_back(i == a ? 1 - step : 0);
    }
    for (std::size_t i = 0; i < cells.rank(); ++i) low.push_back(0);
    joined[a] = shape[a] * step;
    return zero_padded(reshape(zero_padded(reshape(x, cells), low, high), joined), none, cut);
}

// The transpose of skew: y[.., i * stride + k * dilation, .., k, ..] = x[.., i, .., k, ..], with an extent along the
// axis, and 0 where no window has an element. Read backwards, element k of a window lies further ahead the less k is.
template <Operand T>
T unskew(const T& x, std::int64_t axis, std::int64_t offsets, Dim extent, std::int64_t stride, std::int64_t dilation) {
    const auto a = static_cast<std::size_t>(axis);
    const Dim reach = (shape_of(x)[static_cast<std::size_t>(offsets)] - 1) * dilation;
    const T apart = spread_out(x, axis, stride);
    Shape low, high;
    for (std::size_t i = 0; i < shape_of(x).rank(); ++i) {
        low.push_back(i == a ? reach : Dim(0));
        high.push_back(i == a ? extent - shape_of(apart)[a] : Dim(0));
    }
    const T backwards = flip(zero_padded(apart, low, high), {offsets});
    return flip(ops::skew.with({axis, offsets, Shape{extent}, std::int64_t{1}, dilation}, backwards), {offsets});
}

// How many windows there are along an axis.
inline Dim window_count(Dim extent, Dim size, std::int64_t stride, std::int64_t dilation) {
    return floordiv(extent - (size - 1) * dilation - 1, stride) + 1;
}

// The elements of the windows along an axis, whose index within the window is a new last dimension.
template <Operand T>
T windows(const T& x, std::int64_t axis, Dim size, std::int64_t stride, std::int64_t dilation) {
    Shape wide = shape_of(x);
    const auto a = static_cast<std::size_t>(axis);
    const Dim count = window_count(wide[a], size, stride, dilation);
    // Windows side by side are the axis in pieces, which derivatives need not add up.
    if (dilation == 1 && size == Dim(stride) && stride <= max_step) {
        const T whole = count * size == wide[a] ? x : narrow(x, axis, 0, count * size);
        Shape pieces;
        Integers order;
        for (std::size_t i = 0; i < wide.rank(); ++i) {
            pieces.push_back(i == a ? count : wide[i]);
            if (i == a) pieces.push_back(size);
            order.push_back(static_cast<std::int64_t>(i <= a ? i : i + 1));
        }
        order.push_back(axis + 1);
        return transpose(reshape(whole, pieces), std::move(order));
    }
    wide.push_back(1);
    const T column = reshape(x, wide);
    wide[wide.rank() - 1] = size;
    return ops::skew.with({axis, static_cast<std::int64_t>(wide.rank()) - 1, Shape{count}, stride, dilation},
                          broadcast_to(column, wide));
}

}  // namespace lathe::ir::functions
