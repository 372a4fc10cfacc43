// How good predictions are. All are tensors: they fuse into a compiled evaluation, or are read at once.
//
//   Tensor counts = data::confusion_matrix(argmax(logits), labels, 10);     // add those of all batches
//   double f1 = data::f1(counts).item<double>();
//
// Labels are integers in [0, classes). Scores of classes lie along the last axis.
#pragma once

#include <cstdint>

#include "frontend/tensor/tensor.h"

namespace lathe::data {

// The share of samples whose greatest score is their label's, f64; of equal scores the first counts. scores: [..,
// classes]; labels: [..].
Tensor accuracy(const Tensor& scores, const Tensor& labels, Where where = Where::current());
// The share of samples whose label is among their k greatest scores, f64.
Tensor top_k_accuracy(const Tensor& scores, const Tensor& labels, std::int64_t k, Where where = Where::current());

// i64 [classes, classes]: how many samples of each label (the row) were predicted as each class (the column).
Tensor confusion_matrix(const Tensor& predicted, const Tensor& labels, std::int64_t classes,
                        Where where = Where::current());

// How the values of classes become one.
enum class Average : std::uint8_t {
    macro,     // their mean
    micro,     // of all samples together: the accuracy
    weighted,  // their mean, each weighted by how many samples have that label
    none,      // they do not: [classes]
};
// Of a confusion matrix, f64: how many of what was predicted as a class is so; how many of a class were predicted as
// it; and the harmonic mean of both, 2 p r / (p + r). A class of which there is nothing has 0.
Tensor precision(const Tensor& confusion, Average average = Average::macro, Where where = Where::current());
Tensor recall(const Tensor& confusion, Average average = Average::macro, Where where = Where::current());
Tensor f1(const Tensor& confusion, Average average = Average::macro, Where where = Where::current());

// The area under the curve of true against false positives, f64: the probability that a sample with label 1 has a
// greater score than one with label 0, where a tie is one half (Mann and Whitney, 1947). NaN where a label is missing.
// scores, labels: [n].
Tensor roc_auc(const Tensor& scores, const Tensor& labels, Where where = Where::current());

}  // namespace lathe::data
