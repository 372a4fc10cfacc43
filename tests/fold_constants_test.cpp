// What depends on constants alone is computed once, when a program is compiled.
#include "codegen/fold_constants.h"

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/program/interpret.h"
#include "ir/program/step_times.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/pipeline.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

// Weights as they come from a transposed linear layer, with the constant among the graph's nodes.
std::unique_ptr<ir::Graph> transposed_layer(const Literal& weights) {
    auto graph = ir::parse_graph(R"(graph layer(n) {
  %0 = parameter "x" : f32[n, 37]
  %1 = parameter "w" : f32[21, 37]
  %2 = transpose(%1) {permutation = [1, 0]} : f32[37, 21]
  %3 = dot_general(%0, %2) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[n, 21]
  return "y" = %3
}
)",
                                 "layer.lir");
    auto closed = std::make_unique<ir::Graph>();
    closed->symbols = graph->symbols;
    std::vector<ir::Value> values;
    for (const ir::Node& node : graph->nodes()) {
        std::vector<ir::Value> operands;
        for (const ir::Value& v : node.operands) operands.push_back(values[v.node->id]);
        if (node.id == 0)
            values.push_back(closed->add_parameter("x", node.results[0]));
        else if (node.id == 1)
            values.push_back(closed->constant(weights));
        else
            values.push_back({&closed->add(*node.op, operands, node.attributes), 0});
    }
    closed->add_output("y", values.back());
    return closed;
}

TEST(FoldConstants, transposed_weights_are_laid_out_once) {
    Random random(5);
    const Literal weights = random_literal({ir::Dtype::f32, ir::Shape{21, 37}}, random, false);
    const std::unique_ptr<ir::Graph> graph = transposed_layer(weights);
    passes::PipelineOptions without_folding;
    without_folding.off = {"simplify"};  // which could transpose the literal itself
    ir::Program program = passes::run_pipeline(*graph, without_folding).program;
    ASSERT_EQ(program.steps.size(), 2U);
    const Literal x = random_literal({ir::Dtype::f32, ir::Shape{5, 37}}, random, true);
    const std::vector<Literal> expected = ir::interpret(*graph, {&x, 1});
    EXPECT_EQ(difference(expected, ir::interpret(program, {&x, 1})), std::nullopt);

    codegen::fold_constants(program, {});
    EXPECT_EQ(ir::verify(program), std::vector<std::string>());
    EXPECT_EQ(program.steps.size(), 1U);
    EXPECT_EQ(difference(expected, ir::interpret(program, {&x, 1})), std::nullopt);

    for (const bool interpreted : {false, true}) {
        codegen::CompileOptions options;
        options.pipeline = without_folding;
        options.interpreted = interpreted;
        const auto executable = codegen::compile(*graph, options);
        EXPECT_EQ(executable->statistics.kernels, 1U);
        const std::size_t own = interpreted ? 1 : 0;  // nests are constants of the plan
        EXPECT_EQ(executable->plan.constants.size(), 1 + own) << "the weights as they are read, and nothing else";
        EXPECT_EQ(difference(expected, run_compiled(*executable, {&x, 1}, 1)), std::nullopt);
    }
}

TEST(FoldConstants, sizes_of_the_caller_are_no_constants) {
    const auto graph = ir::parse_graph(R"(graph count(n) {
  %0 = parameter "x" : f32[n]
  %1 = iota {shape = [n], axis = 0, dtype = f32} : f32[n]
  %2 = slice(%1) {start = [n - 1], size = [1], step = [1]} : f32[1]
  %3 = sum(%0) {axes = [0]} : f32[]
  %4 = mul(%2, %3) : f32[1]
  return "y" = %4
}
)",
                                       "count.lir");
    Random random(3);
    for (const std::vector<std::string>& off : {std::vector<std::string>{}, {"fuse"}}) {
        codegen::CompileOptions options;
        options.pipeline.off = off;
        const auto executable = codegen::compile(*graph, options);
        for (const std::int64_t n : {5, 9}) {
            const Literal x = random_literal({ir::Dtype::f32, ir::Shape{n}}, random, false);
            EXPECT_EQ(difference(ir::interpret(*graph, {&x, 1}), run_compiled(*executable, {&x, 1}, 1)), std::nullopt);
        }
    }
}

TEST(FoldConstants, indices_out_of_range_wait_for_the_run) {
    const auto graph = ir::parse_graph(R"(graph pick() {
  %0 = parameter "x" : f32[4]
  %1 = constant {value = i64[2] [1, 9]} : i64[2]
  %2 = constant {value = f32[4] [1, 2, 3, 4]} : f32[4]
  %3 = gather(%2, %1) {axis = 0} : f32[2]
  %4 = sum(%0) {axes = [0]} : f32[]
  %5 = mul(%3, %4) : f32[2]
  return "y" = %5
}
)",
                                       "pick.lir");
    codegen::CompileOptions options;
    options.pipeline.off = {"simplify", "fuse"};
    const auto executable = codegen::compile(*graph, options);
    Random random(1);
    const Literal x = random_literal({ir::Dtype::f32, ir::Shape{4}}, random, false);
    EXPECT_THROW(run_compiled(*executable, {&x, 1}, 1), IndexError);
}

// Steps that copy: which of them run once, which where a steady input has changed, and which in every run.
TEST(StepTimes, FollowFromWhatStepsReadAndWrite) {
    using enum ir::StepTime;
    std::string text = R"(program main() {
  @0 = input "x" : f32[2, 2]
  @1 = input "w" : f32[2, 2] steady
  @2 = constant : f32[2, 2] = f32[2, 2] 1
  @3 = output "y" : f32[2, 2]
  @4 = temporary : f32[2, 2]
  @5 = temporary : f32[2, 2]
  @6 = temporary : f32[2, 2]
  @7 = temporary : f32[2, 2] layout (1, 0)
  @8 = temporary : f32[2, 2]
  @9 = temporary : f32[2, 2]
  @10 = temporary : f32[2, 2]
  @11 = temporary : f32[2, 2]
)";
    struct Copy {
        int from, to;
        ir::StepTime time;
        const char* why;
    };
    const Copy copies[] = {
        {2, 4, once, "from a constant"},
        {4, 5, once, "from what was"},
        {1, 6, on_change, "from what is steady, for a layout"},
        {6, 7, on_change, "the layout"},
        {1, 8, every_run, "from what is steady, for nothing that is kept"},
        {0, 9, every_run, "from what the caller gives"},
        {2, 3, every_run, "to the caller"},
        {2, 10, every_run, "from a constant, to what is written again"},
        {0, 10, every_run, "from what the caller gives"},
        {10, 11, every_run, "from there"},
    };
    for (const Copy& c : copies)
        text += "\n  run (@" + std::to_string(c.from) + ", @" + std::to_string(c.to) + R"() extents () of
  copy() {
    in a: f32[4]
    out b: f32[4]
    parallel i in 4 {
      %0 = load a[%i]
      store b[%i], %0
    }
  }
)";
    const ir::Program program = ir::parse_program(text + "\n  return \"y\" = @3\n}\n", "times.lir");
    EXPECT_EQ(ir::verify(program), std::vector<std::string>());
    const std::vector<ir::StepTime> times = ir::step_times(program);
    ASSERT_EQ(times.size(), std::size(copies));
    for (std::size_t s = 0; s < times.size(); ++s) EXPECT_EQ(times[s], copies[s].time) << copies[s].why;
}

}  // namespace
}  // namespace lathe::testing_support
