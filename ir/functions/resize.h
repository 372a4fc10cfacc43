// Images in another size: each extent by itself, as sums of neighbours with weights.
#pragma once

#include "ir/functions/pooling.h"

namespace lathe::ir::functions {

enum class Interpolation : std::uint8_t {
    nearest,        // the element at floor(i * scale)
    nearest_exact,  // the element at floor((i + 1/2) * scale)
    linear,
    cubic,  // Keys' kernel with a = -3/4: "Cubic convolution interpolation for digital image processing", 1981
};

// One extent in another size.
struct Resize {
    Dim size;
    double scale = 0;            // of an element of x in elements of the result; 0: what the extents say
    bool align_corners = false;  // the first and last elements lie at the same places, not the outermost edges
    Interpolation interpolation = Interpolation::linear;
};

// The greatest integer that is not greater, as i64; x is no further from 0 than 2^62.
template <Operand T>
T floor_to_integer(const T& x) {
    const T truncated = convert(x, Dtype::i64);
    const T is_above = ops::gt(convert(truncated, dtype_of(x)), x);
    return ops::sub(truncated, convert(is_above, Dtype::i64));
}

// Of the four neighbours of a place by Keys' kernel, which is `fraction` behind the second of them.
template <Operand T>
std::vector<T> cubic_weights(const T& fraction) {
    constexpr double sharpness = -0.75;
    const auto times = [&](const T& v, double c) { return ops::mul(v, number(fraction, c)); };
    const auto plus = [&](const T& v, double c) { return ops::add(v, number(fraction, c)); };
    // Of a neighbour at a distance up to 1, and up to 2.
    const auto near = [&](const T& t) {
        return plus(ops::mul(ops::mul(plus(times(t, sharpness + 2), -(sharpness + 3)), t), t), 1);
    };
    const auto far = [&](const T& t) {
        const T inner = plus(ops::mul(plus(times(t, sharpness), -5 * sharpness), t), 8 * sharpness);
        return plus(ops::mul(inner, t), -4 * sharpness);
    };
    const T rest = ops::sub(number(fraction, 1), fraction);
    return {far(plus(fraction, 1)), near(fraction), near(rest), far(plus(rest, 1))};
}

template <Operand T>
T resize(const T& x, std::int64_t axis, const Resize& r) {
    const auto a = static_cast<std::size_t>(axis);
    const Dim extent = shape_of(x)[a];
    const Dtype d = is_float(dtype_of(x)) ? accumulator_of(dtype_of(x)) : Dtype::f32;  // of places and weights
    const T wide = convert(x, d);
    const auto is = [&](Interpolation i) { return r.interpolation == i; };
    const bool is_nearest = is(Interpolation::nearest) || is(Interpolation::nearest_exact);
    const auto as_float = [&](Dim e) { return extent_value(wide, e, d); };
    const T half = number(wide, 0.5), place = count_up(wide, r.size, d);
    T scale = number(wide, 1);
    if (r.align_corners && !is_nearest)
        scale = r.size == Dim(1) ? number(wide, 0) : ops::div(as_float(extent - 1), as_float(r.size - 1));
    else
        scale = r.scale != 0 ? number(wide, 1 / r.scale) : ops::div(as_float(extent), as_float(r.size));
    T source = ops::mul(is(Interpolation::nearest) || r.align_corners ? place : ops::add(place, half), scale);
    if (!is_nearest && !r.align_corners) source = ops::sub(source, half);
    if (is(Interpolation::linear)) source = ops::max(source, number(wide, 0));

    const T below = floor_to_integer(source), fraction = ops::sub(source, convert(below, d));
    const auto i64 = [&](std::int64_t v) { return number(below, static_cast<double>(v)); };
    const T last = extent_value(below, extent - 1, Dtype::i64);
    const auto element = [&](std::int64_t away) {
        const T at = ops::max(ops::min(ops::add(below, i64(away)), last), i64(0));
        return ops::gather.with({axis}, is_nearest ? x : wide, at);
    };
    if (is_nearest) return element(0);
    Shape line{r.size};
    for (std::size_t i = a + 1; i < shape_of(x).rank(); ++i) line.push_back(1);
    const auto weighted = [&](std::int64_t away, const T& weight) {
        return ops::mul(element(away), reshape(weight, line));
    };
    const T one = number(wide, 1), rest = ops::sub(one, fraction);
    if (is(Interpolation::linear)) return convert(ops::add(weighted(0, rest), weighted(1, fraction)), dtype_of(x));
    const std::vector<T> weights = cubic_weights(fraction);
    const T left = ops::add(weighted(-1, weights[0]), weighted(0, weights[1]));
    const T right = ops::add(weighted(1, weights[2]), weighted(2, weights[3]));
    return convert(ops::add(left, right), dtype_of(x));
}

}  // namespace lathe::ir::functions
