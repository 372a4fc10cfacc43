// Kernels without machine code: the same bits and errors, slowly, where the system refuses executable memory.
#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "inspect.h"
#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

using testing_support::Outcome;

// The weights after two steps: products, rows, gathers and updates of variables.
std::vector<Array> train(bool interpreted, int threads) {
    const runtime::ThreadLimit limit(threads);
    nn::Generator random(3);
    const nn::Sequential network(nn::Linear(6, 20, random), nn::GELU(), nn::Linear(20, 5, random));
    const Tensor table = variable(random_uniform(5, {7, 6}, -1, 1), "table");
    std::vector<Tensor> parameters = network.parameters();
    parameters.push_back(table);
    optim::Adam optimizer(parameters, {.learning_rate = 1e-2});
    const auto step = jit(
        [&](const Tensor& i, const Tensor& y) {
            Tensor loss = cross_entropy(network(gather(table, i, 0)), y);
            loss.backward();
            optimizer.step();
            return loss;
        },
        {.compile = {.interpreted = interpreted}});
    const Tensor rows = Tensor::from({0, 6, 3, 3, 5, 2, 1, 0, 4}), labels = Tensor::from({0, 4, 2, 2, 1, 3, 0, 4, 1});
    for (int i = 0; i < 2; ++i) step(rows, labels);
    EXPECT_EQ(inspect(step).statistics().interpreted, interpreted);
    std::vector<Array> weights;
    for (const Tensor& p : parameters) weights.push_back(p.to_array());
    return weights;
}

TEST(Interpreted, TrainingGivesTheBitsOfCompiledCode) {
    const std::vector<Array> expected = train(false, 1);
    for (const int threads : {1, 4}) EXPECT_EQ(train(true, threads), expected) << threads;
}

// Here the thread sanitizer sees what several threads do in one kernel, as it cannot in machine code.
TEST(Interpreted, ParallelLoopsGiveTheSameBits) {
    const auto body = [](const Tensor& x, const Tensor& y) {
        return std::vector<Tensor>{softmax(x * y + 1.0, -1), sum(x - y, {0}), matmul(x, y.t())};
    };
    const Tensor x = random_uniform(1, {48, 700}), y = random_uniform(2, {48, 700});
    const std::vector<Tensor> expected = jit(body)(x, y);
    for (const int threads : {1, 4}) {
        const runtime::ThreadLimit limit(threads);
        const std::vector<Tensor> got = jit(body, {.compile = {.interpreted = true}})(x, y);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].to_array(), expected[i].to_array());
    }
}

TEST(Interpreted, CompilesNothing) {
    const auto f = jit([](const Tensor& x) { return erf(x) * 0.123 + exp(x); }, {.compile = {.interpreted = true}});
    const std::uint64_t compiled = codegen::KernelCache::shared().compiled();
    f(Tensor::from({1.0F, 2.0F}));
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
    EXPECT_EQ(inspect(f).statistics().kernels, 1U);
}

TEST(Interpreted, AnIndexOutOfRangeNamesTheLineAndLeavesVariables) {
    const Tensor w = variable(Tensor::from({1.0F, 2.0F, 3.0F}));
    const std::uint32_t line = std::source_location::current().line() + 3;
    const auto f = jit(
        [&](const Tensor& i) {
            const Tensor taken = gather(w, i, 0);
            w.set(w + 1.0);
            return taken;
        },
        {.compile = {.interpreted = true}});
    EXPECT_EQ(f(Tensor::from({2, 0})).to_vector<float>(), (std::vector<float>{3, 1}));
    try {
        f(Tensor::from({0, 3}));
        FAIL() << "nothing was thrown";
    } catch (const IndexError& e) {
        const std::string message = e.what();
        EXPECT_NE(message.find("interpreted_test.cpp:" + std::to_string(line)), std::string::npos) << message;
        EXPECT_NE(message.find("gather: index 3 at position 1 is out of range for 3"), std::string::npos) << message;
    }
    EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{2, 3, 4}));
}

// A processor that is not this one.
TEST(Interpreted, AnotherTargetIsRefusedUnlessInterpreted) {
    codegen::Target elsewhere = codegen::host_target();
    elsewhere.runs_here = false;
    const Model model = trace([](const Tensor& x) { return x * 2.0; }, {{"x", Dtype::f32, {2}}});
    EXPECT_THROW(codegen::compile(model.graph(), {.target = elsewhere}), UserError);
    EXPECT_TRUE(codegen::compile(model.graph(), {.target = elsewhere, .interpreted = true})->interpreted);
    const CompiledModel slow = model.compile({.interpreted = true});
    const Tensor x = Tensor::from({1.0F, 2.0F});
    EXPECT_EQ(slow(std::span(&x, 1))[0].to_vector<float>(), (std::vector<float>{2, 4}));
}

class WithoutExecutableMemory : public testing_support::InFolder {
protected:
    Outcome lathe(const std::string& arguments, bool refused) const {
        const std::string refuse = refused ? "'" LATHE_BINARY_DIR "/tests/without_executable_memory' " : "";
        return run_here(refuse + "'" LATHE_BINARY_DIR "/lathe' " + arguments);
    }
};

TEST_F(WithoutExecutableMemory, TheCommandInterpretsAndSaysSo) {
    if (lathe("--version", true).status == 77) GTEST_SKIP() << "this system cannot refuse executable memory";
    nn::Generator random(1);
    const nn::Sequential network(nn::Linear(4, 9, random), nn::ReLU(), nn::Linear(9, 3, random));
    trace([&](const Tensor& x) { return softmax(network(x), -1); }, {{"x", Dtype::f32, {"batch", 4}}},
          {.name = "m", .weights = network.named_parameters()})
        .save((folder_ / "m.lathe").string());
    write("x.csv", "1,2,3,4\n-1,0.5,0,2\n");
    ASSERT_EQ(lathe("run m.lathe --input x=x.csv --output compiled", false), (Outcome{0, ""}));
    EXPECT_EQ(lathe("run m.lathe --input x=x.csv --output interpreted", true),
              (Outcome{0,
                       "lathe: the system refuses executable memory: Permission denied; the kernels are "
                       "interpreted, which is slow\n"}));
    EXPECT_EQ(read_npy((folder_ / "interpreted/result.npy").string()),
              read_npy((folder_ / "compiled/result.npy").string()));
    ASSERT_EQ(lathe("compile m.lathe -o there.o", false), (Outcome{0, ""}));
    ASSERT_EQ(lathe("compile m.lathe -o here.o", true), (Outcome{0, ""}));
    EXPECT_EQ(run_here("cmp there.o here.o"), (Outcome{0, ""}));
}

}  // namespace
}  // namespace lathe
