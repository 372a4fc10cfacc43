// Convolutions over one to three extents, and their transposes.
#pragma once

#include "ir/functions/windows.h"

namespace lathe::ir::functions {

// How windows move: one entry for each extent that they move along.
struct WindowGeometry {
    Integers stride, dilation;
    Shape low, high;  // padding

    std::size_t extents() const { return stride.size(); }
};

// For images and channels in front of the extents.
inline Integers behind_two(const Integers& list) {
    Integers all{1, 1};
    all.insert(all.end(), list.begin(), list.end());
    return all;
}
inline Shape behind_two(const Shape& list) {
    Shape all{0, 0};
    for (Dim d : list) all.push_back(d);
    return all;
}

// x [images, channels, extents..] with w [outputs, channels of a group, sizes..].
template <Operand T>
T convolution(const T& x, const T& w, const WindowGeometry& g, Dim groups) {
    const Integers whole(g.extents() + 2, 1);
    return ops::convolution.with(
        {behind_two(g.low), behind_two(g.high), behind_two(g.stride), whole, behind_two(g.dilation), Shape{groups}}, x,
        w);
}

// Sums, at each place, of what windows laid over it bring there: the transpose of a convolution by x, whose x it has
// the shape of, and `more` elements at the end. x [images, channels, extents..], w [channels, outputs of a group,
// sizes..].
template <Operand T>
T transposed_convolution(const T& x, const T& w, const WindowGeometry& g, const Shape& more, std::int64_t groups) {
    const Shape sizes = shape_of(w);
    Shape low{0, 0}, high{0, 0};
    T kernel = w;
    for (std::size_t i = 0; i < g.extents(); ++i) {
        kernel = flip(kernel, {static_cast<std::int64_t>(i) + 2});
        const Dim reach = (sizes[i + 2] - 1) * g.dilation[i];
        low.push_back(reach - g.low[i]);
        high.push_back(reach - g.high[i] + more[i]);
    }
    // [groups, channels, outputs, sizes..] to [groups * outputs, channels, sizes..]
    const Dim channels = floordiv(sizes[0], groups);
    Shape apart{groups, channels}, joined{sizes[1] * groups, channels};
    for (std::size_t i = 1; i < sizes.rank(); ++i) apart.push_back(sizes[i]);
    for (std::size_t i = 2; i < sizes.rank(); ++i) joined.push_back(sizes[i]);
    Integers order = all_axes(apart.rank());
    std::swap(order[1], order[2]);
    kernel = reshape(transpose(reshape(kernel, apart), std::move(order)), joined);
    const Integers whole(g.extents() + 2, 1);
    return ops::convolution.with({low, high, whole, behind_two(g.stride), behind_two(g.dilation), Shape{Dim(groups)}},
                                 x, kernel);
}

// A bias for each channel, added to [images, channels, extents..].
template <Operand T>
T with_bias(const T& x, const T& bias) {
    Shape column{shape_of(bias)[0]};
    for (std::size_t i = 2; i < shape_of(x).rank(); ++i) column.push_back(1);
    return ops::add(x, reshape(bias, column));
}

// Amounts of zeros before and behind an extent so that there are ceil(extent / stride) windows; what is odd is behind.
struct SamePadding {
    Dim low, high;
    SamePadding(Dim extent, Dim size, std::int64_t stride, std::int64_t dilation) {
        const Dim span = (ceildiv(extent, stride) - 1) * stride + (size - 1) * dilation + 1;
        const Dim total = max(span - extent, 0);
        low = floordiv(total, 2);
        high = total - low;
    }
};

}  // namespace lathe::ir::functions
