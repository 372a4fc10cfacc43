// Views of values that lie in memory take no memory of their own.
#include <random>

#include <gtest/gtest.h>

#include "lathe.h"
#include "runtime/buffer.h"

namespace lathe {
namespace {

constexpr std::int64_t rows = 300, columns = 200;

Tensor numbers() { return reshape(arange(rows * columns, Dtype::f32), {rows, columns}).eval(); }
const float* elements(const Tensor& x) { return x.eval().data<float>().data(); }

TEST(View, shares_what_lies_row_by_row) {
    const Tensor x = numbers();
    const Tensor flat = reshape(x, {-1}), below = slice(x, {100, 0}, {200, columns}), cube = unflatten(x, 0, {3, 100}),
                 last = cube[{2}], twice = transpose(transpose(x, {1, 0}), {1, 0});
    EXPECT_EQ(elements(flat), elements(x));
    EXPECT_EQ(elements(below), elements(x) + 100 * columns);
    EXPECT_EQ(elements(last), elements(x) + 200 * columns);
    EXPECT_EQ(elements(twice), elements(x));
    EXPECT_EQ(below.to_vector<float>()[7], 100 * columns + 7);
}

TEST(View, copies_what_lies_otherwise) {
    const Tensor x = numbers();
    const Tensor turned = transpose(x, {1, 0}), left = slice(x, {0, 0}, {rows, 180}), reversed = flip(x, 0),
                 wide = broadcast_to(x, {2, rows, columns});
    EXPECT_EQ(turned.to_vector<float>()[1], columns);
    EXPECT_EQ(left.to_vector<float>()[180], columns);
    EXPECT_EQ(reversed.to_vector<float>()[0], (rows - 1) * columns);
    EXPECT_EQ(wide.to_vector<float>()[rows * columns + 1], 1);
}

TEST(View, takes_no_memory_until_its_elements_are_asked_for) {
    const Tensor x = numbers();
    const Tensor turned = transpose(x, {1, 0}),
                 wide = broadcast_to(reshape(x, {1, rows, columns}), {50, rows, columns});
    (void)sum(turned).item<float>();
    const std::uint64_t before = runtime::memory_use().in_use;
    EXPECT_EQ(max(wide + 0).item<float>(), rows * columns - 1);
    EXPECT_EQ(sum(turned * 0).item<float>(), 0);
    EXPECT_LT(runtime::memory_use().in_use, before + sizeof(float) * rows * columns);
    (void)turned.eval();
    EXPECT_GE(runtime::memory_use().in_use, before + sizeof(float) * rows * columns);
}

TEST(View, of_what_nobody_holds_is_stored) {
    const Tensor turned = [] {
        const Tensor x = numbers() * 2;
        return transpose(x, {1, 0});
    }();
    (void)sum(turned).item<float>();  // stores it: else it would be computed again
    EXPECT_EQ(turned.to_vector<float>()[1], 2 * columns);
}

TEST(View, outlives_what_it_is_of) {
    Tensor x = numbers();
    const Tensor below = slice(x, {100, 0}, {200, columns}).eval();
    x = Tensor();
    for (int i = 0; i < 4; ++i) (void)(numbers() * -1).eval();
    EXPECT_EQ(below.to_vector<float>()[0], 100 * columns);
}

TEST(View, keeps_the_value_that_a_variable_had) {
    const Tensor v = variable(numbers());
    const Tensor below = slice(v, {100, 0}, {200, columns}).eval(), turned = transpose(v, {1, 0});
    (void)sum(turned).item<float>();
    const auto step = jit([&](const Tensor& x) {
        v.set(v + x);
        return sum(v);
    });
    for (int i = 0; i < 3; ++i) (void)step(full({rows, columns}, 1));
    EXPECT_EQ(below.to_vector<float>()[0], 100 * columns);
    EXPECT_EQ(turned.to_vector<float>()[1], columns);
    EXPECT_EQ(v.to_vector<float>()[0], 3);
}

TEST(View, has_derivatives) {
    const Tensor v = variable(numbers());
    const Tensor below = slice(v, {100, 0}, {200, columns});
    (void)below.eval();
    sum(below * below).backward();
    EXPECT_EQ(v.grad().to_vector<float>()[99 * columns], 0);
    EXPECT_EQ(v.grad().to_vector<float>()[100 * columns + 3], 2 * (100 * columns + 3));
}

TEST(View, chains_give_what_compiled_functions_give) {
    std::mt19937 random(1);
    const auto below = [&](std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n - 1)(random); };
    const Tensor x = numbers();
    for (int i = 0; i < 60; ++i) {
        const auto seed = static_cast<unsigned>(i);
        const auto chain = [seed](const Tensor& from) {
            std::mt19937 own(seed);
            const auto draw = [&](std::int64_t n) {
                return std::uniform_int_distribution<std::int64_t>(0, n - 1)(own);
            };
            Tensor y = from;
            for (std::int64_t steps = 1 + draw(3); steps > 0; --steps) {
                const std::vector<std::int64_t> shape = y.shape();
                const std::int64_t first = draw(2), size = shape[0] - first;
                switch (draw(5)) {
                    case 0:
                        y = transpose(y, {1, 0});
                        break;
                    case 1:
                        y = slice(y, {first, 0}, {size, shape[1]});
                        break;
                    case 2:
                        y = slice(y, {0, first}, {shape[0], shape[1] - first});
                        break;
                    case 3:
                        y = reshape(y, {shape[1], shape[0]});
                        break;
                    default:
                        y = flip(y, 0);
                }
            }
            return y;
        };
        const Tensor lazy = chain(x);
        if (below(2) == 0) (void)lazy.eval();
        EXPECT_EQ(lazy.to_vector<float>(), jit(chain)(x).to_vector<float>()) << i;
    }
}

}  // namespace
}  // namespace lathe
