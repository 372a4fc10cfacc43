// Losses.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

Tensor optional_tensor(const Call& c, const char* name) {
    return c.has_tensor(99, name) ? c.tensor(99, name) : Tensor();
}

Reduction reduction(const Call& c, std::size_t position = 99) {
    const std::string name = c.text(position, "reduction", "mean");
    if (name != "mean" && name != "sum" && name != "none") throw NotOurs("the reduction " + name);
    return name == "mean" ? Reduction::mean : name == "sum" ? Reduction::sum : Reduction::none;
}

template <auto loss>
Tensors of_pairs(const Call& c) {
    c.expect_names({"reduction"});
    return {loss(c.tensor(0), c.tensor(1), {.reduction = reduction(c)}, Where::current())};
}

// PyTorch has the classes on axis 1, or on the only one.
CrossEntropyOptions class_options(const Call& c) {
    CrossEntropyOptions o{.weights = optional_tensor(c, "weight"),
                          .label_smoothing = c.number(99, "label_smoothing", 0),
                          .axis = c.tensor(0).rank() == 1 ? 0 : 1,
                          .reduction = reduction(c)};
    // Their default ignores labels that are no class.
    o.ignore_index = c.integer(99, "ignore_index", -100);
    return o;
}
Tensors cross_entropies(const Call& c) {
    c.expect_names({"weight", "ignore_index", "reduction", "label_smoothing"});
    CrossEntropyOptions o = class_options(c);
    if (c.tensor(1).dtype() == c.tensor(0).dtype()) o.ignore_index = {};
    return {cross_entropy(c.tensor(0), c.tensor(1), o)};
}
Tensors likelihoods(const Call& c) {
    c.expect_names({"weight", "ignore_index", "reduction"});
    return {nll_loss(c.tensor(0), c.tensor(1), class_options(c))};
}

}  // namespace

Translations losses() {
    return {
        {"nn.functional.cross_entropy", cross_entropies},
        {"nn.functional.nll_loss", likelihoods},
        {"nn.functional.mse_loss", of_pairs<mse_loss>},
        {"nn.functional.l1_loss", of_pairs<l1_loss>},
        {"nn.functional.soft_margin_loss", of_pairs<soft_margin_loss>},
        {"nn.functional.huber_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "delta"});
             return {
                 huber_loss(c.tensor(0), c.tensor(1), {.delta = c.number(99, "delta", 1), .reduction = reduction(c)})};
         }},
        {"nn.functional.smooth_l1_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "beta"});
             return {smooth_l1_loss(c.tensor(0), c.tensor(1),
                                    {.beta = c.number(99, "beta", 1), .reduction = reduction(c)})};
         }},
        {"nn.functional.binary_cross_entropy",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "weight"});
             return {binary_cross_entropy(c.tensor(0), c.tensor(1),
                                          {.weights = optional_tensor(c, "weight"), .reduction = reduction(c)})};
         }},
        {"nn.functional.binary_cross_entropy_with_logits",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "weight", "pos_weight"});
             return {binary_cross_entropy_with_logits(c.tensor(0), c.tensor(1),
                                                      {.weights = optional_tensor(c, "weight"),
                                                       .positive_weights = optional_tensor(c, "pos_weight"),
                                                       .reduction = reduction(c)})};
         }},
        {"nn.functional.kl_div",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "log_target"});
             const bool is_log = c.flag(99, "log_target");
             if (c.text(99, "reduction", "mean") != "batchmean")
                 return {kl_div(c.tensor(0), c.tensor(1), {.log_target = is_log, .reduction = reduction(c)})};
             const Tensor total = kl_div(c.tensor(0), c.tensor(1), {.log_target = is_log, .reduction = Reduction::sum});
             return {total / static_cast<double>(c.tensor(0).rank() == 0 ? 1 : c.tensor(0).shape()[0])};
         }},
        {"nn.functional.poisson_nll_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "log_input", "full", "eps"});
             return {poisson_nll_loss(c.tensor(0), c.tensor(1),
                                      {.log_input = c.flag(99, "log_input", true),
                                       .full = c.flag(99, "full"),
                                       .epsilon = c.number(99, "eps", 1e-8),
                                       .reduction = reduction(c)})};
         }},
        {"nn.functional.gaussian_nll_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "full", "eps"});
             Tensor variance = c.tensor(2);  // one for each row, where an axis is missing
             if (variance.rank() + 1 == c.tensor(0).rank()) {
                 std::vector<std::int64_t> shape = variance.shape();
                 shape.push_back(1);
                 variance = reshape(variance, shape);
             }
             return {gaussian_nll_loss(
                 c.tensor(0), c.tensor(1), variance,
                 {.full = c.flag(99, "full"), .epsilon = c.number(99, "eps", 1e-6), .reduction = reduction(c)})};
         }},
        {"nn.functional.hinge_embedding_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "margin"});
             return {hinge_embedding_loss(c.tensor(0), c.tensor(1),
                                          {.margin = c.number(99, "margin", 1), .reduction = reduction(c)})};
         }},
        {"nn.functional.margin_ranking_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "margin"});
             return {margin_ranking_loss(c.tensor(0), c.tensor(1), c.tensor(2),
                                         {.margin = c.number(99, "margin", 0), .reduction = reduction(c)})};
         }},
        {"nn.functional.multilabel_soft_margin_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "weight"});
             return {multilabel_soft_margin_loss(c.tensor(0), c.tensor(1),
                                                 {.weights = optional_tensor(c, "weight"), .reduction = reduction(c)})};
         }},
        {"nn.functional.multilabel_margin_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction"});
             const LossOptions o{.reduction = reduction(c)};
             if (c.tensor(0).rank() > 0) return {multilabel_margin_loss(c.tensor(0), c.tensor(1), o)};
             return {multilabel_margin_loss(reshape(c.tensor(0), {1}), reshape(c.tensor(1), {1}), o)};
         }},
        {"nn.functional.multi_margin_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "margin", "p", "weight"});
             if (c.tensor(0).rank() < 2) throw NotOurs("a single row");
             return {multi_margin_loss(c.tensor(0), c.tensor(1),
                                       {.p = c.integer(99, "p", 1),
                                        .margin = c.number(99, "margin", 1),
                                        .weights = optional_tensor(c, "weight"),
                                        .reduction = reduction(c)})};
         }},
        {"nn.functional.cosine_embedding_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "margin"});
             return {cosine_embedding_loss(c.tensor(0), c.tensor(1), c.tensor(2),
                                           {.margin = c.number(99, "margin", 0), .reduction = reduction(c)})};
         }},
        {"nn.functional.triplet_margin_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"reduction", "margin", "p", "eps", "swap"});
             return {triplet_margin_loss(c.tensor(0), c.tensor(1), c.tensor(2),
                                         {.margin = c.number(99, "margin", 1),
                                          .p = c.number(99, "p", 2),
                                          .epsilon = c.number(99, "eps", 1e-6),
                                          .swap = c.flag(99, "swap"),
                                          .reduction = reduction(c)})};
         }},
        {"nn.functional.ctc_loss",
         [](const Call& c) -> Tensors {
             c.expect_names({"blank", "reduction", "zero_infinity"});
             const auto lengths = [&](std::size_t position) {
                 if (c.has_tensor(position)) return c.tensor(position);
                 const std::vector<std::int64_t> n = c.integers(position);
                 return Tensor::from(n, {static_cast<std::int64_t>(n.size())});
             };
             return {ctc_loss(c.tensor(0), c.tensor(1), lengths(2), lengths(3),
                              {.blank = c.integer(4, "blank", 0),
                               .zero_infinity = c.flag(6, "zero_infinity"),
                               .reduction = reduction(c, 5)})};
         }},
        {"nn.functional.cosine_similarity",
         [](const Call& c) -> Tensors {
             c.expect_names({"dim", "eps"});
             return {cosine_similarity(c.tensor(0), c.tensor(1),
                                       {.axis = c.integer(2, "dim", 1), .epsilon = c.number(3, "eps", 1e-8)})};
         }},
        {"nn.functional.pairwise_distance",
         [](const Call& c) -> Tensors {
             c.expect_names({"p", "eps", "keepdim"});
             return {pairwise_distance(
                 c.tensor(0), c.tensor(1),
                 {.p = c.number(2, "p", 2), .epsilon = c.number(3, "eps", 1e-6), .keep = c.flag(4, "keepdim")})};
         }},
    };
}

}  // namespace lathe::oracle
