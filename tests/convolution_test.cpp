// Convolutions and pooling as users call them: against sums written out, at many sizes by one program, and errors.
#include <cmath>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

using testing_support::message_behind_line;

using Extents = std::vector<std::int64_t>;

// conv2d as its definition has it, in f64.
std::vector<double> convolved(const Tensor& x, const Tensor& w, std::int64_t stride, std::int64_t padding,
                              std::int64_t dilation, std::int64_t groups) {
    const Extents xs = x.shape(), ws = w.shape();
    const std::vector<double> xv = convert(x, Dtype::f64).to_vector<double>(),
                              wv = convert(w, Dtype::f64).to_vector<double>();
    const auto count = [&](std::int64_t n, std::int64_t k) {
        return (n + 2 * padding - (k - 1) * dilation - 1) / stride + 1;
    };
    const std::int64_t oh = count(xs[2], ws[2]), ow = count(xs[3], ws[3]), own = ws[0] / groups;
    std::vector<double> y;
    for (std::int64_t n = 0; n < xs[0]; ++n)
        for (std::int64_t o = 0; o < ws[0]; ++o)
            for (std::int64_t i = 0; i < oh; ++i)
                for (std::int64_t j = 0; j < ow; ++j) {
                    double sum = 0;
                    for (std::int64_t c = 0; c < ws[1]; ++c)
                        for (std::int64_t k = 0; k < ws[2]; ++k)
                            for (std::int64_t l = 0; l < ws[3]; ++l) {
                                const std::int64_t h = i * stride - padding + k * dilation;
                                const std::int64_t v = j * stride - padding + l * dilation;
                                if (h < 0 || v < 0 || h >= xs[2] || v >= xs[3]) continue;
                                const std::int64_t channel = o / own * ws[1] + c;
                                sum += xv[static_cast<std::size_t>(((n * xs[1] + channel) * xs[2] + h) * xs[3] + v)] *
                                       wv[static_cast<std::size_t>(((o * ws[1] + c) * ws[2] + k) * ws[3] + l)];
                            }
                    y.push_back(sum);
                }
    return y;
}

void expect_near(const Tensor& actual, const std::vector<double>& expected) {
    const std::vector<double> values = convert(actual, Dtype::f64).to_vector<double>();
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_NEAR(values[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << i;
}

TEST(Convolution, IsTheSumOfItsDefinition) {
    struct Case {
        Extents x, w;
        std::int64_t stride, padding, dilation, groups;
    };
    const Case cases[] = {{{2, 3, 9, 8}, {4, 3, 3, 3}, 1, 1, 1, 1},      {{1, 8, 7, 7}, {8, 1, 3, 3}, 2, 1, 1, 8},
                          {{2, 4, 12, 11}, {6, 2, 2, 3}, 1, 2, 2, 2},    {{1, 130, 5, 5}, {3, 130, 3, 3}, 1, 1, 1, 1},
                          {{3, 16, 10, 10}, {16, 16, 1, 1}, 1, 0, 1, 1}, {{1, 1, 33, 70}, {2, 1, 7, 7}, 3, 3, 1, 1}};
    for (const Case& c : cases) {
        const Tensor x = random_normal(1, c.x), w = random_normal(2, c.w);
        const ConvolutionOptions o{
            .stride = c.stride, .padding = c.padding, .dilation = c.dilation, .groups = c.groups};
        const std::vector<double> expected = convolved(x, w, c.stride, c.padding, c.dilation, c.groups);
        const Tensor lazy = conv2d(x, w, o);
        expect_near(lazy, expected);
        const auto jitted = jit([&](const Tensor& a, const Tensor& b) { return conv2d(a, b, o); });
        EXPECT_EQ(jitted(x, w).to_array(), lazy.to_array());
    }
}

TEST(Convolution, OneProgramServesAllSizes) {
    const Tensor w = random_normal(3, {5, 2, 3, 3});
    const auto f = jit([&](const Tensor& x) {
        const Tensor y = max_pool2d(relu(conv2d(x, w, {.padding = 1})), 2);
        return avg_pool2d(y, 2, {.padding = 1, .count_include_pad = false});
    });
    const auto plain = [&](const Tensor& x) {
        const Tensor y = max_pool2d(relu(conv2d(x, w, {.padding = 1})), 2);
        return avg_pool2d(y, 2, {.padding = 1, .count_include_pad = false});
    };
    for (const Extents& shape :
         {Extents{2, 2, 8, 8}, Extents{3, 2, 10, 12}, Extents{2, 2, 17, 9}, Extents{5, 2, 6, 30}}) {
        const Tensor x = random_normal(4, shape);
        EXPECT_EQ(f(x).to_array(), plain(x).to_array());
    }
    EXPECT_EQ(f.statistics().traces, 1U);
}

TEST(Convolution, SamePaddingKeepsExtents) {
    const Tensor x = ones({1, 1, 5, 6}), w = ones({1, 1, 3, 2});
    EXPECT_EQ(conv2d(x, w, {.padding = Padding::same()}).shape(), (Extents{1, 1, 5, 6}));
    EXPECT_EQ(conv2d(x, w, {.stride = 2, .padding = Padding::same()}).shape(), (Extents{1, 1, 3, 3}));
    EXPECT_EQ(conv2d(x, w).shape(), (Extents{1, 1, 3, 5}));
    // What is odd is added behind.
    EXPECT_EQ(conv1d(Tensor::from({1.F, 2.F, 3.F}, {1, 1, 3}), ones({1, 1, 2}), {.padding = Padding::same()})
                  .to_vector<float>(),
              (std::vector<float>{3, 5, 3}));
}

TEST(Convolution, TheTransposeIsTheAdjoint) {
    // <conv(x), y> = <x, conv_transpose(y)>
    const Tensor x = random_normal(1, {2, 4, 9, 7}), w = random_normal(2, {6, 2, 3, 2});
    const ConvolutionOptions o{.stride = 2, .padding = 1, .dilation = 1, .groups = 2};
    const Tensor c = conv2d(x, w, o), y = random_normal(3, c.shape());
    const Tensor back = conv_transpose2d(y, w, {.stride = 2, .padding = 1, .output_padding = {0, 1}, .groups = 2});
    ASSERT_EQ(back.shape(), x.shape());
    EXPECT_NEAR(sum(c * y).item<float>(), sum(x * back).item<float>(), 1e-2);
}

TEST(Pooling, OfEqualsTheFirstHasTheDerivative) {
    const Tensor x = Tensor::from({1.F, 3.F, 3.F, 2.F}, {1, 1, 4});
    const auto f = [](const Tensor& v) { return sum(max_pool1d(v, 4)); };
    EXPECT_EQ(grad(f)(x).to_vector<float>(), (std::vector<float>{0, 1, 0, 0}));
    const auto [values, places] = max_pool1d_with_indices(x, 2, {.stride = 1});
    EXPECT_EQ(values.to_vector<float>(), (std::vector<float>{3, 3, 3}));
    EXPECT_EQ(places.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 1, 2}));
    const float nan = std::nanf("");
    EXPECT_TRUE(std::isnan(max_pool1d(Tensor::from({1.F, nan, 2.F}, {1, 1, 3}), 3).item<float>()));
    EXPECT_EQ(max_pool1d(Tensor::from({-5, -7}, {1, 1, 2}), 2, {.stride = 2, .padding = 1}).to_vector<std::int32_t>(),
              (std::vector<std::int32_t>{-5, -7}));
}

TEST(Pooling, UnfoldAndFoldAreAdjoint) {
    const Tensor x = random_normal(1, {2, 3, 7, 6});
    const UnfoldOptions o{.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}};
    const Tensor columns = unfold(x, {3, 2}, o), y = random_normal(2, columns.shape());
    const Tensor back = fold(y, {7, 6}, {3, 2}, o);
    ASSERT_EQ(back.shape(), x.shape());
    EXPECT_NEAR(sum(columns * y).item<float>(), sum(x * back).item<float>(), 1e-3);
}

TEST(Convolution, SaysWhatIsWrong) {
    const Tensor x = ones({1, 3, 8, 8}), w = ones({4, 3, 3, 3});
    EXPECT_EQ(message_behind_line([&] { conv2d(x, ones({4, 2, 3, 3})); }),
              "conv2d: the channels are not those of all groups: 3 is not 2 (f32[1, 3, 8, 8] and f32[4, 2, 3, 3])");
    EXPECT_EQ(
        message_behind_line([&] { conv2d(x, ones({4, 3, 9, 3})); }),
        "conv2d: the window is larger than what it moves over: 9 exceeds 8 (f32[1, 3, 8, 8] and f32[4, 3, 9, 3])");
    EXPECT_EQ(message_behind_line([&] { conv2d(x, convert(w, Dtype::f64)); }),
              "conv2d: the dtypes differ; convert() makes them the same (f32[1, 3, 8, 8] and f64[4, 3, 3, 3])");
    EXPECT_EQ(message_behind_line([&] { conv2d(ones({3, 8}), w); }),
              "conv2d: wants images of 4 axes, or a single one of 3 (f32[3, 8] and f32[4, 3, 3, 3])");
    EXPECT_EQ(message_behind_line([&] { conv2d(x, w, {.stride = {1, 2, 3}}); }),
              "conv2d: stride has 3 entries, not one or 2 (f32[1, 3, 8, 8] and f32[4, 3, 3, 3])");
    EXPECT_EQ(message_behind_line([&] { conv2d(x, w, {.stride = 0}); }),
              "conv2d: stride is 0, less than 1 (f32[1, 3, 8, 8] and f32[4, 3, 3, 3])");
    EXPECT_EQ(message_behind_line([&] { max_pool2d(x, 2, {.padding = 2}); }),
              "max_pool2d: padding is more than half of a window, which could hold nothing else (f32[1, 3, 8, 8])");
    EXPECT_EQ(message_behind_line([&] { avg_pool2d(ones({4, 4}, Dtype::i32), 2); }),
              "avg_pool2d: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[4, 4])");
    EXPECT_EQ(message_behind_line([&] { interpolate(x, {}); }),
              "interpolate: wants either a size or a scale_factor (f32[1, 3, 8, 8])");
}

TEST(Einsum, TakesTheCheapestOrder) {
    const Tensor a = random_normal(1, {2, 300}), b = random_normal(2, {300, 300}), c = random_normal(3, {300, 2});
    const Tensor all = einsum("ij,jk,kl->il", {a, b, c});
    EXPECT_EQ(all.to_array(), matmul(matmul(a, b), c).to_array());
    const Tensor first = einsum("ij,jk,k->i", {b, b, random_normal(4, {300})});
    EXPECT_EQ(first.shape(), (Extents{300}));
    EXPECT_EQ(einsum("ii", {Tensor::from({1.F, 2.F, 3.F, 4.F}, {2, 2})}).item<float>(), 5);
    EXPECT_EQ(einsum("...ij->...ji", {ones({3, 2, 4})}).shape(), (Extents{3, 4, 2}));
    EXPECT_EQ(einsum("ba", {ones({2, 3})}).shape(), (Extents{3, 2}));
}

TEST(Einsum, SaysWhatIsWrong) {
    const Tensor a = ones({2, 3}), b = ones({4, 5});
    EXPECT_EQ(message_behind_line([&] { einsum("ij,jk->ik", {a, b}); }),
              "einsum: the inner extents differ: 3 is not 4 (f32[2, 3] and f32[4, 5])");
    EXPECT_EQ(message_behind_line([&] { einsum("ij->k", {a}); }),
              "einsum: \"ij->k\": 'k' of the result is in no operand (f32[2, 3])");
    EXPECT_EQ(message_behind_line([&] { einsum("ij,jk", {a}); }),
              "einsum: \"ij,jk\": the formula has 2 terms for 1 operands (f32[2, 3])");
    EXPECT_EQ(message_behind_line([&] { einsum("i1", {a}); }),
              "einsum: \"i1\": '1' is neither a letter nor part of an ellipsis (f32[2, 3])");
    EXPECT_EQ(message_behind_line([&] { einsum("ijk", {a}); }),
              "einsum: \"ijk\": 'ijk' names 3 axes of an operand with 2 (f32[2, 3])");
}

}  // namespace
}  // namespace lathe
