#include "frontend/data/metrics.h"

#include <fmt/format.h>

#include "frontend/functions/functions.h"
#include "frontend/tensor/blame.h"

namespace lathe::data {
namespace {

using lathe::detail::LocScope;
using lathe::detail::refuse;

Tensor wide(const Tensor& x) { return convert(x, Dtype::f64); }

void require_labels(const Tensor& labels, const char* function, Where where) {
    if (!is_integer(labels.dtype()))
        refuse(function, fmt::format("labels are integers ({})", labels.type().to_string()), where);
}

// As many labels as samples: scores have one axis more.
void require_samples(const Tensor& scores, const Tensor& labels, const char* function, Where where) {
    require_labels(labels, function, where);
    const Shape &s = scores.type().shape, &l = labels.type().shape;
    bool fits = s.rank() == l.rank() + 1;
    for (std::size_t i = 0; fits && i < l.rank(); ++i)
        fits = s[i] == l[i] || !s[i].is_constant() || !l[i].is_constant();
    if (!fits)
        refuse(function,
               fmt::format("scores have the extents of labels, and one for classes ({} and {})",
                           scores.type().to_string(), labels.type().to_string()),
               where);
}

struct Counts {
    Tensor right, predicted, labelled;  // f64 [classes]

    Counts(const Tensor& confusion, const char* function, Where where) {
        const ir::Type& type = confusion.type();
        if (type.shape.rank() != 2 || type.shape[0] != type.shape[1])
            refuse(function, fmt::format("a confusion matrix is square ({})", type.to_string()), where);
        const Tensor m = wide(confusion);
        right = diagonal(m);
        predicted = sum(m, {0});
        labelled = sum(m, {1});
    }

    Tensor averaged(const Tensor& part, const Tensor& whole, Average average) const {
        const auto ratio = [](const Tensor& a, const Tensor& b) {
            const Tensor some = b > 0.0;
            return where(some, a / where(some, b, ones_like(b)), zeros_like(b));
        };
        switch (average) {
            case Average::macro:
                return mean(ratio(part, whole));
            case Average::micro:
                return ratio(sum(part), sum(whole));
            case Average::weighted:
                return ratio(sum(ratio(part, whole) * labelled), sum(labelled));
            case Average::none:
                break;
        }
        return ratio(part, whole);
    }
};

}  // namespace

Tensor accuracy(const Tensor& scores, const Tensor& labels, Where where) {
    const LocScope scope(where, "accuracy", scores, labels);
    require_samples(scores, labels, "accuracy", where);
    return mean(wide(argmax(scores) == convert(labels, Dtype::i64)));
}

Tensor top_k_accuracy(const Tensor& scores, const Tensor& labels, std::int64_t k, Where where) {
    const LocScope scope(where, "top_k_accuracy", scores, labels);
    require_samples(scores, labels, "top_k_accuracy", where);
    const Tensor best = topk(scores, k).second;
    return mean(wide(any(best == unsqueeze(convert(labels, Dtype::i64), {-1}), {-1})));
}

Tensor confusion_matrix(const Tensor& predicted, const Tensor& labels, std::int64_t classes, Where where) {
    const LocScope scope(where, "confusion_matrix", predicted, labels);
    require_labels(labels, "confusion_matrix", where);
    require_labels(predicted, "confusion_matrix", where);
    if (predicted.type().shape != labels.type().shape)
        refuse("confusion_matrix",
               fmt::format("predictions and labels have different shapes ({} and {})", predicted.type().to_string(),
                           labels.type().to_string()),
               where);
    if (classes < 1) refuse("confusion_matrix", fmt::format("there are {} classes", classes), where);
    // Rows are looked up first: a wrong prediction or label is an index that there is not.
    const Tensor ones_of = one_hot(convert(labels, Dtype::i64).reshape({-1}), classes, Dtype::i64);
    const Tensor columns = one_hot(convert(predicted, Dtype::i64).reshape({-1}), classes, Dtype::i64);
    return matmul(ones_of.t(), columns);
}

Tensor precision(const Tensor& confusion, Average average, Where where) {
    const LocScope scope(where, "precision", confusion);
    const Counts c(confusion, "precision", where);
    return c.averaged(c.right, c.predicted, average);
}

Tensor recall(const Tensor& confusion, Average average, Where where) {
    const LocScope scope(where, "recall", confusion);
    const Counts c(confusion, "recall", where);
    return c.averaged(c.right, c.labelled, average);
}

Tensor f1(const Tensor& confusion, Average average, Where where) {
    const LocScope scope(where, "f1", confusion);
    const Counts c(confusion, "f1", where);
    return c.averaged(c.right * 2.0, c.predicted + c.labelled, average);
}

Tensor roc_auc(const Tensor& scores, const Tensor& labels, Where where) {
    const LocScope scope(where, "roc_auc", scores, labels);
    require_labels(labels, "roc_auc", where);
    if (scores.rank() != 1 || scores.type().shape != labels.type().shape)
        refuse("roc_auc",
               fmt::format("scores and labels are vectors of one length ({} and {})", scores.type().to_string(),
                           labels.type().to_string()),
               where);
    const Tensor sorted = sort(scores);
    const Tensor rank = wide(searchsorted(sorted, scores) + searchsorted(sorted, scores, {.right = true}) + 1) * 0.5;
    const Tensor is_one = wide(labels == 1);
    const Tensor positives = sum(is_one), negatives = sum(wide(labels == 0));
    return (sum(rank * is_one) - positives * (positives + 1.0) * 0.5) / (positives * negatives);
}

}  // namespace lathe::data
