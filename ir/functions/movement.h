// The same elements elsewhere, by the views of the table. Axes are natural: counted from the front, and in range.
#pragma once

#include <algorithm>
#include <vector>

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// With extents of 1 at the ascending axes of the result.
template <Operand T>
T unsqueeze(const T& x, const Integers& axes) {
    Shape shape;
    auto next = shape_of(x).begin();
    for (std::size_t i = 0; i < shape_of(x).rank() + axes.size(); ++i)
        shape.push_back(std::ranges::find(axes, static_cast<std::int64_t>(i)) != axes.end() ? Dim(1) : *next++);
    return reshape(x, shape);
}

// `size` elements along one axis, from `start` on.
template <Operand T>
T narrow(const T& x, std::int64_t axis, Dim start, Dim size) {
    Shape starts(std::vector<Dim>(shape_of(x).rank(), 0)), sizes = shape_of(x);
    starts[static_cast<std::size_t>(axis)] = start;
    sizes[static_cast<std::size_t>(axis)] = size;
    return sizes == shape_of(x) ? x : slice(x, starts, sizes, Integers(sizes.rank(), 1));
}

// Element [i...] is that of the row-major elements of x at the sum of i * strides, which are not negative.
template <Operand T>
T as_strided(const T& x, const Shape& shape, const Shape& strides) {
    return ops::as_strided.with({shape, strides}, reshape(x, Shape{shape_of(x).element_count()}));
}

template <Operand T>
T concat(const std::vector<T>& parts, std::int64_t axis) {
    return Recorder<T>::record(ops::concat, parts, {axis}, Loc{});
}

template <Operand T>
T flip(const T& x, const Integers& axes) {
    const Shape& shape = shape_of(x);
    Shape start(std::vector<Dim>(shape.rank(), 0));
    Integers step(shape.rank(), 1);
    for (std::int64_t axis : axes) {
        const auto a = static_cast<std::size_t>(axis);
        start[a] = shape[a] - 1;
        step[a] = -1;
    }
    return axes.empty() ? x : slice(x, start, shape, std::move(step));
}

// y[(i + shift) mod extent] = x[i] along one axis.
template <Operand T>
T roll(const T& x, Dim shift, std::int64_t axis) {
    const Dim extent = shape_of(x)[static_cast<std::size_t>(axis)];
    if (extent == Dim(0) || extent == Dim(1)) return x;
    const Dim first = mod(shift, extent.is_constant() ? extent : max(extent, 1));  // of what comes to the front
    if (first == Dim(0)) return x;
    const std::vector<T> parts{narrow(x, axis, extent - first, first), narrow(x, axis, 0, extent - first)};
    return concat(parts, axis);
}

// ---- more of the same. The positions are computed once and read: as index arithmetic, every element would divide

// Each element `count` times along one axis.
template <Operand T>
T repeat_interleave(const T& x, Dim count, std::int64_t axis) {
    if (count == Dim(1)) return x;
    const Dim extent = shape_of(x)[static_cast<std::size_t>(axis)] * count;
    const T number = count_up(x, extent, Dtype::i64);
    const T times = count.is_constant()
                        ? Recorder<T>::constant_like(x, splat_literal(Dtype::i64, Shape{}, count.constant()), Loc{})
                        : extent_value(x, count, Dtype::i64);
    return ops::gather.with({axis}, x, ops::div(number, times));
}

// All elements along one axis `count` times.
template <Operand T>
T tile(const T& x, Dim count, std::int64_t axis) {
    constexpr std::int64_t few = 16;
    if (count == Dim(1)) return x;
    if (count.is_constant() && count.constant() > 0 && count.constant() <= few)
        return concat(std::vector<T>(static_cast<std::size_t>(count.constant()), x), axis);
    const Dim extent = shape_of(x)[static_cast<std::size_t>(axis)];
    const T number = count_up(x, extent * count, Dtype::i64);
    return ops::gather.with({axis}, x, ops::rem(number, extent_value(x, extent, Dtype::i64)));
}

// ---- padding with elements of x itself, `low` before the first along one axis and `high` behind the last

// The first and the last element again.
template <Operand T>
T pad_replicate(const T& x, std::int64_t axis, Dim low, Dim high) {
    const Dim extent = shape_of(x)[static_cast<std::size_t>(axis)];
    const auto edge = [&](Dim at, Dim count) {
        Shape shape = shape_of(x);
        shape[static_cast<std::size_t>(axis)] = count;
        return broadcast_to(narrow(x, axis, at, 1), shape);
    };
    std::vector<T> parts;
    if (low != Dim(0)) parts.push_back(edge(0, low));
    parts.push_back(x);
    if (high != Dim(0)) parts.push_back(edge(extent - 1, high));
    return parts.size() == 1 ? x : concat(parts, axis);
}
// Mirrored at the first element and at the last, which are not repeated.
template <Operand T>
T pad_reflect(const T& x, std::int64_t axis, Dim low, Dim high) {
    const Dim extent = shape_of(x)[static_cast<std::size_t>(axis)];
    std::vector<T> parts;
    if (low != Dim(0)) parts.push_back(flip(narrow(x, axis, 1, low), {axis}));
    parts.push_back(x);
    if (high != Dim(0)) parts.push_back(flip(narrow(x, axis, extent - 1 - high, high), {axis}));
    return parts.size() == 1 ? x : concat(parts, axis);
}
// As if x went on from its other end.
template <Operand T>
T pad_circular(const T& x, std::int64_t axis, Dim low, Dim high) {
    const Dim extent = shape_of(x)[static_cast<std::size_t>(axis)];
    std::vector<T> parts;
    if (low != Dim(0)) parts.push_back(narrow(x, axis, extent - low, low));
    parts.push_back(x);
    if (high != Dim(0)) parts.push_back(narrow(x, axis, 0, high));
    return parts.size() == 1 ? x : concat(parts, axis);
}

// ---- what a slice leaves

// y, a slice of something of `shape`, back in its place, among fills.
template <Operand T>
T unslice(const T& y, const T& fill, const Shape& shape, Shape start, Integers step) {
    T x = y;
    const Shape size = shape_of(y);
    const std::size_t rank = shape.rank();

    // Negative steps: turn the dimension round first.
    Integers turned;
    for (std::size_t i = 0; i < rank; ++i) {
        if (step[i] > 0) continue;
        turned.push_back(static_cast<std::int64_t>(i));
        start[i] += (size[i] - 1) * step[i];
        step[i] = -step[i];
    }
    x = flip(x, turned);

    // Steps above 1: put step - 1 fills behind each element. The pad below removes what hangs over the end.
    for (std::size_t i = 0; i < rank; ++i) {
        if (step[i] == 1) continue;
        Shape split, low, high, joined = shape_of(x);
        for (std::size_t k = 0; k < rank; ++k) {
            split.push_back(joined[k]);
            low.push_back(0);
            high.push_back(0);
            if (k != i) continue;
            split.push_back(1);
            low.push_back(0);
            high.push_back(step[i] - 1);
        }
        joined[i] = joined[i] * step[i];
        x = reshape(pad(reshape(x, split), fill, low, high), joined);
    }

    Shape high;
    for (std::size_t i = 0; i < rank; ++i) high.push_back(shape[i] - start[i] - size[i] * step[i]);
    return pad(x, fill, start, high);
}

// ---- diagonals and triangles

// How many elements a diagonal has that starts `offset` to the right of the first, or below it.
inline Dim diagonal_extent(Dim rows, Dim columns, std::int64_t offset) {
    const Dim along_rows = offset < 0 ? rows + offset : rows, along_columns = offset > 0 ? columns - offset : columns;
    const Dim both = min(along_rows, along_columns);
    return offset == 0 ? both : max(both, 0);
}

// Where the column is `offset` to the right of the row, or below it, or whatever else `relation` says of
// column and row + offset: booleans [rows, columns] that belong with x.
template <Operand T>
T compare_positions(const T& x, const OpDef& relation, Dim rows, Dim columns, std::int64_t offset) {
    const T row = reshape(count_up(x, rows, Dtype::i64), Shape{rows, 1});
    const T first = Recorder<T>::constant_like(x, splat_literal(Dtype::i64, Shape{}, offset), Loc{});
    return relation(count_up(x, columns, Dtype::i64), offset == 0 ? row : ops::add(row, first));
}

// The elements of x, along its last dimension, on a diagonal of zeros of `shape`, whose dimensions `rows` and `columns`
// take its place.
template <Operand T>
T on_diagonal(const T& x, const Shape& shape, std::int64_t rows, std::int64_t columns, std::int64_t offset) {
    const Dim height = shape[static_cast<std::size_t>(rows)], width = shape[static_cast<std::size_t>(columns)];
    const auto last = static_cast<std::int64_t>(shape_of(x).rank()) - 1;
    const Dim above = offset < 0 ? Dim(-offset) : Dim(0);
    Shape low(std::vector<Dim>(shape_of(x).rank(), 0)), high = low;
    low[static_cast<std::size_t>(last)] = above;
    high[static_cast<std::size_t>(last)] = height - above - shape_of(x)[static_cast<std::size_t>(last)];
    const T column = unsqueeze(pad(x, number(x, 0), low, high), {last + 1});
    const T matrices = ops::select(compare_positions(x, ops::eq, height, width, offset), column, number(x, 0));

    Integers order;
    std::int64_t next = 0;
    for (std::int64_t i = 0; i < last + 2; ++i) order.push_back(i == rows ? last : i == columns ? last + 1 : next++);
    return transpose(matrices, std::move(order));
}

// With a new last dimension's elements on the diagonals of matrices, the last two dimensions.
template <Operand T>
T diag_embed(const T& x, std::int64_t offset) {
    Shape shape = shape_of(x);
    const auto last = static_cast<std::int64_t>(shape.rank()) - 1;
    const Dim side = shape[static_cast<std::size_t>(last)] + (offset < 0 ? Dim(-offset) : Dim(offset));
    shape[static_cast<std::size_t>(last)] = side;
    shape.push_back(side);
    return on_diagonal(x, shape, last, last + 1, offset);
}

// The matrices of the last two dimensions with zeros above a diagonal, or below it.
template <Operand T>
T tril(const T& x, std::int64_t offset) {
    const Shape& shape = shape_of(x);
    const Dim rows = shape[shape.rank() - 2], columns = shape[shape.rank() - 1];
    return ops::select(compare_positions(x, ops::le, rows, columns, offset), x, number(x, 0));
}
template <Operand T>
T triu(const T& x, std::int64_t offset) {
    const Shape& shape = shape_of(x);
    const Dim rows = shape[shape.rank() - 2], columns = shape[shape.rank() - 1];
    return ops::select(compare_positions(x, ops::ge, rows, columns, offset), x, number(x, 0));
}

}  // namespace lathe::ir::functions
