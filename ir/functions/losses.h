// Losses, and the one-hot code of labels.
#pragma once

#include <optional>

#include "ir/functions/statistics.h"

namespace lathe::ir::functions {

// Where a new last dimension of `classes` elements counts to each label. A label outside [0, classes) is a fault, which
// calls it by the name.
template <Operand T>
T label_mask(const T& labels, Dim classes, std::string name) {
    Shape wide = shape_of(labels);
    wide.push_back(1);
    const T checked = ops::checked_index.with({Shape{classes}, std::move(name)}, labels);
    return ops::eq(reshape(convert(checked, Dtype::i64), wide), count_up(labels, classes, Dtype::i64));
}

// 1 at each label's place along a new last dimension, else 0.
template <Operand T>
T one_hot(const T& labels, Dim classes, Dtype dtype) {
    return convert(label_mask(labels, classes, "one_hot: index"), dtype);
}

// Which labels are not the one that is left out.
template <Operand T>
T differs(const T& labels, std::int64_t left_out) {
    const Literal literal = splat_literal(Dtype::i64, Shape{}, left_out);
    if (dtype_of(labels) != Dtype::u64 || left_out >= 0)
        return ops::ne(convert(labels, Dtype::i64), Recorder<T>::constant_like(labels, literal, Loc{}));
    return ops::ge(labels, number(labels, 0));  // always: what i64 does not hold looks negative there, but is not
}

inline Shape drop_last(const Shape& shape) {
    Shape rest;
    for (std::size_t i = 0; i + 1 < shape.rank(); ++i) rest.push_back(shape[i]);
    return rest;
}

// -log softmax(logits)[label] of each row.
template <Operand T>
T row_losses(const T& logits, const T& labels) {
    const Shape& shape = shape_of(logits);
    const Shifted<T> shifted(logits, -1);
    const T mask = label_mask(labels, shape[shape.rank() - 1], "cross_entropy: label");
    const T chosen = sum(ops::select(mask, shifted.x, number(logits, 0)), natural_axes({-1}, shape.rank()));
    return ops::sub(ops::log(reshape(shifted.total, shape_of(chosen))), chosen);
}

// The mean over all rows of -log softmax(logits)[label]. Logits have the classes last; labels are integers, one for
// each row. Rows with the label `ignored` do not count: NaN where none is left.
template <Operand T>
T cross_entropy(const T& logits, const T& labels, std::optional<std::int64_t> ignored = {}) {
    const Shape& shape = shape_of(logits);
    if (!is_float(dtype_of(logits))) refuse("cross_entropy", "wants floats for logits", logits, labels);
    if (!is_integer(dtype_of(labels))) refuse("cross_entropy", "wants integers for labels", logits, labels);
    if (shape.rank() == 0 || !may_be_equal(shape_of(labels), drop_last(shape)))
        refuse("cross_entropy", "wants logits with their classes last, and one label for each row of them", logits,
               labels);
    return in_accumulator(logits, [&](const T& x) {
        if (!ignored) return mean(row_losses(x, labels));
        // Rows that do not count are zeros with label 0 until then, whatever they hold.
        const T counted = differs(labels, *ignored);
        Shape wide = shape_of(labels);
        wide.push_back(1);
        const T rows = ops::select(reshape(counted, wide), x, number(x, 0));
        const T losses = row_losses(rows, ops::select(counted, labels, number(labels, 0)));
        const Integers axes = all_axes(shape_of(losses).rank());
        const T total = sum(ops::select(counted, losses, number(x, 0)), axes);
        return ops::div(total, convert(sum(counted, axes), dtype_of(x)));
    });
}

// The mean of the squared differences of two tensors of one shape.
template <Operand T>
T mean_squared_error(const T& x, const T& y) {
    if (!is_float(dtype_of(x))) refuse("mean_squared_error", "wants floats", x, y);
    require_same_dtype("mean_squared_error", x, y);
    if (!may_be_equal(shape_of(x), shape_of(y))) refuse("mean_squared_error", "the shapes differ", x, y);
    const Dtype wide = accumulator_of(dtype_of(x));
    const T left = convert(x, wide);
    const T difference = ops::sub(left, convert(y, wide));
    return convert(mean(ops::mul(difference, difference)), dtype_of(x));
}

}  // namespace lathe::ir::functions
