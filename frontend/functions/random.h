// Random numbers: a function of key and shape alone (Philox4x32-10), the same for any number of threads, compiled or
// not. What is drawn with one key depends on each other: for independent draws, split the key.
#pragma once

#include <concepts>
#include <cstdint>

#include "frontend/tensor/tensor.h"

namespace lathe {

// A number, or a u64 tensor of rank 0: an argument, an element of split_key, or the next one of an nn::Generator. A
// number is the same at every call of a compiled function, and so are the random numbers.
class RandomKey {
public:
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    RandomKey(T key)  // NOLINT(google-explicit-constructor): a number is a key
        : RandomKey(static_cast<std::uint64_t>(key), Number{}) {}
    RandomKey(const Tensor& key) : key_(key) {}  // NOLINT(google-explicit-constructor)

    const Tensor& tensor() const { return key_; }

private:
    struct Number {};
    RandomKey(std::uint64_t key, Number);
    Tensor key_;
};

// Independent keys, u64 [count]. The key itself is used up: what was drawn with it is independent of them, too.
Tensor split_key(const RandomKey& key, std::int64_t count = 2, Where where = Where::current());

// f32 in [low, high); the upper end where a sum rounds to it. The ends are finite, and low is at most high.
Tensor random_uniform(const RandomKey& key, const Shape& shape, double low = 0, double high = 1,
                      Where where = Where::current());
// f32 with mean 0 and variance 1.
Tensor random_normal(const RandomKey& key, const Shape& shape, Where where = Where::current());
// True with a probability: a number, or f32 that broadcasts to the shape.
Tensor random_bernoulli(const RandomKey& key, double p, const Shape& shape, Where where = Where::current());
Tensor random_bernoulli(const RandomKey& key, const Tensor& p, Where where = Where::current());
// Integers in [low, high), all as likely to within 2^-64 of each other's probability times their number.
Tensor random_integers(const RandomKey& key, std::int64_t low, std::int64_t high, const Shape& shape,
                       Dtype dtype = Dtype::i64, Where where = Where::current());
// 0, ..., n - 1 in random order, i64.
Tensor random_permutation(const RandomKey& key, Dim n, Where where = Where::current());
// x with the slices along an axis in random order.
Tensor random_shuffle(const RandomKey& key, const Tensor& x, std::int64_t axis = 0, Where where = Where::current());
// f32 of Gumbel's distribution: -log(-log(u)).
Tensor random_gumbel(const RandomKey& key, const Shape& shape, Where where = Where::current());
// f32 with mean 1: -log(u).
Tensor random_exponential(const RandomKey& key, const Shape& shape, Where where = Where::current());
// Positions along an axis, i64, each as likely as softmax of the logits says.
Tensor random_categorical(const RandomKey& key, const Tensor& logits, std::int64_t axis = -1,
                          Where where = Where::current());
// f32 of the gamma distribution of scale 1 with the given shape parameters, f32; NaN where one is not positive. No
// derivative flows through it. After Marsaglia and Tsang, "A simple method for generating gamma variables", 2000: what
// is rejected is drawn anew until nothing is.
Tensor random_gamma(const RandomKey& key, const Tensor& alpha, Where where = Where::current());

// x, of which each element is 0 with probability p and else divided by 1 - p.
Tensor dropout(const RandomKey& key, const Tensor& x, double p = 0.5, Where where = Where::current());

}  // namespace lathe
