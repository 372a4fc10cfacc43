// Losses. The differences of single elements take operands that broadcast; a loss of one shape is better written with
// operands of that shape, since others are stretched without a word.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

enum class Reduction : std::uint8_t { none, mean, sum };

struct LossOptions {
    Reduction reduction = Reduction::mean;
};

// ---- labels: integers that name a class

// `x` has a number for each class along an axis; labels have the other axes. A label outside [0, classes) is an
// IndexError when that is computed.
struct CrossEntropyOptions {
    std::optional<std::int64_t> ignore_index = {};  // rows with this label count neither in the mean nor in derivatives
    Tensor weights = {};                            // if not empty, one for each class; means are weighted by labels'
    double label_smoothing = 0;                     // this part of the loss is of all classes, shared equally
    std::int64_t axis = -1;                         // of the classes
    Reduction reduction = Reduction::mean;
};
// -log softmax(logits)[label]. Labels of the logits' dtype and shape are probabilities: the sum over the classes of
// -p log softmax(logits).
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {},
                     Where where = Where::current());
// -x[label] of logarithms of probabilities.
Tensor nll_loss(const Tensor& x, const Tensor& labels, const CrossEntropyOptions& options = {},
                Where where = Where::current());
struct MultiMarginOptions {
    std::int64_t p = 1;  // or 2
    double margin = 1;
    Tensor weights = {};  // if not empty, one for each class
    Reduction reduction = Reduction::mean;
};
// The mean over the classes of max(0, margin - x[label] + x[k])^p for the other classes k; classes are last.
Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, const MultiMarginOptions& options = {},
                         Where where = Where::current());

struct MultiLabelOptions {
    Tensor weights = {};  // if not empty, one for each class
    Reduction reduction = Reduction::mean;
};
// The mean over the classes, which are last, of binary_cross_entropy_with_logits: each may be one of the row's or not.
Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const MultiLabelOptions& options = {},
                                   Where where = Where::current());
// The sum of max(0, 1 - x[i] + x[k]) over the labels i of a row and all classes k that are none of them, divided by the
// number of classes. Labels are of x's shape: those of a row up to the first that is negative count.
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& labels, LossOptions options = {},
                              Where where = Where::current());

// ---- differences of elements

// Mean of the squared differences of two tensors of one shape; others are refused.
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where = Where::current());
// (x - target)^2; and |x - target|. The two broadcast.
Tensor mse_loss(const Tensor& x, const Tensor& target, LossOptions options = {}, Where where = Where::current());
Tensor l1_loss(const Tensor& x, const Tensor& target, LossOptions options = {}, Where where = Where::current());
struct HuberOptions {
    double delta = 1;
    Reduction reduction = Reduction::mean;
};
// d^2 / 2 for d = |x - target| below delta, else delta (d - delta / 2).
Tensor huber_loss(const Tensor& x, const Tensor& target, HuberOptions options = {}, Where where = Where::current());
struct SmoothL1Options {
    double beta = 1;
    Reduction reduction = Reduction::mean;
};
// d^2 / (2 beta) for d = |x - target| below beta, else d - beta / 2.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, SmoothL1Options options = {},
                      Where where = Where::current());

// ---- probabilities

struct BinaryCrossEntropyOptions {
    Tensor weights = {};           // if not empty: of the elements; broadcasts
    Tensor positive_weights = {};  // with logits alone, if not empty: of what is true; broadcasts
    Reduction reduction = Reduction::mean;
};
// -(t log p + (1 - t) log(1 - p)), with logarithms of at least -100.
Tensor binary_cross_entropy(const Tensor& p, const Tensor& target, const BinaryCrossEntropyOptions& options = {},
                            Where where = Where::current());
// The same of p = sigmoid(x), finite for every finite x.
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyOptions& options = {}, Where where = Where::current());
struct KlDivergenceOptions {
    bool log_target = false;  // the target is a logarithm, too
    Reduction reduction = Reduction::mean;
};
// t (log t - x), for x the logarithm of a probability.
Tensor kl_div(const Tensor& x, const Tensor& target, KlDivergenceOptions options = {}, Where where = Where::current());
struct PoissonOptions {
    bool log_input = true;  // x is the logarithm of the rate
    bool full = false;      // with Stirling's approximation of log t!
    double epsilon = 1e-8;  // beside a rate in its logarithm
    Reduction reduction = Reduction::mean;
};
// The negative logarithm of the likelihood of counts, by the rate x or its logarithm.
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, PoissonOptions options = {},
                        Where where = Where::current());
struct GaussianOptions {
    bool full = false;      // with log(2 pi) / 2
    double epsilon = 1e-6;  // variances are at least that
    Reduction reduction = Reduction::mean;
};
// (log v + (x - t)^2 / v) / 2 for the variance v.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& variance, GaussianOptions options = {},
                         Where where = Where::current());

// ---- margins: targets are 1 and -1

struct MarginOptions {
    double margin = 0;
    Reduction reduction = Reduction::mean;
};
// x where the target is 1, max(0, margin - x) where it is -1.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, MarginOptions options = {.margin = 1},
                            Where where = Where::current());
// log(1 + e^(-t x))
Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossOptions options = {},
                        Where where = Where::current());
// max(0, -t (a - b) + margin)
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target, MarginOptions options = {},
                           Where where = Where::current());
// Of rows: 1 - cos where the target is 1, max(0, cos - margin) where it is -1.
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target, MarginOptions options = {},
                             Where where = Where::current());
struct TripletOptions {
    double margin = 1;
    double p = 2;           // of the norm
    double epsilon = 1e-6;  // added to differences
    bool swap = false;      // the lesser one of the negative's distances counts
    Reduction reduction = Reduction::mean;
};
// Of rows: max(0, |anchor - positive| - |anchor - negative| + margin).
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           TripletOptions options = {}, Where where = Where::current());

// ---- distances and angles of rows

struct CosineOptions {
    std::int64_t axis = 1;
    double epsilon = 1e-8;  // lengths are at least that
};
// The cosine of the angle between vectors along an axis.
Tensor cosine_similarity(const Tensor& x, const Tensor& y, CosineOptions options = {}, Where where = Where::current());
struct DistanceOptions {
    double p = 2;
    double epsilon = 1e-6;  // added to differences
    bool keep = false;      // the last axis, as an extent of 1
};
// The p-norm of x - y along the last axis.
Tensor pairwise_distance(const Tensor& x, const Tensor& y, DistanceOptions options = {},
                         Where where = Where::current());

}  // namespace lathe
