// Normalisation: values as multiples of their deviation from their mean, over some axes.
#pragma once

#include <optional>

#include "ir/functions/pooling.h"
#include "ir/functions/statistics.h"

namespace lathe::ir::functions {

// What normal values are multiplied by, and what is added then; both broadcast.
template <Operand T>
struct ScaleAndOffset {
    std::optional<T> scale = {}, offset = {};

    T operator()(T x) const {
        if (scale) x = ops::mul(x, convert(*scale, dtype_of(x)));
        return offset ? ops::add(x, convert(*offset, dtype_of(x))) : x;
    }
};

// The mean over axes, and the mean of the squares of the differences from it; they keep the axes as extents of 1.
template <Operand T>
struct Moments {
    T centred, mean, variance;

    Moments(const T& x, const Integers& axes)
        : centred(x), mean(expand_dims(functions::mean(x, axes), shape_of(x), axes)), variance(x) {
        centred = ops::sub(x, mean);
        variance = expand_dims(functions::mean(ops::mul(centred, centred), axes), shape_of(x), axes);
    }
    T normal(double epsilon) const {
        return ops::mul(centred, ops::rsqrt(ops::add(variance, number(variance, epsilon))));
    }
};

// (x - mean) / sqrt(variance + epsilon) over the axes.
template <Operand T>
T normalize(const T& input, const Integers& axes, const ScaleAndOffset<T>& affine, double epsilon) {
    return in_accumulator(input, [&](const T& x) { return affine(Moments<T>(x, axes).normal(epsilon)); });
}

// The same along the last axis.
template <Operand T>
T layer_norm(const T& x, const T& scale, const T& offset, double epsilon = 1e-5) {
    require_same_dtype("layer_norm", x, scale);
    require_same_dtype("layer_norm", x, offset);
    return normalize<T>(x, natural_axes({-1}, shape_of(x).rank()), {scale, offset}, epsilon);
}

// x / sqrt(mean of x^2 + epsilon) over the axes.
template <Operand T>
T rms_norm(const T& input, const Integers& axes, const std::optional<T>& scale, double epsilon) {
    return in_accumulator(input, [&](const T& x) {
        const T square = expand_dims(mean(ops::mul(x, x), axes), shape_of(x), axes);
        return ScaleAndOffset<T>{scale, {}}(ops::mul(x, ops::rsqrt(ops::add(square, number(square, epsilon)))));
    });
}

// A number for each channel, which is axis 1, beside x.
template <Operand T>
T along_channels(const T& x, const T& numbers) {
    Shape column{shape_of(numbers)[0]};
    for (std::size_t i = 2; i < shape_of(x).rank(); ++i) column.push_back(1);
    return reshape(numbers, column);
}
template <Operand T>
ScaleAndOffset<T> along_channels(const T& x, const ScaleAndOffset<T>& affine) {
    ScaleAndOffset<T> out;
    if (affine.scale) out.scale = along_channels(x, *affine.scale);
    if (affine.offset) out.offset = along_channels(x, *affine.offset);
    return out;
}

// All axes but the channels'.
inline Integers all_but_channels(std::size_t rank) {
    Integers axes = all_axes(rank);
    axes.erase(axes.begin() + 1);
    return axes;
}

// With the mean and variance of each channel as they are given: x * scale + offset, both of which are numbers of
// channels, computed once where those are constant.
template <Operand T>
T batch_norm(const T& input, const T& mean, const T& variance, const ScaleAndOffset<T>& affine, double epsilon) {
    return in_accumulator(input, [&](const T& x) {
        const auto wide = [&](const T& numbers) { return convert(numbers, dtype_of(x)); };
        T scale = ops::rsqrt(ops::add(wide(variance), number(x, epsilon)));
        if (affine.scale) scale = ops::mul(wide(*affine.scale), scale);
        const T centre = ops::mul(wide(mean), scale);
        const T offset = affine.offset ? ops::sub(wide(*affine.offset), centre) : ops::neg(centre);
        return ops::add(ops::mul(x, along_channels(x, scale)), along_channels(x, offset));
    });
}

// With those of all images in x.
template <Operand T>
T batch_norm(const T& x, const ScaleAndOffset<T>& affine, double epsilon) {
    return normalize(x, all_but_channels(shape_of(x).rank()), along_channels(x, affine), epsilon);
}

// Of each image, over groups of neighbouring channels and all extents.
template <Operand T>
T group_norm(const T& x, std::int64_t groups, const ScaleAndOffset<T>& affine, double epsilon) {
    return in_accumulator(x, [&](const T& wide) {
        const Shape shape = shape_of(wide);
        Dim rest = 1;
        for (std::size_t i = 1; i < shape.rank(); ++i) rest *= shape[i];
        const T apart = reshape(wide, Shape{shape[0], groups, floordiv(rest, groups)});
        return along_channels(wide, affine)(reshape(Moments<T>(apart, {2}).normal(epsilon), shape));
    });
}

// Of each image and channel, over the extents.
template <Operand T>
T instance_norm(const T& x, const ScaleAndOffset<T>& affine, double epsilon) {
    Integers axes = all_axes(shape_of(x).rank());
    axes.erase(axes.begin(), axes.begin() + 2);
    return normalize(x, axes, along_channels(x, affine), epsilon);
}

// x / (k + alpha * mean of x^2 over `size` neighbouring channels)^beta, with zeros beyond the first and last. Of an
// even size the one more is before.
template <Operand T>
T local_response_norm(const T& input, std::int64_t size, double alpha, double beta, double k) {
    return in_accumulator(input, [&](const T& x) {
        PoolingGeometry g;
        const std::size_t behind = shape_of(x).rank() - 2;
        g.size = Shape{size};
        g.low = Shape{size / 2};
        g.high = Shape{(size - 1) / 2};
        g.stride = g.dilation = {1};
        g.beyond = Shape{0};
        for (std::size_t i = 0; i < behind; ++i) {
            g.size.push_back(1);
            g.stride.push_back(1);
            g.dilation.push_back(1);
            for (Shape* list : {&g.low, &g.high, &g.beyond}) list->push_back(0);
        }
        const T mean = ops::mul(sum_pool(ops::mul(x, x), g), number(x, 1.0 / static_cast<double>(size)));
        const T base = ops::add(ops::mul(mean, number(x, alpha)), number(x, k));
        return ops::div(x, ops::pow(base, number(x, beta)));
    });
}

}  // namespace lathe::ir::functions
