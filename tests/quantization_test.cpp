// Floats as small integers, and their products.
#include <cmath>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

using testing_support::message_behind_line;

TEST(Quantize, RoundsToEvenAndSaturates) {
    const Tensor x = Tensor::from({-1000.F, -1.5F, -0.5F, 0.F, 0.5F, 1.5F, 2.4F, 1000.F, std::nanf("")});
    const Tensor one = Tensor::scalar(1.F);
    EXPECT_EQ(quantize(x, one, {.dtype = Dtype::i8}).to_vector<std::int8_t>(),
              (std::vector<std::int8_t>{-128, -2, 0, 0, 0, 2, 2, 127, 0}));
    EXPECT_EQ(quantize(x, one, {.dtype = Dtype::u8, .zero = full({}, 128, Dtype::u8)}).to_vector<std::uint8_t>(),
              (std::vector<std::uint8_t>{0, 126, 128, 128, 128, 130, 130, 255, 0}));
    const auto f = [](const Tensor& v, const Tensor& s) { return quantize(v, s, {.dtype = Dtype::i8}); };
    EXPECT_EQ(jit(f)(x, one).to_array(), f(x, one).to_array());
}

TEST(Quantize, GoesBackAlongAnAxis) {
    const Tensor x = Tensor::from({0.1F, 0.25F, 10.F, 25.F}, {2, 2}), scale = Tensor::from({0.05F, 5.F});
    const QuantizeOptions o{.dtype = Dtype::i8, .zero = Tensor::from({std::int8_t{3}, std::int8_t{-4}}), .axis = 0};
    const Tensor q = quantize(x, scale, o);
    EXPECT_EQ(q.to_vector<std::int8_t>(), (std::vector<std::int8_t>{5, 8, -2, 1}));
    const std::vector<float> back = dequantize(q, scale, o).to_vector<float>(), own = x.to_vector<float>();
    for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(back[i], own[i], 1e-6F);
}

TEST(FakeQuantize, HasTheDerivativeOfXWhereItIsInRange) {
    const Tensor x = Tensor::from({-500.F, -1.3F, 0.2F, 500.F}), scale = Tensor::scalar(0.5F);
    const QuantizeOptions o{.dtype = Dtype::i8};
    EXPECT_EQ(fake_quantize(x, scale, o).to_vector<float>(), (std::vector<float>{-64, -1.5F, 0, 63.5F}));
    const auto f = [&](const Tensor& v) { return sum(fake_quantize(v, scale, o)); };
    EXPECT_EQ(grad(f)(x).to_vector<float>(), (std::vector<float>{0, 1, 1, 0}));
}

TEST(IntegerMatmul, IsExactInI32) {
    const Tensor a = random_integers(1, 0, 256, {5, 300}, Dtype::u8),
                 b = random_integers(2, -128, 128, {300, 7}, Dtype::i8);
    const Tensor zero = full({}, 128, Dtype::u8);
    const Tensor y = integer_matmul(a, b, {.a_zero = zero});
    const Tensor expected = matmul(convert(a, Dtype::i64) - 128, convert(b, Dtype::i64));
    EXPECT_EQ(y.dtype(), Dtype::i32);
    EXPECT_EQ(convert(y, Dtype::i64).to_array(), expected.to_array());
    EXPECT_EQ(
        jit([&](const Tensor& u, const Tensor& v) { return integer_matmul(u, v, {.a_zero = zero}); })(a, b).to_array(),
        y.to_array());
}

TEST(Quantize, SaysWhatIsWrong) {
    const Tensor x = ones({2, 3}), i = ones({2}, Dtype::i32), scale = ones({2});
    EXPECT_EQ(message_behind_line([&] { quantize(i, scale); }),
              "quantize: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[2] and f32[2])");
    EXPECT_EQ(message_behind_line([&] { quantize(x, scale); }),
              "quantize: wants one number, or one for each index of axis 1 (f32[2, 3] and f32[2])");
    EXPECT_EQ(message_behind_line([&] { quantize(x, i); }),
              "quantize: the scale is i32, not one of f64 f32 f16 bf16; convert() makes it one (f32[2, 3] and i32[2])");
    EXPECT_EQ(message_behind_line([&] { integer_matmul(x, x); }),
              "integer_matmul: operand 0 is f32, not one of i8 u8; convert() makes it one (f32[2, 3] and f32[2, 3])");
}

}  // namespace
}  // namespace lathe
