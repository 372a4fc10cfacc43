// Values that derivatives compute again instead of keeping them, and rules of users for derivatives.
#include <cmath>

#include <gtest/gtest.h>

#include "inspect.h"
#include "lathe.h"

namespace lathe {
namespace {

Tensor block(const Tensor& x, const Tensor& w) { return tanh(matmul(sigmoid(matmul(x, w)), w.t()) + x); }

Tensor chain(const Tensor& x, const Tensor& w, bool again) {
    Tensor h = x;
    for (int i = 0; i < 8; ++i) h = again ? checkpoint([&](const Tensor& v) { return block(v, w); }, h) : block(h, w);
    return sum(h * h);
}

void expect_near(const Tensor& actual, const Tensor& expected) {
    const std::vector<float> a = actual.to_vector<float>(), b = expected.to_vector<float>();
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4 * (1 + std::abs(b[i]))) << i;
}

TEST(Checkpoint, ChangesNoDerivative) {
    const Tensor x = random_normal(1, {5, 7}), w = random_normal(2, {7, 4});
    const auto by_x = [&](bool again) {
        return [again](const Tensor& a, const Tensor& b) {
            return grad([&](const Tensor& v) { return chain(v, b, again); })(a);
        };
    };
    EXPECT_EQ(by_x(true)(x, w).to_array(), by_x(false)(x, w).to_array());
    EXPECT_EQ(jit(by_x(true))(x, w).to_array(), by_x(false)(x, w).to_array());
    // What a block uses several times gets the sum over the block: the same addends in another order.
    const auto by_w = [&](bool again) {
        return [&, again](const Tensor& v) { return grad([&](const Tensor& u) { return chain(x, u, again); })(v); };
    };
    expect_near(by_w(true)(w), by_w(false)(w));
    // A derivative of a derivative, a tangent, and a batch.
    const auto second = [&](bool again) { return grad([&](const Tensor& v) { return sum(by_x(again)(v, w)); })(x); };
    expect_near(second(true), second(false));
    const auto forward = [&](bool again) {
        return jvp([&](const Tensor& v) { return chain(x, v, again); }, w, ones_like(w)).second;
    };
    EXPECT_EQ(forward(true).to_array(), forward(false).to_array());
    const Tensor batch = random_normal(3, {3, 5, 7});
    const auto mapped = [&](bool again) { return vmap([&](const Tensor& v) { return chain(v, w, again); })(batch); };
    EXPECT_EQ(mapped(true).to_array(), mapped(false).to_array());
}

// What the derivative of a chain needs beside its inputs and results.
std::int64_t temporary_bytes(bool again) {
    const Model model = trace(
        [&](const Tensor& x, const Tensor& w) { return grad([&](const Tensor& v) { return chain(x, v, again); })(w); },
        {{"x", Dtype::f32, {512, 64}}, {"w", Dtype::f32, {64, 256}}});
    return static_cast<std::int64_t>(inspect(model).statistics().sized.value().workspace_bytes);
}

TEST(Checkpoint, SavesMemory) {
    const std::int64_t kept = temporary_bytes(false), again = temporary_bytes(true);
    RecordProperty("kept", std::to_string(kept));
    RecordProperty("again", std::to_string(again));
    EXPECT_LT(again, kept * 2 / 3);
}

// ---- rules of users

TEST(CustomGradient, IsTheRule) {
    // The logarithm of 1 + e^x, whose derivative must not be infinity over infinity.
    const auto softplus =
        custom_gradient([](const Tensor& x) { return log(1.0 + exp(x)); },
                        [](const Tensor& x, const Tensor&, const Tensor& c) { return c * sigmoid(x); });
    const Tensor x = Tensor::from({-200.F, 0.F, 100.F}, {3});
    const auto f = [&](const Tensor& v) { return sum(softplus(v)); };
    EXPECT_EQ(grad(f)(x).to_vector<float>(), sigmoid(x).to_vector<float>());
    EXPECT_EQ(jit([&](const Tensor& v) { return grad(f)(v); })(x).to_vector<float>(), sigmoid(x).to_vector<float>());
    EXPECT_EQ(softplus(x).to_array(), log(1.0 + exp(x)).to_array());
    EXPECT_EQ(vmap(grad([&](const Tensor& v) { return softplus(v); }))(x).to_vector<float>(),
              sigmoid(x).to_vector<float>());
    // The rule is differentiated again.
    const Tensor s = sigmoid(x);
    const Tensor second = grad([&](const Tensor& v) { return sum(grad(f)(v)); })(x);
    EXPECT_EQ(second.to_vector<float>(), (s * (1.0 - s)).to_vector<float>());
}

TEST(CustomGradient, TakesTreesAndTensorsFromOutside) {
    using Pair = std::pair<Tensor, Tensor>;
    const Tensor scale = Tensor::from({3.F});
    const auto f = custom_gradient(
        [&](const Pair& p) { return Pair(p.first * scale, argmax(p.second)); },
        [&](const Pair& x, const Pair&, const Pair& c) { return Pair(c.first * 10.0, x.second * 0.5); });
    const Pair x(Tensor::from({1.F, 2.F}), Tensor::from({5.F, 9.F}));
    const Pair y = f(x);
    EXPECT_EQ(y.first.to_vector<float>(), (std::vector<float>{3, 6}));
    EXPECT_EQ(y.second.item<std::int64_t>(), 1);
    const Pair g = grad([&](const Pair& p) { return sum(f(p).first); })(x);
    EXPECT_EQ(g.first.to_vector<float>(), (std::vector<float>{10, 10}));
    EXPECT_EQ(g.second.to_vector<float>(), (std::vector<float>{2.5F, 4.5F}));
}

TEST(CustomGradient, HasTheTangentThatItsRuleIsTheTransposeOf) {
    const auto f = custom_gradient([](const Tensor& x) { return x * 2.0; },
                                   [](const Tensor& x, const Tensor&, const Tensor& c) { return c * x * 5.0; });
    const Tensor x = Tensor::from({1.F, 3.F}), t = Tensor::from({10.F, 100.F});
    const auto [y, tangent] = jvp(f, x, t);
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{2, 6}));
    EXPECT_EQ(tangent.to_vector<float>(), (std::vector<float>{50, 1500}));
}

TEST(CustomGradient, IsRefusedByForwardModeWhereItsRuleIsNotLinear) {
    const auto f = custom_gradient([](const Tensor& x) { return x * 2.0; },
                                   [](const Tensor&, const Tensor&, const Tensor& c) { return c * c; });
    const Tensor x = Tensor::from({1.F, 3.F});
    EXPECT_EQ(grad([&](const Tensor& v) { return sum(f(v)); })(x).to_vector<float>(), (std::vector<float>{1, 1}));
    try {
        jvp(f, x, x);
        FAIL() << "a rule that is not linear has a tangent";
    } catch (const UserError& e) {
        EXPECT_NE(std::string(e.what()).find("is not linear in the cotangents"), std::string::npos) << e.what();
    }
}

}  // namespace
}  // namespace lathe
