// Random numbers: their distributions, that keys make them independent, and that they are the same on every way.
#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

using testing_support::message_behind_line;

constexpr std::int64_t many = 100000;

struct Moments {
    double mean = 0, variance = 0;
};
Moments moments_of(const Tensor& x) {
    const std::vector<double> v = convert(x, Dtype::f64).to_vector<double>();
    Moments m;
    for (const double d : v) m.mean += d / static_cast<double>(v.size());
    for (const double d : v) m.variance += (d - m.mean) * (d - m.mean) / static_cast<double>(v.size());
    return m;
}

// A mean of `many` draws is within five of its deviations.
void expect_moments(const Tensor& x, double mean, double variance) {
    const Moments m = moments_of(x);
    EXPECT_NEAR(m.mean, mean, 5 * std::sqrt(variance / many));
    EXPECT_NEAR(m.variance, variance, 0.05 * variance);
}

TEST(Random, HasTheMomentsOfItsDistribution) {
    expect_moments(random_uniform(1, {many}, -1, 3), 1, 16.0 / 12);
    expect_moments(random_normal(2, {many}), 0, 1);
    expect_moments(random_bernoulli(3, 0.3, {many}), 0.3, 0.21);
    expect_moments(random_bernoulli(4, full({many}, 0.9)), 0.9, 0.09);
    expect_moments(random_integers(5, -3, 4, {many}), 0, 4);
    expect_moments(random_gumbel(6, {many}), 0.5772156649, 1.6449340668);
    expect_moments(random_exponential(7, {many}), 1, 1);
    for (const double alpha : {0.2, 0.9, 1.0, 7.5, 300.0})
        expect_moments(random_gamma(8, full({many}, alpha)), alpha, alpha);
}

TEST(Random, IsTheSameOnEveryWay) {
    const auto all = [](const Tensor& key, const Tensor& logits) {
        const Tensor keys = split_key(key, 6);
        return std::vector<Tensor>{keys,
                                   random_bernoulli(keys[{0}], 0.5, {1000}),
                                   random_integers(keys[{1}], 0, 1000000007, {1000}),
                                   random_permutation(keys[{2}], 1000),
                                   random_categorical(keys[{3}], logits),
                                   random_gamma(keys[{4}], full({1000}, 0.7)),
                                   dropout(keys[{5}], logits, 0.25)};
    };
    const Tensor key = full({}, 9, Dtype::u64), logits = random_normal(1, {40, 30});
    const std::vector<Tensor> lazy = all(key, logits), compiled = jit(all)(key, logits);
    for (std::size_t i = 0; i < lazy.size(); ++i) EXPECT_EQ(lazy[i].to_array(), compiled[i].to_array()) << i;
    const runtime::ThreadLimit one(1);
    const std::vector<Tensor> alone = all(key, logits);
    for (std::size_t i = 0; i < lazy.size(); ++i) EXPECT_EQ(lazy[i].to_array(), alone[i].to_array()) << i;
}

TEST(Random, KeysAreIndependent) {
    const std::vector<std::uint64_t> keys = split_key(1, 1000).to_vector<std::uint64_t>();
    EXPECT_EQ(std::set<std::uint64_t>(keys.begin(), keys.end()).size(), 1000U);
    const Tensor two = split_key(5);
    const Tensor x = random_normal(two[{0}], {many}), y = random_normal(two[{1}], {many}), z = random_normal(5, {many});
    for (const Tensor& product : {x * y, x * z, y * z})
        EXPECT_NEAR(moments_of(product).mean, 0, 5 / std::sqrt(double{many}));
    // A key for each of a batch.
    const Tensor rows = vmap([](const Tensor& k) { return random_uniform(k, {4}); })(split_key(7, 3));
    EXPECT_EQ(rows.shape(), (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(rows[{1}].to_array(), random_uniform(split_key(7, 3)[{1}], {4}).to_array());
}

TEST(Random, IntegersCoverTheirRange) {
    std::vector<std::int64_t> v = random_integers(1, 10, 13, {3000}).to_vector<std::int64_t>();
    for (const std::int64_t n : {10, 11, 12}) EXPECT_NEAR(static_cast<double>(std::ranges::count(v, n)), 1000, 150);
    constexpr auto least = std::numeric_limits<std::int64_t>::min(),
                   greatest = std::numeric_limits<std::int64_t>::max();
    v = random_integers(2, least, greatest, {1000}).to_vector<std::int64_t>();
    EXPECT_NEAR(static_cast<double>(std::ranges::count_if(v, [](std::int64_t n) { return n < 0; })), 500, 80);
    v = random_integers(3, 0, std::int64_t{1} << 40, {1000}).to_vector<std::int64_t>();
    EXPECT_GT(*std::ranges::max_element(v), std::int64_t{1} << 39);
    EXPECT_LT(*std::ranges::max_element(v), std::int64_t{1} << 40);
    EXPECT_EQ(random_integers(4, -1, 0, {3}, Dtype::i8).to_vector<std::int8_t>(),
              (std::vector<std::int8_t>{-1, -1, -1}));
}

TEST(Random, PermutationsHaveEveryElementOnce) {
    std::vector<std::int64_t> p = random_permutation(3, 1000).to_vector<std::int64_t>(), sorted = p;
    std::ranges::sort(sorted);
    for (std::int64_t i = 0; i < 1000; ++i) EXPECT_EQ(sorted[static_cast<std::size_t>(i)], i);
    EXPECT_NE(p, sorted);
    const Tensor x = arange(12).reshape({3, 4});
    std::vector<std::int64_t> shuffled = random_shuffle(1, x, 1).to_vector<std::int64_t>();
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(shuffled[i] + 4, shuffled[i + 4]);
        EXPECT_EQ(shuffled[i] + 8, shuffled[i + 8]);
    }
}

TEST(Random, CategoriesAreAsLikelyAsTheyShouldBe) {
    const Tensor logits = log(Tensor::from({0.1F, 0.6F, 0.3F}));
    const std::vector<std::int64_t> v =
        random_categorical(4, broadcast_to(logits, {many, 3})).to_vector<std::int64_t>();
    const double expected[] = {0.1, 0.6, 0.3};
    for (const std::int64_t k : {0, 1, 2})
        EXPECT_NEAR(static_cast<double>(std::ranges::count(v, k)) / many, expected[k], 0.01);
    EXPECT_EQ(random_categorical(1, zeros({5, 2, 7}), 1).shape(), (std::vector<std::int64_t>{5, 7}));
}

TEST(Dropout, KeepsTheMeanAndItsMask) {
    const Tensor x = ones({many});
    const Tensor y = dropout(1, x, 0.2);
    expect_moments(y, 1, 0.25);
    const Tensor g = grad([](const Tensor& v) { return sum(dropout(1, v, 0.2)); })(x);
    EXPECT_EQ(g.to_array(), y.to_array());
    EXPECT_EQ(dropout(1, x, 0).to_array(), x.to_array());
    EXPECT_EQ(dropout(1, x, 1).to_array(), zeros({many}).to_array());
}

TEST(RandomGamma, OfNoShapeIsNan) {
    const std::vector<float> v = random_gamma(1, Tensor::from({0.F, -2.F, 1.F, std::nanf("")})).to_vector<float>();
    EXPECT_TRUE(std::isnan(v[0]) && std::isnan(v[1]) && v[2] > 0 && std::isnan(v[3]));
}

TEST(Random, SaysWhatIsWrong) {
    const Tensor x = ones({2});
    EXPECT_EQ(message_behind_line([&] { random_normal(x, {2}); }),
              "random_normal: the key is f32[2], not u64[] (f32[2])");
    EXPECT_EQ(message_behind_line([&] { random_integers(1, 3, 3, {2}); }),
              "random_integers: nothing is in [3, 3) (u64[])");
    EXPECT_EQ(message_behind_line([&] { dropout(1, x, 1.5); }), "dropout: p is 1.5, not in [0, 1] (u64[] and f32[2])");
    EXPECT_EQ(message_behind_line([&] { random_shuffle(1, x, 1); }),
              "random_shuffle: axis 1 is out of range for rank 1 (u64[] and f32[2])");
    EXPECT_EQ(message_behind_line([&] { random_bernoulli(1, ones({2}, Dtype::f64)); }),
              "random_bernoulli: operand 1 is f64, not f32; convert() makes it that (u64[] and f64[2])");
}

// What follows a product stands in every kind of its tiles: there may be more of it than a nest holds.
TEST(RandomFunctions, FollowAProductWhoseTilesTheyWouldFill) {
    const Tensor x = convert(random_normal(1, {20, 20}), Dtype::f64);
    const auto f = [](const Tensor& a, const Tensor& b) {
        return matmul(swapaxes(exp(a), 0, 1), b) * convert(random_normal(3, {}), Dtype::f64);
    };
    EXPECT_EQ(jit(f)(x, x).to_array(), f(x, x).to_array());
}

}  // namespace
}  // namespace lathe
