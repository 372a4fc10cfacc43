// Fourier transforms and what belongs to them, in terms of the table's. Complex numbers are a last dimension of extent
// 2; the other dimensions are called axes.
#pragma once

#include <cmath>

#include "ir/functions/windows.h"

namespace lathe::ir::functions {

// ---- complex numbers

// x, whose last extent has to be 2.
template <Operand T>
T as_complex(const T& x) {
    Shape shape = shape_of(x);
    if (shape.rank() > 0) shape[shape.rank() - 1] = 2;
    return broadcast_to(x, shape);
}
// The real parts, or the imaginary ones, with a last extent of 1.
template <Operand T>
T part_of_complex(const T& z, std::int64_t which) {
    return narrow(z, static_cast<std::int64_t>(shape_of(z).rank()) - 1, which, 1);
}
template <Operand T>
T complex_of(const T& re, const T& im) {  // likewise
    return concat(std::vector<T>{re, im}, static_cast<std::int64_t>(shape_of(re).rank()) - 1);
}
template <Operand T>
T complex_multiply(const T& a, const T& b) {
    const T ar = part_of_complex(a, 0), ai = part_of_complex(a, 1), br = part_of_complex(b, 0),
            bi = part_of_complex(b, 1);
    return complex_of(ops::sub(ops::mul(ar, br), ops::mul(ai, bi)), ops::add(ops::mul(ar, bi), ops::mul(ai, br)));
}
template <Operand T>
T conj(const T& z) {
    const T im = part_of_complex(z, 1);
    return complex_of(part_of_complex(z, 0), ops::neg(im));
}

// ---- spectra

// The complex numbers along an axis of a half spectrum of `extent` numbers, those that stand for two multiplied by a
// factor: all but the first, and the last where the extent is even.
template <Operand T>
T scale_inner_bins(const T& x, std::int64_t axis, Dim extent, double factor) {
    const Shape& shape = shape_of(x);
    const Dim bins = shape[static_cast<std::size_t>(axis)];
    const T bin = count_up(x, bins, Dtype::i64);
    const T zero = Recorder<T>::constant_like(x, splat_literal(Dtype::i64, Shape{}, std::int64_t{0}), Loc{});
    const T is_outer =
        ops::logical_or(ops::eq(bin, zero), ops::eq(ops::add(bin, bin), extent_value(x, extent, Dtype::i64)));
    const T weights = ops::select(is_outer, number(x, 1), number(x, factor));
    Shape beside{bins};
    for (auto i = static_cast<std::size_t>(axis) + 1; i < shape.rank(); ++i) beside.push_back(1);
    return ops::mul(x, reshape(weights, beside));
}

// The first `extent` elements along an axis, with zeros where x has less.
template <Operand T>
T with_extent(const T& x, std::int64_t axis, Dim extent) {
    const auto a = static_cast<std::size_t>(axis);
    if (shape_of(x)[a] == extent) return x;
    Shape low(std::vector<Dim>(shape_of(x).rank(), 0)), high = low;
    high[a] = extent - shape_of(x)[a];
    return zero_padded(x, low, high);
}

// What transforms are divided by.
enum class SpectrumScale : std::uint8_t { one, root, count };

template <Operand T>
T scaled_spectrum(const T& x, Dim count, SpectrumScale scale) {
    if (scale == SpectrumScale::one) return x;
    const T n = extent_value(x, count, Dtype::f64);
    return ops::div(x, convert(scale == SpectrumScale::root ? ops::sqrt(n) : n, dtype_of(x)));
}

// ---- frames: windows of a signal, the last axis, at equal distances

// Pieces of as long as the distance are moved whole where a window has few of them.
inline constexpr std::int64_t most_pieces = 32;

// [.., frames, size].
template <Operand T>
T frames(const T& x, std::int64_t size, std::int64_t hop) {
    const auto last = static_cast<std::int64_t>(shape_of(x).rank()) - 1;
    const std::int64_t pieces = (size + hop - 1) / hop;
    if (pieces > most_pieces) return windows(x, last, size, hop, 1);
    const Dim count = window_count(shape_of(x)[static_cast<std::size_t>(last)], size, hop, 1);
    Shape shape = shape_of(x);
    shape[static_cast<std::size_t>(last)] = count + (pieces - 1);
    shape.push_back(hop);
    const T all = reshape(with_extent(x, last, (count + (pieces - 1)) * hop), shape);
    std::vector<T> parts;
    for (std::int64_t i = 0; i < pieces; ++i) parts.push_back(narrow(all, last, i, count));
    return narrow(pieces == 1 ? parts[0] : concat(parts, last + 1), last + 1, 0, size);
}

// The transpose of frames: each added where it was, [.., (frames - 1) * hop + size].
template <Operand T>
T overlap_add(const T& x, std::int64_t hop) {
    const auto last = static_cast<std::int64_t>(shape_of(x).rank()) - 1;
    const Dim count = shape_of(x)[static_cast<std::size_t>(last) - 1];
    const std::int64_t size = shape_of(x)[static_cast<std::size_t>(last)].constant();
    const std::int64_t pieces = (size + hop - 1) / hop;
    const Dim extent = (count - 1) * hop + size;
    if (pieces > most_pieces) return sum(unskew(x, last - 1, last, extent, hop, 1), {last});
    const T whole = with_extent(x, last, pieces * hop);
    Shape flat, low, high;
    for (std::int64_t i = 0; i < last; ++i) {
        flat.push_back(i == last - 1 ? count * hop : shape_of(x)[static_cast<std::size_t>(i)]);
        low.push_back(0);
        high.push_back(0);
    }
    const auto piece = [&](std::int64_t i) {
        low[flat.rank() - 1] = i * hop;
        high[flat.rank() - 1] = (pieces - 1 - i) * hop;
        return zero_padded(reshape(narrow(whole, last, i * hop, hop), flat), low, high);
    };
    T total = piece(0);
    for (std::int64_t i = 1; i < pieces; ++i) total = ops::add(total, piece(i));
    return narrow(total, last - 1, 0, extent);
}

}  // namespace lathe::ir::functions
