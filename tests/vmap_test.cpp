// vmap: functions of one value as functions of many, as users call it.
#include <gtest/gtest.h>

#include "lathe.h"

namespace lathe {
namespace {

// Row i of axis 0.
Tensor row(const Tensor& x, std::int64_t i) { return x[{i}]; }

template <class F>
Array loop(const F& f, const Tensor& xs) {
    std::vector<Tensor> ys;
    for (std::int64_t i = 0; i < xs.extent(0); ++i) {
        const Tensor y = f(row(xs, i));
        std::vector<std::int64_t> shape = y.shape();
        shape.insert(shape.begin(), 1);
        ys.push_back(reshape(y, shape));
    }
    return concat(ys, 0).to_array();
}

template <class F>
std::string refusal(const F& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

TEST(Vmap, IsALoop) {
    const Tensor xs = random_normal(1, {5, 3, 4}), w = random_normal(2, {4, 6}), scale = random_normal(3, {3, 4});
    const auto one = [&](const Tensor& x) { return softmax(matmul(x * scale, w), -1); };
    EXPECT_EQ(vmap(one)(xs).to_array(), loop(one, xs));
    EXPECT_EQ(jit(vmap(one))(xs).to_array(), loop(one, xs));
    EXPECT_EQ(jit([&](const Tensor& all) { return vmap(one)(all); })(xs).to_array(), loop(one, xs));
    // What does not depend on the argument is the same for all.
    EXPECT_EQ(vmap([&](const Tensor&) { return scale; })(xs).to_array(), broadcast_to(scale, {5, 3, 4}).to_array());
    EXPECT_EQ(vmap([](const Tensor& x) { return sum(x); })(zeros({0, 3})).shape(), (std::vector<std::int64_t>{0}));
}

TEST(Vmap, TakesAndGivesAnyAxis) {
    const Tensor xs = random_normal(4, {3, 5}), y = random_normal(5, {3});
    const auto f = [](const Tensor& a, const Tensor& b) { return std::pair(a * b, sum(a)); };
    const auto [products, sums] = vmap(f, {1, std::nullopt}, -1)(xs, y);
    EXPECT_EQ(products.to_array(), (xs * reshape(y, {3, 1})).to_array());
    for (std::int64_t i = 0; i < 5; ++i)
        EXPECT_EQ(row(sums, i).to_array(), sum(row(transpose(xs, {1, 0}), i)).to_array());
    EXPECT_EQ(vmap(f, {-1, std::nullopt}, -1)(xs, y).first.to_array(), products.to_array());
}

TEST(Vmap, Nests) {
    const Tensor xs = random_normal(6, {4, 7}), ys = random_normal(7, {5, 7});
    const auto distance = [](const Tensor& x, const Tensor& y) { return sum(abs(x - y)); };
    const Tensor all =
        vmap([&](const Tensor& x) { return vmap([&](const Tensor& y) { return distance(x, y); })(ys); })(xs);
    ASSERT_EQ(all.shape(), (std::vector<std::int64_t>{4, 5}));
    for (std::int64_t i = 0; i < 4; ++i)
        for (std::int64_t j = 0; j < 5; ++j)
            EXPECT_EQ(all[{i}][{j}].to_array(), distance(row(xs, i), row(ys, j)).to_array());
}

TEST(Vmap, GoesWithDerivatives) {
    const Tensor xs = random_normal(8, {6, 8}), w = random_normal(9, {8});
    const auto loss = [](const Tensor& v, const Tensor& x) { return sum(tanh(v * x) * x); };
    // A gradient for each sample.
    const Tensor each = vmap(grad(loss), {std::nullopt, 0})(w, xs);
    EXPECT_EQ(each.to_array(), loop([&](const Tensor& x) { return grad(loss)(w, x); }, xs));
    // The gradient of the total.
    const Tensor total = grad([&](const Tensor& v) { return sum(vmap(loss, {std::nullopt, 0})(v, xs)); })(w);
    const Tensor difference = max(abs(total - sum(each, 0)));
    EXPECT_LT(difference.item<float>(), 1e-5F);
}

TEST(Vmap, BranchesAndLoopsMayDiffer) {
    const Tensor xs = Tensor::from({-2.0F, 0.5F, 3.0F, 40.0F});
    const auto branch = [](const Tensor& x) {
        return cond(x > 0.0, [](const Tensor& v) { return sqrt(v); }, [](const Tensor& v) { return v * v; }, x);
    };
    EXPECT_EQ(vmap(branch)(xs).to_array(), loop(branch, xs));
    const auto halve = [](const Tensor& x) {
        return while_loop([](const std::pair<Tensor, Tensor>& s) { return s.first > 1.0; },
                          [](const std::pair<Tensor, Tensor>& s) { return std::pair(s.first * 0.5, s.second + 1.0); },
                          std::pair(x, zeros({})))
            .second;
    };
    EXPECT_EQ(vmap(halve)(xs).to_array(), loop(halve, xs));
    EXPECT_EQ(vmap(halve)(xs).to_vector<float>(), (std::vector<float>{0, 0, 2, 6}));
    // A loop that runs alike for all, and keeps what is alike as it is.
    const auto power = [](const Tensor& x) {
        return while_loop(
                   [](const std::pair<Tensor, Tensor>& s) { return s.second < 3.0; },
                   [](const std::pair<Tensor, Tensor>& s) { return std::pair(s.first * s.first, s.second + 1.0); },
                   std::pair(x, zeros({})))
            .first;
    };
    EXPECT_EQ(vmap(power)(xs).to_array(), loop(power, xs));
}

TEST(Vmap, GoesThroughScans) {
    const Tensor xs = random_normal(10, {3, 10, 4}), u = random_normal(11, {4});
    const auto run = [&](const Tensor& sequence) {
        const auto step = [&](const Tensor& h, const Tensor& x) {
            const Tensor next = tanh(h * u + x);
            return std::pair(next, next * x);
        };
        return scan(step, zeros({4}), sequence);
    };
    const auto [last, all] = vmap(run)(xs);
    EXPECT_EQ(last.to_array(), loop([&](const Tensor& x) { return run(x).first; }, xs));
    EXPECT_EQ(all.to_array(), loop([&](const Tensor& x) { return run(x).second; }, xs));
    // A sequence that is the same for all, with a start for each.
    const auto from = [&](const Tensor& h) {
        return scan([](const Tensor& s, const Tensor& x) { return std::pair(s + x, s * x); }, h, row(xs, 0)).second;
    };
    EXPECT_EQ(vmap(from)(row(xs, 1)).to_array(), loop(from, row(xs, 1)));
}

TEST(Vmap, RefusesWhatItCannotMap) {
    const Tensor x = ones({3, 2}), y = ones({4, 2});
    const auto add = [](const Tensor& a, const Tensor& b) { return a + b; };
    EXPECT_NE(refusal([&] { vmap(add)(x, y); }).find("differ in the extent of their mapped axes: 4 is not 3"),
              std::string::npos);
    EXPECT_NE(refusal([&] { vmap(add, {std::nullopt, std::nullopt})(x, y); }).find("no argument has an axis"),
              std::string::npos);
    EXPECT_NE(refusal([&] { vmap(add, {0})(x, y); }).find("another number of arguments than 2"), std::string::npos);
    EXPECT_NE(refusal([&] { vmap(add, {2, std::nullopt})(x, x); }).find("no axis 2 of an argument of rank 2"),
              std::string::npos);
    EXPECT_NE(
        refusal([&] { vmap([](const Tensor& a) { return sum(a); }, 0, 1)(x); }).find("no axis 1 of a result of rank 1"),
        std::string::npos);
    const std::string asked = refusal([&] { vmap([](const Tensor& a) { return a * sum(a).item<float>(); })(x); });
    EXPECT_NE(asked.find("inside of a loop, a branch or vmap"), std::string::npos) << asked;
    const Tensor cell = variable(ones({2}));
    const auto sets = [&](const Tensor& a) {
        cell.set(a);
        return a;
    };
    EXPECT_NE(refusal([&] { vmap(sets)(x); }).find("vmap no variable can be set"), std::string::npos)
        << refusal([&] { vmap(sets)(x); });
}

TEST(Vmap, BlamesTheLineOfTheFunction) {
    const auto wrong = [](const Tensor& a) {
        return matmul(a, a);  // [2, 3] and [2, 3]
    };
    const std::string why = refusal([&] { vmap(wrong)(ones({5, 2, 3})); });
    EXPECT_NE(why.find("vmap_test.cpp:" + std::to_string(__LINE__ - 3)), std::string::npos) << why;
}

}  // namespace
}  // namespace lathe
