// Labels: their one-hot code, and losses of what is said of classes.
#pragma once

#include <optional>

#include "ir/functions/activations.h"
#include "ir/functions/along_axis.h"
#include "ir/functions/folds.h"
#include "ir/functions/movement.h"
#include "ir/functions/reduction.h"
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
template <Operand T>
T with_last_axis(const T& x) {
    Shape wide = shape_of(x);
    wide.push_back(1);
    return reshape(x, wide);
}

// How rows that say something of classes become a loss.
template <Operand T>
struct ClassLoss {
    std::optional<T> weights = {};             // one for each class
    std::optional<std::int64_t> ignored = {};  // rows with this label count neither in the loss nor in its mean
    double smoothing = 0;                      // this part of the loss is of all classes, shared equally
    Reduction reduction = Reduction::mean;     // a mean is by the weights of the labels
};

// The sum of the exponentials of a row's values, whose logarithm makes them logarithms of probabilities; nothing if
// they are.
template <Operand T>
using Totals = std::optional<T>;

// For each row, minus the logarithm of its label's probability. The totals stay out of the sum over the classes, so
// that no derivative goes through it to them.
template <Operand T>
T label_losses(const T& values, const Totals<T>& totals, const T& labels, const ClassLoss<T>& loss, std::string name) {
    const Shape& shape = shape_of(values);
    const Dim classes = shape[shape.rank() - 1];
    const Integers last = natural_axes({-1}, shape.rank());
    const T zero = number(values, 0);
    std::optional<T> counted;
    if (loss.ignored) counted = differs(labels, *loss.ignored);
    const T mask = label_mask(counted ? ops::select(*counted, labels, number(labels, 0)) : labels, classes, name);
    const auto at_label = [&](const T& x) { return sum(ops::select(mask, x, zero), last); };
    const auto where_counted = [&](const T& x) { return counted ? ops::select(*counted, x, zero) : x; };

    const T chosen = at_label(values);
    T losses = totals ? ops::sub(ops::log(reshape(*totals, shape_of(chosen))), chosen) : ops::neg(chosen);
    std::optional<T> weights;
    if (loss.weights) {
        weights = at_label(*loss.weights);
        losses = ops::mul(losses, *weights);
    }
    if (loss.smoothing != 0) {
        const T negative = totals ? ops::sub(ops::log(*totals), values) : ops::neg(values);
        const T all = sum(loss.weights ? ops::mul(negative, *loss.weights) : negative, last);
        const T share = ops::div(number(values, loss.smoothing), extent_value(values, classes, dtype_of(values)));
        losses = ops::add(ops::mul(losses, number(losses, 1 - loss.smoothing)), ops::mul(all, share));
    }
    losses = where_counted(losses);
    if (loss.reduction != Reduction::mean || !(weights || counted)) return reduced(losses, loss.reduction);
    const Integers axes = all_axes(shape_of(losses).rank());
    const T count = weights ? sum(where_counted(*weights), axes) : convert(sum(*counted, axes), dtype_of(losses));
    return ops::div(sum(losses, axes), count);
}

// Rows that do not count are zeros until then, whatever they hold.
template <Operand T>
T counted_rows(const T& x, const T& labels, std::optional<std::int64_t> ignored) {
    return ignored ? ops::select(with_last_axis(differs(labels, *ignored)), x, number(x, 0)) : x;
}

template <Operand T>
ClassLoss<T> in_dtype(ClassLoss<T> loss, Dtype dtype) {
    if (loss.weights) loss.weights = convert(*loss.weights, dtype);
    return loss;
}

template <Operand T>
void require_rows(std::string_view function, const T& x, const T& labels) {
    const Shape& shape = shape_of(x);
    const std::string name(function);
    require_floats(function, x, labels);
    require_dtype(function, "operand 1", integers, labels, x);
    if (shape.rank() == 0 || !may_be_equal(shape_of(labels), drop_last(shape)))
        refuse(function, "wants logits with their classes last, and one label for each row of them", x, labels);
}

// -log softmax(logits)[label] of each row, reduced. Logits have the classes last; labels are integers, one for each
// row.
template <Operand T>
T cross_entropy(const T& logits, const T& labels, const ClassLoss<T>& loss) {
    require_rows("cross_entropy", logits, labels);
    return in_accumulator(logits, [&](const T& x) {
        const Shifted<T> shifted(counted_rows(x, labels, loss.ignored), -1);
        return label_losses<T>(shifted.x, shifted.total, labels, in_dtype(loss, dtype_of(x)), "cross_entropy: label");
    });
}
template <Operand T>
T cross_entropy(const T& logits, const T& labels, std::optional<std::int64_t> ignored = {}) {
    return cross_entropy(logits, labels, ClassLoss<T>{.weights = {}, .ignored = ignored});
}

// The same of probabilities in place of labels: the sum over the classes of -p log softmax(logits).
template <Operand T>
T cross_entropy_of_probabilities(const T& logits, const T& probabilities, const ClassLoss<T>& loss) {
    return in_accumulator(logits, [&](const T& x) {
        const Shape& shape = shape_of(x);
        T p = convert(probabilities, dtype_of(x));
        if (loss.smoothing != 0) {
            const T classes = extent_value(x, shape[shape.rank() - 1], dtype_of(x));
            p = ops::add(ops::mul(p, number(x, 1 - loss.smoothing)), ops::div(number(x, loss.smoothing), classes));
        }
        T terms = ops::mul(p, log_softmax(x));
        if (loss.weights) terms = ops::mul(terms, convert(*loss.weights, dtype_of(x)));
        return reduced(ops::neg(sum(terms, natural_axes({-1}, shape.rank()))), loss.reduction);
    });
}

// -x[label] of each row, reduced; x is a logarithm of probabilities.
template <Operand T>
T nll_loss(const T& x, const T& labels, const ClassLoss<T>& loss) {
    require_rows("nll_loss", x, labels);
    return in_accumulator(x, [&](const T& wide) {
        return label_losses<T>(counted_rows(wide, labels, loss.ignored), {}, labels, in_dtype(loss, dtype_of(wide)),
                               "nll_loss: label");
    });
}

// How far x[k] comes up to the label's element: the mean over the classes of max(0, margin - x[label] + x[k])^p for
// other classes k, times the label's weight.
template <Operand T>
T multi_margin_loss(const T& input, const T& labels, std::int64_t p, double margin, const std::optional<T>& weights,
                    Reduction reduction) {
    require_rows("multi_margin_loss", input, labels);
    return in_accumulator(input, [&](const T& x) {
        const Shape& shape = shape_of(x);
        const Integers last = natural_axes({-1}, shape.rank());
        const T mask = label_mask(labels, shape[shape.rank() - 1], "multi_margin_loss: label");
        const T zero = number(x, 0);
        const T own = with_last_axis(sum(ops::select(mask, x, zero), last));
        T terms = ops::max(zero, ops::add(ops::sub(number(x, margin), own), x));
        if (p == 2) terms = ops::mul(terms, terms);
        T losses = mean(ops::select(mask, zero, terms), last);
        if (weights) losses = ops::mul(losses, sum(ops::select(mask, convert(*weights, dtype_of(x)), zero), last));
        return reduced(losses, reduction);
    });
}

// The mean over the classes of -log of the probability that sigmoid(x) gives to y, 1 or 0, times the class's weight.
template <Operand T>
T multilabel_soft_margin_loss(const T& input, const T& target, const std::optional<T>& weights, Reduction reduction) {
    return in_accumulator(input, [&](const T& x) {
        T losses = ops::sub(log_one_plus_exp(x), ops::mul(x, convert(target, dtype_of(x))));
        if (weights) losses = ops::mul(losses, convert(*weights, dtype_of(x)));
        return reduced(mean(losses, natural_axes({-1}, shape_of(x).rank())), reduction);
    });
}
// Of labels up to the first negative one: the sum of max(0, 1 - x[label] + x[k]) over them and all other classes k,
// divided by the number of classes.
template <Operand T>
T multilabel_margin_loss(const T& input, const T& labels, Reduction reduction) {
    return in_accumulator(input, [&](const T& x) {
        const auto rank = static_cast<std::int64_t>(shape_of(x).rank());
        const Dim classes = shape_of(x)[shape_of(x).rank() - 1];
        const T given = convert(labels, Dtype::i64), none = number(given, 0);
        const T counted = ops::cumprod.with({rank - 1, false}, convert(ops::ge(given, none), Dtype::i64));
        const T counts = ops::ne(counted, none), known = ops::select(counts, given, none);
        const T own = unsqueeze(take_along_axis(x, known, rank - 1), {rank});
        // A row for each label, with a column for each class.
        const T is_class = ops::eq(unsqueeze(known, {rank}), count_up(given, classes, Dtype::i64));
        const T is_own = ops::any.with({Integers{rank - 1}}, ops::logical_and(is_class, unsqueeze(counts, {rank})));
        const T is_counted =
            ops::logical_and(unsqueeze(counts, {rank}), ops::logical_not(unsqueeze(is_own, {rank - 1})));
        const T zero = number(x, 0), others = unsqueeze(x, {rank - 1});
        const T terms = ops::max(zero, ops::add(ops::sub(number(x, 1), own), others));
        const T total = sum(ops::select(is_counted, terms, zero), {rank - 1, rank});
        return reduced(ops::div(total, extent_value(total, classes, dtype_of(x))), reduction);
    });
}

}  // namespace lathe::ir::functions
