// What calls on the hot path allocate beside the buffers of their results, which come from a pool: nothing.
#include <atomic>
#include <cstdlib>
#include <new>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "lathe.h"
#include "runtime/parallel.h"

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment = 1) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    void* memory = nullptr;
    if (alignment <= alignof(std::max_align_t))
        memory = std::malloc(bytes);
    else
        memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace lathe {
namespace {

// Of one call, when those before it have made what is kept.
template <class Call>
double allocations_of(const Call& call) {
    constexpr int calls = 50;
    for (int i = 0; i < calls; ++i) call();
    const std::size_t before = allocations.load();
    for (int i = 0; i < calls; ++i) call();
    return static_cast<double>(allocations.load() - before) / calls;
}

TEST(Allocations, AreCounted) {
    EXPECT_GE(allocations_of([] { std::vector<int>(100).at(3) = 1; }), 1);
    EXPECT_EQ(allocations_of([] {}), 0);
}

TEST(Allocations, OfACompiledFunction) {
    const Tensor a = random_uniform(1, {10, 3}).eval(), b = random_uniform(2, {10, 3}).eval();
    const auto f = jit([&](const Tensor& x, const Tensor& y) { return sum(x * y + b); });
    EXPECT_EQ(allocations_of([&] { f(a, b); }), 0);
    // Trees as the user writes them are the user's.
    const auto pair = jit([](const std::pair<Tensor, Tensor>& x) { return std::pair(x.first + 1, x.second * 2); });
    const std::pair<Tensor, Tensor> both(a, b);
    EXPECT_EQ(allocations_of([&] { pair(both); }), 0);
    const auto list = jit([](const std::vector<Tensor>& x) { return std::vector<Tensor>{x[1], x[0] + x[1]}; });
    const std::vector<Tensor> two{a, b};
    EXPECT_EQ(allocations_of([&] { list(two); }), 1);  // the vector that is returned
}

TEST(Allocations, OfACompiledFunctionForManyShapes) {
    std::vector<Tensor> inputs;
    for (std::int64_t n = 2; n < 22; ++n) inputs.push_back(random_uniform(1, {n}).eval());
    const auto f = jit([](const Tensor& x) { return sum(x * x); });
    EXPECT_EQ(allocations_of([&] {
                  for (const Tensor& x : inputs) f(x);
              }),
              0);
}

TEST(Allocations, OfAModel) {
    const Tensor weights = random_uniform(1, {6, 4}).eval();
    const Model model = trace([&](const Tensor& x) { return tanh(matmul(x, weights)); }, {{"x", Dtype::f32, {"n", 6}}});
    const Tensor x = random_uniform(2, {5, 6}).eval();
    EXPECT_EQ(allocations_of([&] { model(x); }), 0);
    EXPECT_EQ(allocations_of([&] { model(std::span(&x, 1)); }), 1);  // the vector that is returned
}

TEST(Allocations, OfAStepOfTraining) {
    const runtime::ThreadLimit one(1);
    nn::Generator random(3);
    const nn::Sequential network(nn::Linear(8, 16, random), nn::ReLU(), nn::Linear(16, 16, random), nn::ReLU(),
                                 nn::Linear(16, 4, random));
    optim::Adam optimizer(network.parameters(), {.learning_rate = 1e-3});
    const auto step = jit([&](const Tensor& x, const Tensor& y) {
        Tensor loss = mean((network(x) - y) * (network(x) - y));
        loss.backward();
        optimizer.step();
        return loss;
    });
    const Tensor x = random_uniform(1, {12, 8}).eval(), y = random_uniform(2, {12, 4}).eval();
    EXPECT_EQ(allocations_of([&] { step(x, y); }), 0);
}

TEST(Allocations, OfAnEvaluation) {
    const Tensor a = random_uniform(1, {10}).eval(), b = random_uniform(2, {10}).eval();
    EXPECT_EQ(allocations_of([&] { (a * b + a).eval(); }), 0);
}

}  // namespace
}  // namespace lathe
