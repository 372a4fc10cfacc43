#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_losses(Table& table) {
    const auto with_axes = [&](const std::string& name, auto f) {
        table.add(name, 2, [f](const Tensors& t, Where w) { return f(t[0], t[1], {}, w); });
        for (const std::int64_t n : wrong_numbers)
            table.add(name, 2, [=](const Tensors& t, Where w) { return f(t[0], t[1], {.axis = n}, w); });
    };
    with_axes("cross_entropy", cross_entropy);
    with_axes("nll_loss", nll_loss);
    with_axes("cosine_similarity", cosine_similarity);
    table.add("cross_entropy", 2,
              [](const Tensors& t, Where w) { return cross_entropy(t[0], t[1], {.label_smoothing = 1.5}, w); });
    table.add("nll_loss", 2,
              [](const Tensors& t, Where w) { return nll_loss(t[0], t[1], {.label_smoothing = 0.5}, w); });
    table.add("cross_entropy", 1, [](const Tensors& t, Where w) {
        return cross_entropy(zeros({2, 3}), zeros({2}, Dtype::i32), {.weights = t[0]}, w);
    });
    table.add("multi_margin_loss", 2, [](const Tensors& t, Where w) { return multi_margin_loss(t[0], t[1], {}, w); });
    table.add("multi_margin_loss", 2,
              [](const Tensors& t, Where w) { return multi_margin_loss(t[0], t[1], {.p = 3}, w); });
    table.add("multi_margin_loss", 1, [](const Tensors& t, Where w) {
        return multi_margin_loss(zeros({2, 3}), zeros({2}, Dtype::i32), {.weights = t[0]}, w);
    });
    const auto of_two = [&](const std::string& name, auto f) {
        table.add(name, 2, [f](const Tensors& t, Where w) { return f(t[0], t[1], {}, w); });
        table.add(name, 2, [f](const Tensors& t, Where w) { return f(t[0], t[1], {.reduction = Reduction::none}, w); });
    };
    of_two("mse_loss", mse_loss);
    of_two("l1_loss", l1_loss);
    of_two("huber_loss", huber_loss);
    of_two("smooth_l1_loss", smooth_l1_loss);
    of_two("binary_cross_entropy", binary_cross_entropy);
    of_two("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits);
    of_two("kl_div", kl_div);
    of_two("poisson_nll_loss", poisson_nll_loss);
    table.add("multilabel_margin_loss", 2,
              [](const Tensors& t, Where w) { return multilabel_margin_loss(t[0], t[1], {}, w); });
    table.add("multilabel_soft_margin_loss", 2,
              [](const Tensors& t, Where w) { return multilabel_soft_margin_loss(t[0], t[1], {}, w); });
    of_two("hinge_embedding_loss", hinge_embedding_loss);
    of_two("soft_margin_loss", soft_margin_loss);
    for (const double n : wrong_reals) {
        table.add("huber_loss", 2, [n](const Tensors& t, Where w) { return huber_loss(t[0], t[1], {.delta = n}, w); });
        table.add("smooth_l1_loss", 2,
                  [n](const Tensors& t, Where w) { return smooth_l1_loss(t[0], t[1], {.beta = n}, w); });
        table.add("pairwise_distance", 2,
                  [n](const Tensors& t, Where w) { return pairwise_distance(t[0], t[1], {.p = n}, w); });
    }
    table.add("binary_cross_entropy", 3,
              [](const Tensors& t, Where w) { return binary_cross_entropy(t[0], t[1], {.weights = t[2]}, w); });
    table.add("binary_cross_entropy", 2, [](const Tensors& t, Where w) {
        return binary_cross_entropy(t[0], t[1], {.positive_weights = t[1]}, w);
    });
    table.add("binary_cross_entropy_with_logits", 3, [](const Tensors& t, Where w) {
        return binary_cross_entropy_with_logits(t[0], t[1], {.positive_weights = t[2]}, w);
    });
    const auto of_three = [&](const std::string& name, auto f) {
        table.add(name, 3, [f](const Tensors& t, Where w) { return f(t[0], t[1], t[2], {}, w); });
    };
    of_three("gaussian_nll_loss", gaussian_nll_loss);
    of_three("margin_ranking_loss", margin_ranking_loss);
    of_three("cosine_embedding_loss", cosine_embedding_loss);
    of_three("triplet_margin_loss", triplet_margin_loss);
    table.add("ctc_loss", 2, [](const Tensors& t, Where w) { return ctc_loss(t[0], t[1], t[1], t[1], {}, w); });
    table.add("ctc_loss", 3,
              [](const Tensors& t, Where w) { return ctc_loss(zeros({4, 2, 3}), t[0], t[1], t[2], {}, w); });
    for (const std::int64_t n : wrong_numbers)
        table.add("ctc_loss", 0, [n](const Tensors&, Where w) {
            const Tensor lengths = ones({2}, Dtype::i32);
            return ctc_loss(zeros({4, 2, 3}), ones({2, 2}, Dtype::i32), lengths, lengths, {.blank = n}, w);
        });
}

}  // namespace lathe::misuse
