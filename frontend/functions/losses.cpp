#include "frontend/functions/losses.h"

#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/record.h"
#include "ir/functions/classification.h"
#include "ir/functions/losses.h"

namespace lathe {
namespace {

namespace f = ir::functions;

using detail::blaming;
using detail::LocScope;
using detail::natural_axis;
using detail::value_of;

f::Reduction reduction_of(Reduction r) {
    switch (r) {
        case Reduction::none:
            return f::Reduction::none;
        case Reduction::mean:
            return f::Reduction::mean;
        case Reduction::sum:
            return f::Reduction::sum;
    }
    return f::Reduction::mean;
}

void require_pair(std::string_view function, const Tensor& x, const Tensor& y) {
    detail::require_floats(function, x, y);
    f::require_same_dtype(function, x, y);
}
std::optional<Tensor> optional(std::string_view function, const Tensor& x, const Tensor& weights) {
    if (!weights.is_empty()) f::require_same_dtype(function, x, weights);
    return detail::optional(weights);
}

// A loss of two tensors of floats.
template <class F, class... Options>
Tensor pair_loss(std::string_view function, const Tensor& x, const Tensor& y, Where where, const F& loss,
                 const Options&... options) {
    LocScope scope(where, function, x, y);
    (scope.also(options), ...);
    return blaming(where, function, [&] {
        require_pair(function, x, y);
        return loss(value_of(x), value_of(y));
    });
}

Tensor with_classes_last(std::string_view function, const Tensor& x, std::int64_t axis) {
    const std::int64_t from = detail::axis_of(axis, x.rank(), function, {});
    ir::Integers order = f::all_axes(x.rank());
    order.erase(order.begin() + from);
    order.push_back(from);
    return f::transpose(value_of(x), std::move(order));
}

f::ClassLoss<Tensor> class_loss(std::string_view function, const Tensor& x, const CrossEntropyOptions& o) {
    detail::require_between(function, "label_smoothing", o.label_smoothing, 0, 1, {});
    if (!o.weights.is_empty() && o.weights.rank() != 1)
        f::refuse(function, "wants one weight for each class", x, o.weights);
    return {.weights = optional(function, x, o.weights),
            .ignored = o.ignore_index,
            .smoothing = o.label_smoothing,
            .reduction = reduction_of(o.reduction)};
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options, Where where) {
    LocScope scope(where, "cross_entropy", logits, labels);
    scope.also(options.weights);
    return blaming(where, "cross_entropy", [&] {
        const f::ClassLoss<Tensor> loss = class_loss("cross_entropy", logits, options);
        if (logits.rank() == 0 || !ir::is_float(logits.dtype()))
            return f::cross_entropy(value_of(logits), value_of(labels), loss);
        const Tensor x = with_classes_last("cross_entropy", logits, options.axis);
        if (labels.dtype() != logits.dtype()) return f::cross_entropy(x, value_of(labels), loss);
        if (logits.rank() != labels.rank())
            f::refuse("cross_entropy", "wants integers as labels, or probabilities of the logits' shape", logits,
                      labels);
        if (!f::may_be_equal(logits.type().shape, labels.type().shape))
            f::refuse("cross_entropy", "wants probabilities for all classes of each row", logits, labels);
        if (options.ignore_index) f::refuse("cross_entropy", "probabilities have no label to ignore", logits, labels);
        return f::cross_entropy_of_probabilities(x, with_classes_last("cross_entropy", labels, options.axis), loss);
    });
}
Tensor nll_loss(const Tensor& x, const Tensor& labels, const CrossEntropyOptions& options, Where where) {
    LocScope scope(where, "nll_loss", x, labels);
    scope.also(options.weights);
    return blaming(where, "nll_loss", [&] {
        const f::ClassLoss<Tensor> loss = class_loss("nll_loss", x, options);
        if (options.label_smoothing != 0) f::refuse("nll_loss", "has no label_smoothing", x, labels);
        return f::nll_loss(with_classes_last("nll_loss", x, options.axis), value_of(labels), loss);
    });
}
Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, const MultiMarginOptions& o, Where where) {
    LocScope scope(where, "multi_margin_loss", x, labels);
    scope.also(o.weights);
    return blaming(where, "multi_margin_loss", [&] {
        if (o.p != 1 && o.p != 2)
            f::refuse("multi_margin_loss", fmt::format("p is {}, neither 1 nor 2", o.p), x, labels);
        return f::multi_margin_loss(value_of(x), value_of(labels), o.p, o.margin,
                                    optional("multi_margin_loss", x, o.weights), reduction_of(o.reduction));
    });
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const MultiLabelOptions& o, Where where) {
    const LocScope scope(where, "multilabel_soft_margin_loss", x, target);
    return blaming(where, "multilabel_soft_margin_loss", [&] {
        constexpr std::string_view name = "multilabel_soft_margin_loss";
        if (!ir::is_float(x.dtype()) || x.rank() == 0 || !f::may_be_equal(x.type().shape, target.type().shape))
            f::refuse(name, "wants floats for logits with their classes last, and a target for each", x, target);
        return f::multilabel_soft_margin_loss(value_of(x), value_of(target), optional(name, x, o.weights),
                                              reduction_of(o.reduction));
    });
}
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& labels, LossOptions o, Where where) {
    const LocScope scope(where, "multilabel_margin_loss", x, labels);
    return blaming(where, "multilabel_margin_loss", [&] {
        constexpr std::string_view name = "multilabel_margin_loss";
        if (!ir::is_float(x.dtype()) || !ir::is_integer(labels.dtype()) || x.rank() == 0 ||
            !f::may_be_equal(x.type().shape, labels.type().shape))
            f::refuse(name, "wants floats for logits with their classes last, and labels of their shape", x, labels);
        return f::multilabel_margin_loss(value_of(x), value_of(labels), reduction_of(o.reduction));
    });
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where) {
    const LocScope scope(where, "mean_squared_error", prediction, target);
    return blaming(where, "mean_squared_error",
                   [&] { return f::mean_squared_error(value_of(prediction), value_of(target)); });
}
Tensor mse_loss(const Tensor& x, const Tensor& target, LossOptions o, Where where) {
    return pair_loss("mse_loss", x, target, where,
                     [&](const Tensor& a, const Tensor& b) { return f::mse_loss(a, b, reduction_of(o.reduction)); });
}
Tensor l1_loss(const Tensor& x, const Tensor& target, LossOptions o, Where where) {
    return pair_loss("l1_loss", x, target, where,
                     [&](const Tensor& a, const Tensor& b) { return f::l1_loss(a, b, reduction_of(o.reduction)); });
}
Tensor huber_loss(const Tensor& x, const Tensor& target, HuberOptions o, Where where) {
    return pair_loss("huber_loss", x, target, where, [&](const Tensor& a, const Tensor& b) {
        detail::require_above("huber_loss", "delta", o.delta, 0, where);
        return f::huber_loss(a, b, o.delta, reduction_of(o.reduction));
    });
}
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, SmoothL1Options o, Where where) {
    return pair_loss("smooth_l1_loss", x, target, where, [&](const Tensor& a, const Tensor& b) {
        detail::require_between("smooth_l1_loss", "beta", o.beta, 0, std::numeric_limits<double>::infinity(), where);
        return f::smooth_l1_loss(a, b, o.beta, reduction_of(o.reduction));
    });
}

Tensor binary_cross_entropy(const Tensor& p, const Tensor& target, const BinaryCrossEntropyOptions& o, Where where) {
    return pair_loss(
        "binary_cross_entropy", p, target, where,
        [&](const Tensor& a, const Tensor& b) {
            if (!o.positive_weights.is_empty())
                f::refuse("binary_cross_entropy", "takes positive_weights with logits alone", a, b);
            return f::binary_cross_entropy(a, b, optional("binary_cross_entropy", a, o.weights),
                                           reduction_of(o.reduction));
        },
        o.weights, o.positive_weights);
}
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const BinaryCrossEntropyOptions& o,
                                        Where where) {
    constexpr std::string_view name = "binary_cross_entropy_with_logits";
    return pair_loss(
        name, x, target, where,
        [&](const Tensor& a, const Tensor& b) {
            return f::binary_cross_entropy_with_logits(
                a, b, optional(name, a, o.weights), optional(name, a, o.positive_weights), reduction_of(o.reduction));
        },
        o.weights, o.positive_weights);
}
Tensor kl_div(const Tensor& x, const Tensor& target, KlDivergenceOptions o, Where where) {
    return pair_loss("kl_div", x, target, where, [&](const Tensor& a, const Tensor& b) {
        return f::kl_div(a, b, o.log_target, reduction_of(o.reduction));
    });
}
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, PoissonOptions o, Where where) {
    return pair_loss("poisson_nll_loss", x, target, where, [&](const Tensor& a, const Tensor& b) {
        return f::poisson_nll_loss(a, b, o.log_input, o.full, o.epsilon, reduction_of(o.reduction));
    });
}
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& variance, GaussianOptions o,
                         Where where) {
    const LocScope scope(where, "gaussian_nll_loss", x, target, variance);
    return blaming(where, "gaussian_nll_loss", [&] {
        require_pair("gaussian_nll_loss", x, target);
        require_pair("gaussian_nll_loss", x, variance);
        return f::gaussian_nll_loss(value_of(x), value_of(target), value_of(variance), o.full, o.epsilon,
                                    reduction_of(o.reduction));
    });
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, MarginOptions o, Where where) {
    return pair_loss("hinge_embedding_loss", x, target, where, [&](const Tensor& a, const Tensor& b) {
        return f::hinge_embedding_loss(a, b, o.margin, reduction_of(o.reduction));
    });
}
Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossOptions o, Where where) {
    return pair_loss("soft_margin_loss", x, target, where, [&](const Tensor& a, const Tensor& b) {
        return f::soft_margin_loss(a, b, reduction_of(o.reduction));
    });
}
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target, MarginOptions o, Where where) {
    const LocScope scope(where, "margin_ranking_loss", a, b, target);
    return blaming(where, "margin_ranking_loss", [&] {
        require_pair("margin_ranking_loss", a, b);
        return f::margin_ranking_loss(value_of(a), value_of(b), value_of(target), o.margin, reduction_of(o.reduction));
    });
}
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target, MarginOptions o, Where where) {
    const LocScope scope(where, "cosine_embedding_loss", a, b, target);
    return blaming(where, "cosine_embedding_loss", [&] {
        require_pair("cosine_embedding_loss", a, b);
        if (a.rank() == 0 || a.rank() != b.rank())
            f::refuse("cosine_embedding_loss", "wants two tensors of rows, of one rank", a, b);
        return f::cosine_embedding_loss(value_of(a), value_of(b), value_of(target), o.margin,
                                        reduction_of(o.reduction));
    });
}
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, TripletOptions o,
                           Where where) {
    const LocScope scope(where, "triplet_margin_loss", anchor, positive, negative);
    return blaming(where, "triplet_margin_loss", [&] {
        for (const Tensor* x : {&positive, &negative}) {
            require_pair("triplet_margin_loss", anchor, *x);
            if (anchor.rank() == 0 || x->rank() == 0)
                f::refuse("triplet_margin_loss", "wants rows, of one axis or more", anchor, *x);
        }
        return f::triplet_margin_loss(value_of(anchor), value_of(positive), value_of(negative), o.margin, o.p,
                                      o.epsilon, o.swap, reduction_of(o.reduction));
    });
}

Tensor cosine_similarity(const Tensor& x, const Tensor& y, CosineOptions o, Where where) {
    return pair_loss("cosine_similarity", x, y, where,
                     [&](const Tensor& a, const Tensor& b) { return f::cosine_similarity(a, b, o.axis, o.epsilon); });
}
Tensor pairwise_distance(const Tensor& x, const Tensor& y, DistanceOptions o, Where where) {
    return pair_loss("pairwise_distance", x, y, where, [&](const Tensor& a, const Tensor& b) {
        if (a.rank() == 0 || b.rank() == 0) f::refuse("pairwise_distance", "wants rows, of one axis or more", a, b);
        return f::pairwise_distance(a, b, o.p, o.epsilon, o.keep);
    });
}

}  // namespace lathe
