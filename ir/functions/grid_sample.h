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
};

// A coordinate in [-1, 1] as a place among the elements of an extent.
template <Operand T>
T place_in(const T& coordinate, Dim extent, const GridSampling& g) {
    const auto n = [&](Dim d) { return extent_value(coordinate, d, dtype_of(coordinate)); };
    const T one = number(coordinate, 1), half = number(coordinate, 0.5), zero = number(coordinate, 0);
    T place = ops::mul(ops::add(coordinate, one), half);
    place = g.align_corners ? ops::mul(place, n(extent - 1)) : ops::sub(ops::mul(place, n(extent)), half);
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

    struct Axis {
        T place, below, fraction;
    };
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < n; ++i) {
        const T own = reshape(narrow(points, 2, static_cast<std::int64_t>(n - 1 - i), 1), Shape{shape[0], 1, count});
        const T place = place_in(own, shape[i + 2], g);
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
    Shape result{shape[0], shape[1]};
    for (std::size_t i = 1; i + 1 < places.rank(); ++i) result.push_back(places[i]);
    return convert(reshape(sum, result), dtype_of(image));
}

}  // namespace lathe::ir::functions
