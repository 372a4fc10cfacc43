// Long reductions to one value, which run as two kernels: the interpreter's bits, for every reducer of the op table, on
// any number of threads, compiled in the process and ahead of time.
#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/op.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "passes/pipeline.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::Type;

constexpr std::int64_t extent = passes::LoopTarget{}.staged_elements + 4097;  // blocks, and a part of one

std::unique_ptr<ir::Graph> reduce_all(const ir::OpDef& op, Dtype d, bool flags) {
    auto graph = std::make_unique<ir::Graph>();
    const ir::Value x = graph->add_parameter("x", {d, ir::Shape{extent}});
    ir::Attributes attributes;
    for (const ir::AttributeDef& def : op.attributes)
        attributes.push_back(def.kind() == ir::AttributeKind::boolean ? flags : default_of(def.meaning, 1));
    graph->add_output("y", {&graph->add(op, {{x}}, attributes), 0});
    return graph;
}

TEST(Stage, EveryReducerGivesTheBitsOfTheInterpreter) {
    std::size_t cases = 0;
    for (const ir::OpDef* op : ir::op_table()) {
        if (op->lowering != ir::Lowering::reduction) continue;
        for (Dtype d : {Dtype::f32, Dtype::f16, Dtype::i64, Dtype::u8}) {
            if (!op->dtypes.contains(d)) continue;
            const std::unique_ptr<ir::Graph> graph = reduce_all(*op, d, cases % 2 == 0);
            Random random(cases++);
            const std::vector<Literal> inputs{random_literal({d, ir::Shape{extent}}, random, cases % 2 == 0)};
            const std::vector<Literal> expected = ir::interpret(*graph, inputs);
            const ir::Program program = passes::run_pipeline(*graph).program;
            EXPECT_EQ(program.steps.size(), 2U) << op->name;
            EXPECT_EQ(difference(expected, ir::interpret(program, inputs)), std::nullopt) << op->name;
            for (const std::string& target : targets_here()) {
                codegen::CompileOptions options;
                options.target = codegen::target_named(target);
                const auto executable = codegen::compile(*graph, options);
                for (int threads : {1, 2})
                    EXPECT_EQ(difference(expected, run_compiled(*executable, inputs, threads)), std::nullopt)
                        << op->name << " of " << Type{d, {}}.to_string() << " on " << threads << " threads, " << target;
            }
        }
    }
    EXPECT_GE(cases, 14U);
}

// What feeds the reduction and what follows it; its loop stores what it reads.
constexpr std::string_view fused = R"(graph main() {
  %0 = parameter "x" : f32[75, 4000]
  %1 = parameter "scale" : f32[]
  %2 = mul(%0, %1) : f32[75, 4000]
  %3 = exp(%2) : f32[75, 4000]
  %4 = sum(%3) {axes = [0, 1]} : f32[]
  %5 = log(%4) : f32[]
  %6 = add(%5, %1) : f32[]
  return "y" = %6, "e" = %3
}
)";

TEST(Stage, WhatIsFusedWithTheReductionKeepsItsBits) {
    const auto graph = ir::parse_graph(fused, "t.lir");
    Random random(1);
    const std::vector<Literal> inputs{random_literal(graph->parameters()[0].type(), random, false),
                                      random_literal(graph->parameters()[1].type(), random, false)};
    const std::vector<Literal> expected = ir::interpret(*graph, inputs);
    const auto executable = codegen::compile(*graph);
    for (int threads : {1, 2})
        EXPECT_EQ(difference(expected, run_compiled(*executable, inputs, threads)), std::nullopt);

    codegen::AotRequest request;
    request.name = "staged";
    for (const char* const target : {"avx2", "avx512"}) request.targets.push_back(codegen::target_named(target));
    const AheadLibrary library(codegen::compile_ahead(*graph, request).objects, "staged.so");
    for (bool threads : {false, true})
        EXPECT_EQ(difference(expected, library.run("staged", *graph, inputs, threads).outputs), std::nullopt);
}

}  // namespace
}  // namespace lathe::testing_support
