// Images read at places that are data.
#pragma once

#include "ir/functions/along_axis.h"
#include "ir/functions/resize.h"

namespace lathe::ir::functions {

enum class GridPadding : std::uint8_t {
    zeros,       // beyond the image
    border,      // the nearest element of the image
    reflection,  // mirrored at the edges, or at the outermost elements where corners are aligned
};
struct GridSampling {
    bool nearest = false;  // else linear between neighbours
    GridPadding padding = GridPadding::zeros;
    bool align_corners = false;
    bool cubic = false;  // of two extents, where it is not nearest
};

// A coordinate in [-1, 1] as a place among the elements of an extent, or outside of them.
template <Operand T>
T place_of(const T& coordinate, Dim extent, const GridSampling& g) {
    const auto n = [&](Dim d) { return extent_value(coordinate, d, dtype_of(coordinate)); };
    const T one = number(coordinate, 1), half = number(coordinate, 0.5);
    const T place = ops::mul(ops::add(coordinate, one), half);
    return g.align_corners ? ops::mul(place, n(extent - 1)) : ops::sub(ops::mul(place, n(extent)), half);
}
// Where the padding has what is at a place.
template <Operand T>
T padded_place(const T& place, Dim extent, const GridSampling& g) {
    const T &coordinate = place, half = number(place, 0.5), zero = number(place, 0);
    const auto n = [&](Dim d) { return extent_value(coordinate, d, dtype_of(coordinate)); };
    const auto clipped = [&](const T& x) { return ops::min(ops::max(x, zero), n(extent - 1)); };
    if (g.padding == GridPadding::border) return clipped(place);
    if (g.padding == GridPadding::zeros) return place;
    if (g.align_corners && extent == Dim(1)) return zero;
    // The distance from the first edge, in spans: back and forth.
    const T first = number(coordinate, g.align_corners ? 0 : -0.5), span = n(g.align_corners ? extent - 1 : extent);
    const T distance = ops::abs(ops::sub(place, first)), turns = ops::floor(ops::div(distance, span));
    const T rest = ops::sub(distance, ops::mul(turns, span));
    const T is_back = ops::ne(ops::sub(turns, ops::mul(number(turns, 2), ops::floor(ops::mul(turns, half)))), zero);
    return clipped(ops::add(ops::select(is_back, ops::sub(span, rest), rest), first));
}

// Of flat images [images, channels, elements] of `shape` at points [images, count, coordinates]: rows of four
// neighbours, then columns of those. Each neighbour is where the padding has it.
template <Operand T>
T cubic_sample(const T& flat, const T& points, const Shape& shape, const GridSampling& g) {
    const Dim count = shape_of(points)[1];
    const Shape wide{shape[0], shape[1], count};
    struct Neighbour {
        T place, inside;
    };
    const auto neighbours = [&](std::size_t i, std::vector<T>& weights) {
        const Dim extent = shape[i + 2];
        const T own = reshape(narrow(points, 2, static_cast<std::int64_t>(1 - i), 1), Shape{shape[0], 1, count});
        const T place = place_of(own, extent, g), below = ops::floor(place);
        const T last = extent_value(place, extent - 1, dtype_of(place)), zero = number(place, 0);
        weights = cubic_weights(ops::sub(place, below));
        std::vector<Neighbour> all;
        for (const double away : {-1.0, 0.0, 1.0, 2.0}) {
            const T at = padded_place(ops::add(below, number(below, away)), extent, g);
            all.push_back({convert(ops::min(ops::max(at, zero), last), Dtype::i64),
                           ops::logical_and(ops::ge(at, zero), ops::le(at, last))});
        }
        return all;
    };
    const auto weighted_sum = [](const std::vector<T>& values, const std::vector<T>& weights) {
        T sum = ops::mul(values[0], weights[0]);
        for (std::size_t i = 1; i < values.size(); ++i) sum = ops::add(sum, ops::mul(values[i], weights[i]));
        return sum;
    };
    std::vector<T> down, across, rows;
    const std::vector<Neighbour> vertical = neighbours(0, down), horizontal = neighbours(1, across);
    for (const Neighbour& y : vertical) {
        std::vector<T> row;
        for (const Neighbour& x : horizontal) {
            const T start = ops::mul(y.place, extent_value(y.place, shape[3], Dtype::i64));
            const T taken = take_along_axis(flat, broadcast_to(ops::add(start, x.place), wide), 2);
            row.push_back(ops::select(ops::logical_and(y.inside, x.inside), taken, number(taken, 0)));
        }
        rows.push_back(weighted_sum(row, across));
    }
    return weighted_sum(rows, down);
}

// x [images, channels, extents..] at grid [images, places.., coordinates], whose coordinates begin with the last
// extent's: [images, channels, places..].
template <Operand T>
T grid_sample(const T& image, const T& grid, const GridSampling& g) {
    const Dtype d = accumulator_of(dtype_of(image));
    const T x = convert(image, d), coordinates = convert(grid, d);
    const Shape shape = shape_of(x), places = shape_of(grid);
    const std::size_t n = shape.rank() - 2;
    Dim elements = 1, count = 1;
    for (std::size_t i = 2; i < shape.rank(); ++i) elements *= shape[i];
    for (std::size_t i = 1; i + 1 < places.rank(); ++i) count *= places[i];
    const T flat = reshape(x, Shape{shape[0], shape[1], elements});
    const T points = reshape(coordinates, Shape{shape[0], count, static_cast<std::int64_t>(n)});

    Shape result_shape{shape[0], shape[1]};
    for (std::size_t i = 1; i + 1 < places.rank(); ++i) result_shape.push_back(places[i]);
    if (g.cubic) return convert(reshape(cubic_sample(flat, points, shape, g), result_shape), dtype_of(image));

    struct Axis {
        T place, below, fraction;
    };
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < n; ++i) {
        const T own = reshape(narrow(points, 2, static_cast<std::int64_t>(n - 1 - i), 1), Shape{shape[0], 1, count});
        const T place = padded_place(place_of(own, shape[i + 2], g), shape[i + 2], g);
        const T below = g.nearest ? ops::round(place) : ops::floor(place);
        axes.push_back({place, below, ops::sub(place, below)});
    }
    const auto i64 = [&](const T& like, Dim e) { return extent_value(like, e, Dtype::i64); };
    std::vector<T> terms;
    for (std::size_t corner = 0; corner < (g.nearest ? std::size_t{1} : std::size_t{1} << n); ++corner) {
        std::vector<T> index, weight, inside;
        for (std::size_t i = 0; i < n; ++i) {
            const bool upper = (corner >> i & 1U) != 0;
            const T at = upper ? ops::add(axes[i].below, number(x, 1)) : axes[i].below;
            const T last = extent_value(x, shape[i + 2] - 1, d), zero = number(x, 0);
            inside.push_back(ops::logical_and(ops::ge(at, zero), ops::le(at, last)));
            const T own = convert(ops::min(ops::max(at, zero), last), Dtype::i64);
            index.push_back(index.empty() ? own : ops::add(ops::mul(index.back(), i64(own, shape[i + 2])), own));
            if (!g.nearest) {
                const T part = upper ? axes[i].fraction : ops::sub(number(x, 1), axes[i].fraction);
                weight.push_back(weight.empty() ? part : ops::mul(weight.back(), part));
            }
            if (i > 0) inside.back() = ops::logical_and(inside[i - 1], inside[i]);
        }
        const Shape wide{shape[0], shape[1], count};
        const T taken = take_along_axis(flat, broadcast_to(index.back(), wide), 2);
        const T value = ops::select(inside.back(), taken, number(x, 0));
        terms.push_back(g.nearest ? value : ops::mul(value, weight.back()));
    }
    T sum = terms[0];
    for (std::size_t i = 1; i < terms.size(); ++i) sum = ops::add(sum, terms[i]);
    return convert(reshape(sum, result_shape), dtype_of(image));
}

}  // namespace lathe::ir::functions
