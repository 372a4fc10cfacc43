// Connectionist temporal classification against the sum over all ways, written out.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "lathe.h"

namespace lathe {
namespace {

// The sum over all sequences of classes that read as the target.
double probability(const std::vector<double>& p, std::int64_t times, std::int64_t classes,
                   const std::vector<std::int64_t>& target) {
    std::vector<std::int64_t> way(static_cast<std::size_t>(times), 0);
    double total = 0;
    while (true) {
        std::vector<std::int64_t> read;
        double product = 1;
        for (std::size_t t = 0; t < way.size(); ++t) {
            product *= p[t * static_cast<std::size_t>(classes) + static_cast<std::size_t>(way[t])];
            if (way[t] != 0 && (t == 0 || way[t] != way[t - 1])) read.push_back(way[t]);
        }
        if (read == target) total += product;
        std::size_t t = 0;
        while (t < way.size() && ++way[t] == classes) way[t++] = 0;
        if (t == way.size()) return total;
    }
}

TEST(Ctc, IsTheSumOverAllWays) {
    const std::int64_t times = 6, classes = 4;
    const Tensor logits = convert(random_normal(1, {times, 3, classes}), Dtype::f64);
    const Tensor x = log_softmax(logits, 2);
    const Tensor targets = Tensor::from({1, 2, 2, 3, 3, 0, 1, 0, 0}, {3, 3});
    const Tensor input_lengths = Tensor::from({6, 5, 4}), target_lengths = Tensor::from({3, 2, 1});
    const std::vector<std::vector<std::int64_t>> labels = {{1, 2, 2}, {3, 3}, {1}};
    const std::vector<double> values =
        ctc_loss(x, targets, input_lengths, target_lengths, {.reduction = Reduction::none}).to_vector<double>();
    const std::vector<std::int64_t> lengths = {6, 5, 4};
    for (std::int64_t n = 0; n < 3; ++n) {
        const Tensor own = exp(narrow(x, 0, 0, lengths[static_cast<std::size_t>(n)]))[{ellipsis, n, Range{}}];
        const double expected = -std::log(probability(own.to_vector<double>(), lengths[static_cast<std::size_t>(n)],
                                                      classes, labels[static_cast<std::size_t>(n)]));
        EXPECT_NEAR(values[static_cast<std::size_t>(n)], expected, 1e-9) << n;
    }
    // The derivative, by differences, lazily and compiled.
    const auto f = [&](const Tensor& v) { return ctc_loss(log_softmax(v, 2), targets, input_lengths, target_lengths); };
    const Tensor direction = convert(random_normal(2, {times, 3, classes}), Dtype::f64);
    const double h = 1e-6;
    const double slope =
        (f(logits + direction * h).item<double>() - f(logits - direction * h).item<double>()) / (2 * h);
    const Tensor g = grad(f)(logits);
    EXPECT_NEAR(sum(g * direction).item<double>(), slope, 1e-7);
    EXPECT_EQ(jit([&](const Tensor& v) { return grad(f)(v); })(logits).to_array(), g.to_array());
}

TEST(Ctc, TargetsThatDoNotFitAreInfinite) {
    const Tensor x = log_softmax(random_normal(1, {2, 1, 3}), 2), targets = Tensor::from({1, 1}, {1, 2});
    const Tensor two = Tensor::from({2});
    EXPECT_TRUE(std::isinf(ctc_loss(x, targets, two, two).item<float>()));
    const auto f = [&](const Tensor& v) { return ctc_loss(v, targets, two, two, {.zero_infinity = true}); };
    EXPECT_EQ(f(x).item<float>(), 0);
    EXPECT_EQ(grad(f)(x).to_array(), zeros({2, 1, 3}).to_array());
}

}  // namespace
}  // namespace lathe
