#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_random(Table& table) {
    for (const std::int64_t n : wrong_numbers) {
        table.add("split_key", 0, [n](const Tensors&, Where w) { return split_key(1, n, w); });
        table.add("random_permutation", 0, [n](const Tensors&, Where w) { return random_permutation(1, n, w); });
        table.add("random_gumbel", 0, [n](const Tensors&, Where w) { return random_gumbel(1, {n, 4}, w); });
        table.add("random_exponential", 0, [n](const Tensors&, Where w) { return random_exponential(1, {n, 4}, w); });
        table.add("random_bernoulli", 0, [n](const Tensors&, Where w) { return random_bernoulli(1, 0.5, {n, 4}, w); });
        table.add("random_integers", 0,
                  [n](const Tensors&, Where w) { return random_integers(1, 0, 9, {n, 4}, Dtype::i64, w); });
        table.add("random_integers", 0,
                  [n](const Tensors&, Where w) { return random_integers(1, n, -5, {2}, Dtype::i64, w); });
        table.add("random_shuffle", 1, [n](const Tensors& t, Where w) { return random_shuffle(1, t[0], n, w); });
        table.add("random_categorical", 1,
                  [n](const Tensors& t, Where w) { return random_categorical(1, t[0], n, w); });
    }
    for (const Dtype d : {Dtype::f32, Dtype::boolean, Dtype::i8, Dtype::u8})
        table.add("random_integers", 0,
                  [d](const Tensors&, Where w) { return random_integers(1, -300, 300, {2}, d, w); });
    for (const double p : wrong_reals) {
        table.add("random_bernoulli", 0, [p](const Tensors&, Where w) { return random_bernoulli(1, p, {2}, w); });
        table.add("dropout", 1, [p](const Tensors& t, Where w) { return dropout(1, t[0], p, w); });
    }
    table.add("random_bernoulli", 1, [](const Tensors& t, Where w) { return random_bernoulli(1, t[0], w); });
    table.add("random_gamma", 1, [](const Tensors& t, Where w) { return random_gamma(1, t[0], w); });
    // Keys.
    table.add("split_key", 1, [](const Tensors& t, Where w) { return split_key(t[0], 2, w); });
    table.add("random_uniform", 1, [](const Tensors& t, Where w) { return random_uniform(t[0], {2}, 0, 1, w); });
    table.add("random_normal", 1, [](const Tensors& t, Where w) { return random_normal(t[0], {2}, w); });
    table.add("random_bernoulli", 1, [](const Tensors& t, Where w) { return random_bernoulli(t[0], 0.5, {2}, w); });
    table.add("random_integers", 1,
              [](const Tensors& t, Where w) { return random_integers(t[0], 0, 9, {2}, Dtype::i64, w); });
    table.add("random_permutation", 1, [](const Tensors& t, Where w) { return random_permutation(t[0], 4, w); });
    table.add("random_gumbel", 1, [](const Tensors& t, Where w) { return random_gumbel(t[0], {2}, w); });
    table.add("random_exponential", 1, [](const Tensors& t, Where w) { return random_exponential(t[0], {2}, w); });
    table.add("random_shuffle", 1, [](const Tensors& t, Where w) { return random_shuffle(t[0], zeros({3}), 0, w); });
    table.add("random_categorical", 1,
              [](const Tensors& t, Where w) { return random_categorical(t[0], zeros({3}), 0, w); });
    table.add("random_gamma", 1, [](const Tensors& t, Where w) { return random_gamma(t[0], ones({3}), w); });
    table.add("dropout", 1, [](const Tensors& t, Where w) { return dropout(t[0], ones({3}), 0.5, w); });
}

}  // namespace lathe::misuse
