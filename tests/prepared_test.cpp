// Weights that a compiled function keeps in panels follow their variables.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "inspect.h"
#include "lathe.h"

namespace lathe::testing_support {
namespace {

Tensor rows(std::int64_t count, std::int64_t depth) {
    return reshape(tanh(arange(count * depth, Dtype::f32) * 0.01f - 1.0f), {count, depth}).eval();
}

std::vector<std::byte> bytes_of_result(const Tensor& x) { return x.to_array().bytes; }

struct Layer {
    Tensor weights, bias;
    Layer(std::int64_t in, std::int64_t out)
        : weights(variable(rows(in, out), "weights")), bias(variable(rows(1, out), "bias")) {}
    Tensor operator()(const Tensor& x) const { return relu(matmul(x, weights) + bias); }
};

TEST(Prepared, FollowsItsVariables) {
    Layer first(40, 33), second(33, 10);
    const auto network = [&](const Tensor& x) { return second(first(x)); };
    const auto f = jit(network);
    const auto expect_same = [&](const char* when) {
        for (const std::int64_t batch : {7, 1, 2}) {
            const Tensor x = rows(batch, 40);
            EXPECT_EQ(bytes_of_result(f(x)), bytes_of_result(network(x))) << when << ", batch " << batch;
        }
    };
    f(rows(7, 40));
    EXPECT_EQ(inspect(f).statistics().kernels, 2U) << "what lays out the weights runs elsewhere";
    expect_same("at first");
    first.weights.set(first.weights * 2.0f);
    expect_same("set");
    const Tensor old = first.weights.eval();  // somebody holds the memory
    second.weights -= 0.5f;
    first.weights.set(old + 1.0f);
    expect_same("set twice");

    optim::Sgd optimizer({first.weights, first.bias, second.weights, second.bias}, {.learning_rate = 0.01});
    const auto step = jit([&](const Tensor& x) {
        const Tensor loss = mean(network(x));
        loss.backward();
        optimizer.step();
        return loss;
    });
    for (int i = 0; i < 4; ++i) {  // a program that overwrites their memory
        step(rows(8, 40));
        expect_same("trained");
    }
}

TEST(Prepared, KeepsWhatTensorsWere) {
    Tensor weights = rows(20, 18);
    const auto f = jit([&](const Tensor& x) { return matmul(x, weights); });
    const Tensor x = rows(6, 20), expected = matmul(x, weights).eval();
    EXPECT_EQ(bytes_of_result(f(x)), bytes_of_result(expected));
    weights = rows(20, 18) * 3.0f;
    EXPECT_EQ(bytes_of_result(f(x)), bytes_of_result(expected))
        << "a captured tensor is what it was when it was traced";
}

// Each call sees one value of the variable, as somebody has set it.
TEST(Prepared, IsSharedByThreads) {
    const Tensor weights = variable(full({16, 16}, 1.0f), "weights");
    const auto f = jit([&](const Tensor& x) { return matmul(x, weights); });
    const Tensor x = full({3, 16}, 1.0f);
    f(x);
    std::atomic<bool> ends = false;
    std::vector<std::thread> readers;
    std::atomic<int> torn = 0;
    for (int t = 0; t < 2; ++t)
        readers.emplace_back([&] {
            while (!ends) {
                const std::vector<float> y = f(x).to_vector<float>();
                for (const float v : y) torn += v != y[0];
            }
        });
    for (int i = 2; i < 200; ++i) {
        Tensor handle = weights;
        handle.set(full({16, 16}, static_cast<float>(i)));
        EXPECT_EQ(f(x).to_vector<float>()[0], 16.0f * static_cast<float>(i));
    }
    ends = true;
    for (std::thread& t : readers) t.join();
    EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace lathe::testing_support
