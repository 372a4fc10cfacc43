// Losses, and the one-hot code of labels.
#pragma once

#include "ir/functions/statistics.h"

namespace lathe::ir::functions {

// Where a new last dimension of `classes` elements counts to each label. Labels outside [0, classes) match nothing.
template <Operand T>
T label_mask(const T& labels, Dim classes) {
    Shape wide = shape_of(labels);
    wide.push_back(1);
    return ops::eq(reshape(labels, wide), count_up(labels, classes, dtype_of(labels)));
}

// 1 at each label's place along a new last dimension, else 0.
template <Operand T>
T one_hot(const T& labels, Dim classes, Dtype dtype) {
    return convert(label_mask(labels, classes), dtype);
}

// The mean over all rows of -log softmax(logits)[label]. Logits have the classes last; labels are integers, one for
// each row.
template <Operand T>
T cross_entropy(const T& logits, const T& labels) {
    const Shape& shape = shape_of(logits);
    if (shape.rank() == 0 || !is_integer(dtype_of(labels)))
        throw TypeError("cross_entropy: wants logits with their classes last, and integer labels (" +
                            static_cast<const Type&>(logits.type()).to_string() + " and " +
                            static_cast<const Type&>(labels.type()).to_string() + ")",
                        Loc{});
    const Shifted<T> shifted(logits, -1);
    const Integers last = natural_axes({-1}, shape.rank());
    const T mask = label_mask(labels, shape[shape.rank() - 1]);
    const T chosen = sum(ops::select(mask, shifted.x, number(logits, 0)), last);
    return mean(ops::sub(ops::log(reshape(shifted.total, shape_of(chosen))), chosen));
}

// The mean of the squared differences.
template <Operand T>
T mean_squared_error(const T& x, const T& y) {
    const T difference = ops::sub(x, y);
    return mean(ops::mul(difference, difference));
}

}  // namespace lathe::ir::functions
