// Pooling: folds over the windows that move along the last extents. Within a window elements are taken in row-major
// order.
#pragma once

#include <limits>

#include "ir/functions/convolution.h"
#include "ir/functions/statistics.h"
#include "ir/functions/window_elements.h"

namespace lathe::ir::functions {

struct PoolingGeometry : WindowGeometry {
    Shape size;
    Shape beyond;  // behind the padding: no elements, but windows may reach there

    // Windows along extent i of a tensor.
    Dim windows(Dim extent, std::size_t i) const {
        return window_count(low[i] + extent + high[i] + beyond[i], size[i], stride[i], dilation[i]);
    }
    // So that a last window that begins before the end of what it moves over counts, too: rounding up, not down.
    void round_up(const Shape& x) {
        for (std::size_t i = 0; i < extents(); ++i) {
            const Dim extent = x[x.rank() - extents() + i], padded = low[i] + extent + high[i];
            const Dim reach = (size[i] - 1) * dilation[i] + 1;
            const Dim count = min(ceildiv(padded - reach, stride[i]) + 1, ceildiv(extent + low[i], stride[i]));
            beyond[i] = (count - 1) * stride[i] + reach - padded;
        }
    }
    // Amounts to pad with, where `filled` is what those of no elements are, too.
    Shape all_high() const {
        Shape all;
        for (std::size_t i = 0; i < extents(); ++i) all.push_back(high[i] + beyond[i]);
        return all;
    }
};

// What counts neither as greatest nor as least.
template <Operand T>
T lowest_like(const T& x) {
    const Dtype d = dtype_of(x);
    if (is_float(d)) return number(x, -std::numeric_limits<double>::infinity());
    if (is_unsigned_integer(d)) return number(x, 0);
    return Recorder<T>::constant_like(
        x, splat_literal(d, Shape{}, std::int64_t{-1} << (8 * static_cast<int>(size_of(d)) - 1)), Loc{});
}

// [lines.., extents..]: where `count` more dimensions would be too many, with two for batches of batches, those before
// the last `count` become one.
template <Operand T>
T as_lines(const T& x, std::size_t count) {
    const Shape shape = shape_of(x);
    if (shape.rank() + count + 2 <= max_rank) return x;
    Shape lines{1};
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (i + count < shape.rank())
            lines[0] *= shape[i];
        else
            lines.push_back(shape[i]);
    return reshape(x, lines);
}
// And back: what is before the last `count` dimensions as in `before`.
template <Operand T>
T from_lines(const T& x, const Shape& before, std::size_t count) {
    Shape shape;
    for (std::size_t i = 0; i + count < before.rank(); ++i) shape.push_back(before[i]);
    for (std::size_t i = shape_of(x).rank() - count; i < shape_of(x).rank(); ++i) shape.push_back(shape_of(x)[i]);
    return reshape(x, shape);
}

// [lines.., extents..], filled up where windows reach beyond.
template <Operand T>
T padded_for_windows(const T& x, const T& fill, const PoolingGeometry& g) {
    Shape low(std::vector<std::int64_t>(shape_of(x).rank() - g.extents(), 0)), high = low;
    for (Dim d : g.low) low.push_back(d);
    for (Dim d : g.all_high()) high.push_back(d);
    const auto is_zero = [](Dim d) { return d == Dim(0); };
    return std::ranges::all_of(low, is_zero) && std::ranges::all_of(high, is_zero) ? x : pad(x, fill, low, high);
}

// [lines.., elements of a window.., windows..], filled up where there are no elements.
template <Operand T>
T elements_of_windows(const T& x, const T& fill, const PoolingGeometry& g) {
    const auto n = static_cast<std::int64_t>(g.extents());
    T out = padded_for_windows(as_lines(x, g.extents()), fill, g);
    const auto lines = static_cast<std::int64_t>(shape_of(out).rank()) - n;
    for (std::size_t i = 0; i < g.extents(); ++i)
        out = windows(out, lines + static_cast<std::int64_t>(i), g.size[i], g.stride[i], g.dilation[i]);
    Integers order = all_axes(static_cast<std::size_t>(lines));
    for (std::int64_t i = 0; i < n; ++i) order.push_back(lines + n + i);
    for (std::int64_t i = 0; i < n; ++i) order.push_back(lines + i);
    return transpose(out, std::move(order));
}
// The same with the elements of a window along one dimension: [lines, elements, windows..].
template <Operand T>
T flat_elements_of_windows(const T& x, const T& fill, const PoolingGeometry& g) {
    const T apart = elements_of_windows(x, fill, g);
    const Shape shape = shape_of(apart);
    Shape flat;
    Dim elements = 1;
    for (Dim size : g.size) elements *= size;
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (i + 2 * g.extents() < shape.rank() || i + g.extents() >= shape.rank())
            flat.push_back(shape[i]);
        else if (i + 2 * g.extents() == shape.rank())
            flat.push_back(elements);
    return reshape(apart, flat);
}
// Their axis that counts elements.
template <Operand T>
std::int64_t element_axis(const T& flat, const PoolingGeometry& g) {
    return static_cast<std::int64_t>(shape_of(flat).rank() - g.extents()) - 1;
}

template <Operand T>
T max_pool(const T& x, const PoolingGeometry& g) {
    const T elements = flat_elements_of_windows(x, lowest_like(x), g);
    return from_lines(ops::first_max.with({element_axis(elements, g)}, elements), shape_of(x), g.extents());
}

// The places of the greatest elements among those of x's pooled extents, flattened, as i64; of equals the first one's.
template <Operand T>
T max_pool_indices(const T& x, const PoolingGeometry& g) {
    const Shape shape = shape_of(x);
    const std::size_t n = g.extents();
    const T elements = flat_elements_of_windows(x, lowest_like(x), g);
    T rest = ops::argmax.with({Integers{element_axis(elements, g)}, false}, elements);
    const Shape result = shape_of(rest);
    // From the last extent on: which element of the window, then where that lies.
    std::vector<T> places;
    for (std::size_t i = n; i-- > 0;) {
        const T size = extent_value(rest, g.size[i], Dtype::i64);
        const T before = ops::div(rest, size), within = ops::sub(rest, ops::mul(before, size));
        Shape line(std::vector<std::int64_t>(n, 1));
        line[i] = result[result.rank() - n + i];
        const T window = reshape(count_up(rest, line[i], Dtype::i64), line);
        const T first = ops::sub(ops::mul(window, number(rest, static_cast<double>(g.stride[i]))),
                                 extent_value(rest, g.low[i], Dtype::i64));
        places.push_back(ops::add(first, ops::mul(within, number(rest, static_cast<double>(g.dilation[i])))));
        rest = before;
    }
    T index = places.back();
    for (std::size_t i = 1; i < n; ++i)
        index =
            ops::add(ops::mul(index, extent_value(index, shape[shape.rank() - n + i], Dtype::i64)), places[n - 1 - i]);
    return from_lines(index, shape, n);
}

// Sums over the windows: an ascending chain for each. Where a window has few elements it is written out, without a loop
// and its counting, so that what windows share is read once.
template <Operand T>
T sum_pool(const T& x, const PoolingGeometry& g) {
    constexpr std::int64_t most_written_out = 16;
    // Steps of other sizes are refused by what is below.
    const auto may_step = [](const Integers& steps) {
        return std::ranges::all_of(steps, [](std::int64_t s) { return s >= 1 && s <= max_step; });
    };
    if (const auto count = few_elements(g.size.dims(), most_written_out);
        count && may_step(g.stride) && may_step(g.dilation)) {
        const T padded = padded_for_windows(as_lines(x, g.extents()), number(x, 0), g);
        const Shape shape = shape_of(padded);
        const std::size_t lines = shape.rank() - g.extents();
        const Dtype result = sum_of(dtype_of(x)), accumulator = accumulator_of(result);
        Shape windows = shape;
        Integers step(lines, 1);
        for (std::size_t i = 0; i < g.extents(); ++i) {
            windows[lines + i] = g.windows(shape_of(x)[shape_of(x).rank() - g.extents() + i], i);
            step.push_back(g.stride[i]);
        }
        T total = Recorder<T>::constant_like(x, splat_literal(accumulator, Shape{}, 0.0), Loc{});
        for (std::int64_t k = 0; k < *count; ++k) {
            const std::vector<std::int64_t> at = element_index(g.size.dims(), k);
            Shape start(std::vector<std::int64_t>(lines, 0));
            for (std::size_t i = 0; i < g.extents(); ++i) start.push_back(at[i] * g.dilation[i]);
            total = ops::add(total, convert(slice(padded, start, windows, step), accumulator));
        }
        return from_lines(convert(total, result), shape_of(x), g.extents());
    }
    const T elements = elements_of_windows(x, number(x, 0), g);
    Integers axes;
    for (std::size_t i = 0; i < g.extents(); ++i)
        axes.push_back(static_cast<std::int64_t>(shape_of(elements).rank() - 2 * g.extents() + i));
    return from_lines(sum(elements, std::move(axes)), shape_of(x), g.extents());
}

// How many elements each window has, as something that broadcasts beside the windows; of the padding, too, if that
// counts.
template <Operand T>
T window_sizes(const T& x, const PoolingGeometry& g, bool count_padding) {
    const std::size_t n = g.extents(), rank = shape_of(x).rank();
    T total = number(x, 1);
    for (std::size_t i = 0; i < n; ++i) {
        PoolingGeometry one;
        one.stride = {g.stride[i]};
        one.dilation = {g.dilation[i]};
        one.size = Shape{g.size[i]};
        one.low = Shape{count_padding ? Dim(0) : g.low[i]};
        one.high = Shape{count_padding ? Dim(0) : g.high[i]};
        one.beyond = Shape{g.beyond[i]};
        const Dim extent = shape_of(x)[rank - n + i];
        const T ones = full_like(x, Shape{count_padding ? g.low[i] + extent + g.high[i] : extent}, 1);
        const T counts = sum_pool(ones, one);
        Shape line(std::vector<std::int64_t>(n, 1));
        line[i] = shape_of(counts)[0];
        total = ops::mul(total, reshape(counts, line));
    }
    return total;
}

// Means over the windows; of `divisor` elements each, where that is not 0.
template <Operand T>
T average_pool(const T& input, const PoolingGeometry& g, bool count_padding, double divisor) {
    return in_accumulator(input, [&](const T& x) {
        const T total = sum_pool(x, g);
        return ops::div(total, divisor != 0 ? number(x, divisor) : window_sizes(x, g, count_padding));
    });
}

// (sum of |x|^p over the window)^(1/p)
template <Operand T>
T power_pool(const T& input, const PoolingGeometry& g, double p) {
    return in_accumulator(input, [&](const T& x) {
        return ops::pow(sum_pool(ops::pow(ops::abs(x), number(x, p)), g), number(x, 1 / p));
    });
}

// ---- adaptive: a number of windows, window i from floor(i * extent / count) to ceil((i + 1) * extent / count)

// The elements of the windows along one axis, as two axes in its place: the windows, and their elements; filled up,
// since windows differ in size.
template <Operand T>
struct AdaptiveWindows {
    T elements, begins, sizes;  // begins, sizes: i64, one for each window

    AdaptiveWindows(const T& x, std::int64_t axis, Dim count, const T& fill) : elements(x), begins(x), sizes(x) {
        const auto a = static_cast<std::size_t>(axis);
        const Dim extent = shape_of(x)[a];
        const Dim longest = max(1, ceildiv(extent, count) + (divides(count, extent) ? 0 : 1));
        const auto i64 = [&](Dim d) { return extent_value(x, d, Dtype::i64); };
        const T window = count_up(x, count, Dtype::i64), one = i64(1);
        const T begin = ops::div(ops::mul(window, i64(extent)), i64(count));
        const T end =
            ops::div(ops::sub(ops::add(ops::mul(ops::add(window, one), i64(extent)), i64(count)), one), i64(count));
        begins = begin;
        sizes = ops::sub(end, begin);
        const Shape column{count, 1};
        const T element = count_up(x, longest, Dtype::i64);
        const T place = ops::min(ops::add(reshape(begin, column), element), i64(extent - 1));
        const T is_element = ops::lt(element, reshape(sizes, column));
        Shape beside{count, longest};
        for (std::size_t i = a + 1; i < shape_of(x).rank(); ++i) beside.push_back(1);
        elements = ops::select(reshape(is_element, beside), ops::gather.with({axis}, x, place), fill);
    }
    static bool divides(Dim count, Dim extent) { return floordiv(extent, count) * count == extent; }
};

template <Operand T>
T adaptive_average_pool(const T& input, const Shape& counts) {
    return in_accumulator(input, [&](T x) {
        const std::size_t n = counts.rank();
        for (std::size_t i = n; i-- > 0;) {
            const std::size_t a = shape_of(x).rank() - n + i;
            const AdaptiveWindows<T> windows(x, static_cast<std::int64_t>(a), counts[i], number(x, 0));
            Shape line{counts[i]};
            for (std::size_t k = i + 1; k < n; ++k) line.push_back(1);
            const T sizes = reshape(convert(windows.sizes, dtype_of(x)), line);
            x = ops::div(sum(windows.elements, {static_cast<std::int64_t>(a) + 1}), sizes);
        }
        return x;
    });
}

template <Operand T>
T adaptive_max_pool(T x, const Shape& counts) {
    const std::size_t n = counts.rank();
    for (std::size_t i = n; i-- > 0;) {
        const auto axis = static_cast<std::int64_t>(shape_of(x).rank() - n + i);
        x = ops::first_max.with({axis + 1}, AdaptiveWindows<T>(x, axis, counts[i], lowest_like(x)).elements);
    }
    return x;
}

// The places of the greatest elements among those of x's pooled extents, flattened, as i64; of equals the first one's.
template <Operand T>
T adaptive_max_pool_indices(T x, const Shape& counts) {
    const std::size_t n = counts.rank();
    const Shape shape = shape_of(x);
    Dim behind = 1;  // elements for each place along the extent
    T index = x;     // behind it, of what is left of x
    for (std::size_t i = n; i-- > 0;) {
        const std::size_t a = shape.rank() - n + i;
        const auto axis = static_cast<std::int64_t>(a);
        const AdaptiveWindows<T> windows(x, axis, counts[i], lowest_like(x));
        Shape line{counts[i]};
        for (std::size_t k = i + 1; k < n; ++k) line.push_back(1);
        const T within = ops::argmax.with({Integers{axis + 1}, false}, windows.elements);
        const T place = ops::add(within, reshape(windows.begins, line));
        const T own = behind == Dim(1) ? place : ops::mul(place, extent_value(place, behind, Dtype::i64));
        index = i + 1 == n ? own : ops::add(own, ops::take_along_axis.with({axis}, index, place));
        x = ops::first_max.with({axis + 1}, windows.elements);
        behind *= shape[a];
    }
    return index;
}

// ---- windows as columns, and back

// [images, channels, extents..] to [images, channels * elements of a window, windows].
template <Operand T>
T unfold(const T& x, const PoolingGeometry& g) {
    const Shape shape = shape_of(x);
    const T flat = flat_elements_of_windows(x, number(x, 0), g);
    Dim elements = 1, count = 1;
    for (Dim size : g.size) elements *= size;
    for (std::size_t i = shape_of(flat).rank() - g.extents(); i < shape_of(flat).rank(); ++i)
        count *= shape_of(flat)[i];
    return reshape(flat, Shape{shape[0], shape[1] * elements, count});
}

// Back to extents: what several windows have of an element is added, from the last extent's windows on.
template <Operand T>
T fold(const T& columns, const Shape& extents, const PoolingGeometry& g) {
    const Shape shape = shape_of(columns);
    const std::size_t n = g.extents();
    Dim elements = 1;
    for (Dim size : g.size) elements *= size;
    const Dim channels = floordiv(shape[1], elements);
    Shape apart{shape[0] * channels};
    for (Dim size : g.size) apart.push_back(size);
    for (std::size_t i = 0; i < n; ++i) apart.push_back(g.windows(extents[i], i));
    T x = reshape(columns, apart);
    for (std::size_t i = n; i-- > 0;) {  // [lines, elements up to i.., windows up to i.., extents behind i..]
        const auto element = static_cast<std::int64_t>(i) + 1, window = static_cast<std::int64_t>(2 * i) + 2;
        const Dim padded = g.low[i] + extents[i] + g.high[i] + g.beyond[i];
        x = sum(unskew(x, window, element, padded, g.stride[i], g.dilation[i]), {element});
        Shape start, size;
        for (std::size_t k = 0; k < shape_of(x).rank(); ++k) {
            const bool own = k + 1 == static_cast<std::size_t>(window);
            start.push_back(own ? g.low[i] : Dim(0));
            size.push_back(own ? extents[i] : shape_of(x)[k]);
        }
        x = slice(x, start, size, Integers(size.rank(), 1));
    }
    Shape result{shape[0], channels};
    for (Dim d : extents) result.push_back(d);
    return reshape(x, result);
}

}  // namespace lathe::ir::functions
