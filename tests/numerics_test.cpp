// Differences, vectors, parts of tensors and kinds of numbers: what PyTorch's samples do not show. Values against plain
// numbers, the same bits compiled, and what is refused.
#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/refusal.h"

namespace lathe {
namespace {

using testing_support::here;
using testing_support::refusal;
using Floats = std::vector<float>;
using Places = std::vector<std::int64_t>;
using Tensors = std::vector<Tensor>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

Floats of(const Tensor& x) { return x.to_vector<float>(); }

// Lazily and compiled, for extents that are symbols there.
void expect_same_bits(const std::function<Tensors(const Tensor&)>& f, const Tensor& x) {
    const Tensors lazy = f(x), compiled = jit(f)(x);
    ASSERT_EQ(lazy.size(), compiled.size());
    for (std::size_t i = 0; i < lazy.size(); ++i) EXPECT_EQ(lazy[i].to_array(), compiled[i].to_array()) << i;
}

TEST(Numerics, AreTheSameCompiled) {
    const Tensor x = random_normal(3, {4, 6});
    expect_same_bits(
        [](const Tensor& v) {
            return Tensors{diff(v, {.order = 2}),
                           trapezoid(v, 0.5, 0),
                           cumulative_trapezoid(v),
                           cdist(v, v * 2.0, 1),
                           cov(v),
                           corrcoef(v),
                           vander(v, 4),
                           normalize(v),
                           sinc(v),
                           nan_to_num(v),
                           frac(v),
                           entr(v),
                           ndtr(v),
                           isclose(v, v + 1e-7),
                           allclose(v, v),
                           xlog1py(v, abs(v))};
        },
        x);
    expect_same_bits([](const Tensor& v) { return tensor_split(v, 3, 1); }, x);
    expect_same_bits(
        [](const Tensor& v) {
            const auto [median, place] = nanmedian(log(v), 0);
            return Tensors{median,
                           place,
                           nanquantile(log(v), {0.25, 0.5}, 1),
                           kthvalue(v, 2).values,
                           block_diag({v, v}),
                           roll(v, {1, -2}, {0, 1}),
                           cumsum(sum(v)),
                           quantile(v, abs(v[{0, 0}]))};
        },
        random_uniform(4, {4, 6}) - 0.2);
}

TEST(Numerics, TellNumbersApart) {
    const Tensor x = Tensor::from({-0.0F, 0.0F, -infinity, infinity, nan, -1.5F});
    EXPECT_EQ(isposinf(x).to_vector<bool>(), (std::vector<bool>{false, false, false, true, false, false}));
    EXPECT_EQ(isneginf(x).to_vector<bool>(), (std::vector<bool>{false, false, true, false, false, false}));
    const std::vector<bool> signs = signbit(x).to_vector<bool>();
    EXPECT_TRUE(signs[0] && !signs[1] && signs[2] && !signs[3] && signs[5]);
    constexpr float greatest = std::numeric_limits<float>::max();
    EXPECT_EQ(of(nan_to_num(x)), (Floats{-0.0F, 0, -greatest, greatest, 0, -1.5F}));
    EXPECT_EQ(of(nan_to_num(x, {.nan = 7, .posinf = 8, .neginf = 9})), (Floats{-0.0F, 0, 9, 8, 7, -1.5F}));
    EXPECT_EQ(of(convert(nan_to_num(convert(x, Dtype::f16)), Dtype::f32))[3], 65504);
    EXPECT_EQ(of(convert(nan_to_num(convert(x, Dtype::bf16)), Dtype::f32))[3], 0x1.fep127F);
    const Tensor y = Tensor::from({0.0F, 1e-9F, -infinity, -infinity, nan, -1.500001F});
    EXPECT_EQ(isclose(x, y).to_vector<bool>(), (std::vector<bool>{true, true, true, false, false, true}));
    EXPECT_FALSE(allclose(x, x).item<bool>());
    EXPECT_TRUE(allclose(x, x, {.equal_nan = true}).item<bool>());
    EXPECT_EQ(of(sinc(Tensor::from({0.0F, 0.5F}))), (Floats{1, static_cast<float>(2 / std::acos(-1.0))}));
    EXPECT_EQ(grad([](const Tensor& v) { return sum(sinc(v)); })(zeros({1})).item<float>(), 0);
    EXPECT_EQ(of(entr(Tensor::from({0.0F, -1.0F, 1.0F}))), (Floats{0, -infinity, 0}));
}

TEST(Numerics, ScanNumbers) {
    const Tensor x = full({}, 3);
    EXPECT_EQ(cumsum(x, 0).item<float>(), 3);
    EXPECT_EQ(cumprod(x).item<float>(), 3);
    EXPECT_NEAR(logcumsumexp(x).item<float>(), 3, 1e-6);
    EXPECT_EQ(cummax(x).values.item<float>(), 3);
    EXPECT_EQ(cummin(x, 0).indices.item<std::int64_t>(), 0);
    EXPECT_EQ(grad([](const Tensor& v) { return cumsum(v); })(x).item<float>(), 1);
}

TEST(Numerics, OfWhatIsNotNan) {
    const Tensor x = Tensor::from({nan, 4.0F, 1.0F, 3.0F, nan, nan, nan, nan}, {2, 4});
    const auto [values, places] = nanmedian(x, 1);
    EXPECT_EQ(of(values)[0], 3);
    EXPECT_TRUE(std::isnan(of(values)[1]));
    EXPECT_EQ(places.to_vector<std::int64_t>()[0], 3);
    const Floats parts = of(nanquantile(x, {0.0, 0.75, 1.0}, 1));
    EXPECT_EQ((Floats{parts[0], parts[2], parts[4]}), (Floats{1, 3.5F, 4}));
    EXPECT_TRUE(std::isnan(parts[1]) && std::isnan(parts[3]) && std::isnan(parts[5]));
    EXPECT_EQ(of(quantile(Tensor::from({1.0F, 2.0F, 4.0F}), Tensor::from({0.5F, 0.75F}))), (Floats{2, 3}));
    for (const float part : {1.5F, -0.25F, nan})
        for (const Tensor& of_some :
             {Tensor::from({1.0F, 2.0F, 4.0F}), Tensor::from({1.0F}), Tensor::from({1.0F, nan})}) {
            const Tensor q = Tensor::from({0.5F, part});
            EXPECT_THROW(quantile(of_some, q).to_array(), IndexError) << part;
            EXPECT_THROW(nanquantile(of_some, q).to_array(), IndexError) << part;
        }
}

TEST(Numerics, ChooseAndSplit) {
    const Tensor x = arange(5);
    const auto list = [](const Tensors& parts) {
        std::vector<Places> out;
        for (const Tensor& p : parts) out.push_back(p.to_vector<std::int64_t>());
        return out;
    };
    EXPECT_EQ(list(tensor_split(x, 3)), (std::vector<Places>{{0, 1}, {2, 3}, {4}}));
    EXPECT_EQ(list(tensor_split(x, 7)), (std::vector<Places>{{0}, {1}, {2}, {3}, {4}, {}, {}}));
    EXPECT_EQ(list(tensor_split(x, std::vector<std::int64_t>{1, -1, 9})),
              (std::vector<Places>{{0}, {1, 2, 3}, {4}, {}}));
    EXPECT_EQ(combinations(arange(3), 2, true).to_vector<std::int64_t>(), (Places{0, 0, 0, 1, 0, 2, 1, 1, 1, 2, 2, 2}));
    EXPECT_EQ(combinations(arange(3), 4).shape(), (Places{0, 4}));
    EXPECT_EQ(roll(reshape(arange(6), {2, 3}), {1, 1}, {0, 1}).to_vector<std::int64_t>(), (Places{5, 3, 4, 2, 0, 1}));
    const auto [values, places] = adaptive_max_pool1d_with_indices(Tensor::from({1.0F, 5.0F, 5.0F, 2.0F}, {1, 4}), 2);
    EXPECT_EQ(of(values), (Floats{5, 5}));
    EXPECT_EQ(places.to_vector<std::int64_t>(), (Places{1, 2}));
    EXPECT_EQ(of(max_unpool(values, places, {4})), (Floats{0, 5, 5, 0}));
}

TEST(Numerics, MistakesAreTheCallers) {
    const Tensor x = zeros({2, 4}), i = zeros({2, 4}, Dtype::i32);
    EXPECT_EQ(refusal([&] { cross(x, x); }),
              here() + "cross: wants vectors of three numbers along axis -1 (f32[2, 4] and f32[2, 4])");
    EXPECT_EQ(
        refusal([&] { cdist(i, i); }),
        here() +
            "cdist: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[2, 4] and i32[2, 4])");
    EXPECT_EQ(refusal([&] { cov(i); }),
              here() + "cov: operand 0 is i32, not one of f64 f32 f16 bf16; convert() makes it one (i32[2, 4])");
    EXPECT_EQ(refusal([&] { diff(x, {.axis = 2}); }), here() + "diff: axis 2 is out of range for rank 2 (f32[2, 4])");
    EXPECT_EQ(refusal([&] { kthvalue(x, 5); }),
              here() + "kthvalue: k is 5, not one of the elements along axis 1, from 1 on (f32[2, 4])");
    EXPECT_EQ(refusal([&] { hsplit(x, 3); }), here() + "hsplit: 4 elements are no multiple of 3 (f32[2, 4])");
    EXPECT_EQ(refusal([&] { dsplit(x, 2); }), here() + "dsplit: wants 3 axes or more (f32[2, 4])");
    EXPECT_EQ(refusal([&] { roll(x, {1}, {0, 1}); }), here() + "roll: 1 shifts for 2 axes (f32[2, 4])");
    EXPECT_EQ(refusal([&] { isclose(x, i); }),
              here() + "isclose: the dtypes differ; convert() makes them the same (f32[2, 4] and i32[2, 4])");
    EXPECT_EQ(refusal([&] { max_unpool(x, i, {}); }),
              here() + "max_unpool: extents has 0 entries, not one to three (f32[2, 4] and i32[2, 4])");
    EXPECT_THROW(hsplit(Tensor(), 2), UserError);
}

}  // namespace
}  // namespace lathe
