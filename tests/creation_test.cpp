// Tensors made of a shape or of numbers, against what NumPy and PyTorch say.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/trace/jit.h"

namespace lathe {
namespace {

TEST(Creation, counts_from_and_to_in_steps) {
    const auto ints = [](const Tensor& x) { return x.to_vector<std::int64_t>(); };
    using Ints = std::vector<std::int64_t>;
    EXPECT_EQ(ints(arange(2, 5)), (Ints{2, 3, 4}));
    EXPECT_EQ(ints(arange(2, 9, 3)), (Ints{2, 5, 8}));
    EXPECT_EQ(ints(arange(5, -2, -3)), (Ints{5, 2, -1}));
    EXPECT_EQ(ints(arange(-3, 3, 2)), (Ints{-3, -1, 1}));
    EXPECT_EQ(arange(3, 3).size(), 0);
    EXPECT_EQ(arange(3, 1).size(), 0);
    EXPECT_EQ(arange(0, 3, 1, Dtype::f16).dtype(), Dtype::f16);
    EXPECT_EQ(ints(arange(254, 257, 1, Dtype::u8)), (Ints{254, 255, 0}));
    EXPECT_EQ(arange(0.0, 1.0, 0.25).to_vector<float>(), (std::vector{0.0F, 0.25F, 0.5F, 0.75F}));
    EXPECT_EQ(arange(1, 0.0, -0.5).to_vector<float>(), (std::vector{1.0F, 0.5F}));
    EXPECT_EQ(arange(2.5).to_vector<float>(), (std::vector{0.0F, 1.0F, 2.0F}));
    EXPECT_EQ(arange(0.1, 0.35, 0.1, Dtype::f64).to_vector<double>(), (std::vector{0.1, 0.2, 0.1 + 2 * 0.1}));
    const auto behind = jit([](const Tensor& x) { return arange(x.dim(0), 2 * x.dim(0) + 1, 2); });
    EXPECT_EQ(ints(behind(ones({3}))), (Ints{3, 5}));
    EXPECT_EQ(ints(behind(ones({4}))), (Ints{4, 6, 8}));
    EXPECT_EQ(behind.statistics().traces, 1);
}

TEST(Creation, equal_distances) {
    for (const std::int64_t n : {2, 3, 7, 50}) {
        const std::vector<double> x = linspace(-1.5, 2.75, n, Dtype::f64).to_vector<double>();
        ASSERT_EQ(x.size(), static_cast<std::size_t>(n));
        EXPECT_EQ(x.front(), -1.5);
        EXPECT_EQ(x.back(), 2.75);
        const std::vector<float> narrow = linspace(-1.5, 2.75, n).to_vector<float>();
        for (std::int64_t i = 0; i < n; ++i) {
            const auto exact = static_cast<double>(-1.5L + 4.25L * i / (n - 1));
            EXPECT_NEAR(x[static_cast<std::size_t>(i)], exact, 1e-15);
            EXPECT_NEAR(narrow[static_cast<std::size_t>(i)], exact, 1.2e-7 * std::abs(exact));
        }
    }
    EXPECT_EQ(linspace(3, 4, 1).to_vector<float>(), std::vector{3.0F});
    EXPECT_EQ(linspace(3, 4, 0).size(), 0);
    EXPECT_EQ(linspace(0, 5, 4, Dtype::i32).to_vector<int>(), (std::vector{0, 1, 3, 5}));
    const std::vector<double> powers = logspace(0, 3, 4, 10, Dtype::f64).to_vector<double>();
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(powers[i], std::pow(10.0, i), 1e-12 * powers[i]);
    EXPECT_EQ(logspace(0, 3, 4, 2).to_vector<float>(), (std::vector{1.0F, 2.0F, 4.0F, 8.0F}));
    const auto between = jit([](const Tensor& x) { return linspace(0, 1, x.dim(0), Dtype::f64); });
    EXPECT_EQ(between(ones({3})).to_vector<double>(), (std::vector{0.0, 0.5, 1.0}));
    EXPECT_EQ(between(ones({5})).to_vector<double>(), (std::vector{0.0, 0.25, 0.5, 0.75, 1.0}));
    EXPECT_EQ(between.statistics().traces, 1);
}

TEST(Creation, matrices) {
    EXPECT_EQ(eye(2).to_vector<float>(), (std::vector{1.0F, 0.0F, 0.0F, 1.0F}));
    EXPECT_EQ(eye(2, 3, 1, Dtype::i8).to_vector<int>(), (std::vector{0, 1, 0, 0, 0, 1}));
    EXPECT_EQ(eye(3, 2, -2, Dtype::boolean).to_vector<bool>(), (std::vector{false, false, false, false, true, false}));
    EXPECT_EQ(eye(0).size(), 0);
    EXPECT_EQ(full_like(ones({2}, Dtype::u8), 7).to_vector<int>(), (std::vector{7, 7}));
    const auto identity = jit([](const Tensor& x) { return eye(x.dim(0)); });
    EXPECT_EQ(identity(ones({3})).shape(), (std::vector<std::int64_t>{3, 3}));
    EXPECT_EQ(identity(ones({2})).to_vector<float>(), (std::vector{1.0F, 0.0F, 0.0F, 1.0F}));
}

template <class F>
void expect_message(const F& f, const std::string& message, Where where = Where::current()) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown, for " << message;
    } catch (const TypeError& e) {
        EXPECT_EQ(e.what(), std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + message);
    }
}

TEST(Creation, says_what_is_wrong) {
    expect_message([] { arange(0, 5, 0); }, "arange: step is 0, not one from -2147483648 to 2147483648 but 0");
    expect_message([] { arange(0, 5, 1, Dtype::boolean); },
                   "arange: dtype is bool, not one of f64 f32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8");
    expect_message([] { arange(0.0, 1.0, 0.0); }, "arange: there is no number of elements from 0 to 1 in steps of 0");
    expect_message([] { linspace(0, 1, -3); }, "linspace: an extent is negative: -3");
    expect_message([] { eye(-1); }, "eye: an extent is negative: -1");
    expect_message([] { full_like(ones({2}, Dtype::i32), 0.5); }, "full_like: the number 0.5 is not one of i32");
}

}  // namespace
}  // namespace lathe
