// What inspect() tells of models, compiled functions and pending tensors.
#include "inspect.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "lathe.h"

namespace lathe {
namespace {

Tensor ones(std::vector<std::int64_t> shape) { return full(shape, 1.0); }

Model sample_model() {
    const Tensor w = variable(ones({64, 10}));
    return trace([&](const Tensor& x) { return softmax(matmul(x, w), -1); }, {{"x", Dtype::f32, {"batch", 64}}});
}

TEST(Inspect, EveryStageOfAModelHasItsText) {
    const Inspection seen = inspect(sample_model());
    for (const Stage stage : all_stages()) EXPECT_FALSE(seen.text(stage).empty()) << name(stage);
    const std::string written = seen.text(Stage::graph);
    EXPECT_NE(written.find("parameter \"x\" : f32[batch, 64]"), std::string::npos) << written;
    EXPECT_EQ(ir::print(*ir::parse_graph(written, "m.lir")), written);
    for (const Stage stage : {Stage::fused, Stage::program}) {
        const std::string whole = seen.text(stage, {.whole = true});
        const ir::Program program = ir::parse_program(whole, "m.lir");
        EXPECT_EQ(ir::verify(program), std::vector<std::string>());
        EXPECT_EQ(whole.rfind(ir::print(program), 0), 0U) << name(stage);  // behind it are the remarks
    }
    EXPECT_NE(seen.text(Stage::llvm, {.target = "avx2"}).find("define"), std::string::npos);
    EXPECT_NE(seen.text(Stage::fused, {.off = {"fuse"}}), seen.text(Stage::fused));
}

TEST(Inspect, FiguresOfAModel) {
    const Model model = sample_model();
    EXPECT_EQ(inspect(model).statistics().runs, 0U);
    model(ones({3, 64}));
    const Statistics figures = inspect(model).statistics();
    EXPECT_EQ(figures.runs, 1U);
    EXPECT_GT(figures.kernels, 0U);
    EXPECT_GT(figures.operations, figures.kernels);
    EXPECT_EQ(figures.calls, 0U);
    EXPECT_GE(figures.constant_bytes, 64U * 10 * 4);
    EXPECT_FALSE(figures.sized);  // of any batch
    EXPECT_NE(figures.to_string().find("kernels " + std::to_string(figures.kernels) + "\n"), std::string::npos);
}

TEST(Inspect, TheNewestProgramOfACompiledFunction) {
    const auto f = jit([](const Tensor& x) { return sum(exp(x) * 2.0, -1); });
    EXPECT_THROW(inspect(f), UserError);
    f(ones({5, 7}));
    const Inspection seen = inspect(f);
    EXPECT_EQ(seen.statistics().traces, 1U);
    EXPECT_EQ(seen.statistics().kernels, 1U);
    EXPECT_EQ(seen.statistics().operations, 3U);
    ASSERT_TRUE(seen.statistics().sized);
    EXPECT_EQ(seen.statistics().sized->output_bytes, 5U * 4);
    EXPECT_GE(seen.statistics().sized->input_bytes, 5U * 7 * 4);
    EXPECT_GE(seen.statistics().sized->iterations, 1);
    EXPECT_EQ(seen.statistics().sized->intermediate_bytes, 0U) << "one kernel";
    EXPECT_NE(seen.text(Stage::fused).find("exp("), std::string::npos);
    f(ones({5, 7, 3}));
    EXPECT_EQ(inspect(f).statistics().traces, 2U);
    EXPECT_NE(inspect(f).text(Stage::graph), seen.text(Stage::graph));
}

TEST(Inspect, RemarksNameBothLines) {
    const auto f = jit([](const Tensor& x) { return matmul(exp(x), x); });
    f(ones({8, 8}));
    ASSERT_FALSE(inspect(f).remarks().empty());
    const Remark& first = inspect(f).remarks()[0];
    EXPECT_FALSE(first.reason.empty());
    EXPECT_NE(first.producer_loc.to_string().find("inspect_test.cpp"), std::string::npos) << first.to_string();
    EXPECT_NE(first.consumer_loc.to_string().find("inspect_test.cpp"), std::string::npos) << first.to_string();
}

TEST(Inspect, WhatIsPending) {
    const Tensor x = ones({4, 6});
    eval({&x, 1});
    const Tensor y = cumsum(exp(x), 1) + 1.0;
    const Inspection seen = inspect(y);
    EXPECT_EQ(seen.statistics().calls, 1U);
    EXPECT_EQ(seen.statistics().kernels, 2U);
    ASSERT_TRUE(seen.statistics().sized);
    EXPECT_EQ(seen.statistics().sized->output_bytes, 4U * 6 * 4);
    EXPECT_NE(seen.text(Stage::graph).find("cumsum"), std::string::npos);
    EXPECT_FLOAT_EQ(y.to_vector<float>()[5], 6 * std::exp(1.0F) + 1);  // asking has not changed it
    EXPECT_EQ(inspect(y).statistics().operations, 0U);
    jit([](const Tensor& t) {
        EXPECT_THROW(inspect(t * 2.0), UserError);
        return t;
    })(x);
}

}  // namespace
}  // namespace lathe
