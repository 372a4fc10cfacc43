// Means, variances, and softmax.
#pragma once

#include "ir/functions/basic.h"

namespace lathe::ir::functions {

// Axes in [0, rank), ascending; those that are out of range stay as they are, for the op to refuse.
inline Integers natural_axes(Integers axes, std::size_t rank) {
    const auto n = static_cast<std::int64_t>(rank);
    for (std::int64_t& axis : axes) axis += axis < 0 && axis >= -n ? n : 0;
    std::ranges::sort(axes);
    return axes;
}

// How many elements there are along some axes, as a rank-0 value.
template <Operand T>
T element_count(const T& x, const Integers& axes, Dtype dtype) {
    Dim count = 1;
    for (std::int64_t axis : axes) count *= shape_of(x)[static_cast<std::size_t>(axis)];
    return extent_value(x, count, dtype);
}

// The mean over the axes, which the result drops. NaN where there is nothing. Of integers and booleans an f64.
template <Operand T>
T mean(const T& x, Integers axes) {
    axes = natural_axes(std::move(axes), shape_of(x).rank());
    if (!is_float(dtype_of(x))) {
        const T total = sum(x, axes);  // throws where there is no such axis
        return ops::div(convert(total, Dtype::f64), element_count(x, axes, Dtype::f64));
    }
    return in_accumulator(x, [&](const T& wide) {
        const T total = sum(wide, axes);
        return ops::div(total, element_count(wide, axes, dtype_of(wide)));
    });
}
template <Operand T>
T mean(const T& x) {
    return mean(x, all_axes(shape_of(x).rank()));
}

// The mean of the squared differences from the mean, in two passes, each an ordinary sum: the difference of two large
// sums would lose what is small beside the mean. `correction` is taken off the number of elements that the second is
// divided by. NaN, or infinite, where nothing is left of that. Of integers and booleans an f64.
template <Operand T>
T variance(const T& input, Integers axes, std::int64_t correction = 0) {
    axes = natural_axes(std::move(axes), shape_of(input).rank());
    return in_accumulator(is_float(dtype_of(input)) ? input : convert(input, Dtype::f64), [&](const T& x) {
        const T centred = ops::sub(x, expand_dims(mean(x, axes), shape_of(x), axes));
        const T total = sum(ops::mul(centred, centred), axes), count = element_count(x, axes, dtype_of(x));
        return ops::div(total, correction == 0 ? count : ops::sub(count, number(x, static_cast<double>(correction))));
    });
}

// Numbers whose order is the reverse of x's: what is greatest of x is least of them. NaN stays NaN.
template <Operand T>
T reversed_order(const T& x) {
    return is_integer(dtype_of(x)) ? ops::bit_not(x) : ops::neg(x);
}

// x - max(x), and its exponential's sum, along one axis; the maximum only keeps exp in range, so no gradient flows
// there.
template <Operand T>
struct Shifted {
    T x, total;  // total keeps the axis, with extent 1
    Shifted(const T& input, std::int64_t axis) : x(input), total(input) {
        const Integers axes = natural_axes({axis}, shape_of(input).rank());
        const Shape shape = shape_of(input);
        if (!is_empty(shape)) {  // nothing has no maximum, and needs none
            const T top = ops::stop_gradient(ops::reduce_max.with({axes}, input));
            x = ops::sub(input, expand_dims(top, shape, axes));
        }
        total = expand_dims(sum(ops::exp(x), axes), shape, axes);
    }
};

template <Operand T>
T softmax(const T& input, std::int64_t axis = -1) {
    return in_accumulator(input, [&](const T& x) {
        const Shifted<T> shifted(x, axis);
        return ops::div(ops::exp(shifted.x), shifted.total);
    });
}

template <Operand T>
T log_softmax(const T& input, std::int64_t axis = -1) {
    return in_accumulator(input, [&](const T& x) {
        const Shifted<T> shifted(x, axis);
        return ops::sub(shifted.x, ops::log(shifted.total));
    });
}

}  // namespace lathe::ir::functions
