// Reducers that see attributes, accumulate in a dtype of their own, and merge otherwise than they step: a row of this
// test's, from the graph to compiled kernels.
#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/functions/basic.h"
#include "ir/graph/interpret.h"
#include "ir/loops/order.h"
#include "ir/ops/reductions.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "passes/pipeline.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using namespace ir;  // NOLINT(google-build-using-namespace): rows are written in its words

constexpr NumberAttribute<1> factor{"factor", "of each element"};
constexpr FlagAttribute<2> squares{"squares", "whether elements are squared first", 0, Presence::optional};
constexpr AttributeDef attributes[] = {ops::reduction_axes, factor, squares};
// In f64, whatever comes: partial sums are not sums of elements.
constexpr OpDef scaled_sum = {
    .name = "scaled_sum",
    .doc = "The sum of factor * x, or of factor * x * x.",
    .arity = 1,
    .lowering = Lowering::reduction,
    .dtypes = floats,
    .attributes = attributes,
    .type = ops::reduction_type,
    .reducer = {
        .accumulator = [](Dtype) { return Dtype::f64; },
        .init = [](const FoldContext& c) -> Scalars { return {c.b.constant(c.accumulator, 0.0)}; },
        .step = [](const FoldContext& c, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar) -> Scalars {
            const Scalar scale = c.b.constant(c.accumulator, static_cast<double>(factor(c.attributes)));
            return {acc[0] + scale * (squares(c.attributes) ? x[0] * x[0] : x[0])};
        },
        .combine = [](const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) -> Scalars {
            return {earlier[0] + later[0]};
        },
        .finish = [](const FoldContext& c, std::span<const Scalar> acc) -> Scalars {
            return {c.b.convert(acc[0], c.element)};
        },
    },
    .axes = ops::reduced_axes,
    .gradient = no_grad("only this test has it"),
};

std::unique_ptr<Graph> graph_of(const Type& type, const Integers& axes, std::int64_t of_factor, bool of_squares) {
    auto graph = std::make_unique<Graph>();
    const Value x = graph->add_parameter("x", type);
    graph->add_output("y", {&graph->add(scaled_sum, {{x}}, {axes, of_factor, of_squares}), 0});
    return graph;
}

TEST(Reducer, SeesAttributesEverywhere) {
    Random random(3);
    const std::pair<Shape, Integers> folds[] = {{{7, 300}, {1}}, {{300, 7}, {0}},       {{5, 3, 70}, {0, 2}},
                                                {{9000}, {0}},   {{600, 4, 9}, {0, 2}}, {{0, 3}, {0}}};
    for (const Dtype d : {Dtype::f32, Dtype::bf16})
        for (const auto& [shape, axes] : folds)
            for (const auto& [of_factor, of_squares] :
                 std::vector<std::pair<int, bool>>{{1, false}, {3, false}, {3, true}}) {
                const auto graph = graph_of({d, shape}, axes, of_factor, of_squares);
                const std::vector<Literal> inputs{random_literal({d, shape}, random, false)};
                const std::vector<Literal> expected = interpret(*graph, inputs);
                const Program program = passes::run_pipeline(*graph).program;
                const std::string text = print(program);
                EXPECT_NE(text.find("scaled_sum {factor = " + std::to_string(of_factor) +
                                    ", squares = " + (of_squares ? "true" : "false") + "} of " + std::string(name(d))),
                          std::string::npos)
                    << text;
                EXPECT_EQ(difference(expected, interpret(program, inputs)), std::nullopt) << text;
                for (const std::string& target : targets_here()) {
                    codegen::CompileOptions options;
                    options.target = codegen::target_named(target);
                    const auto executable = codegen::compile(*graph, options);
                    EXPECT_EQ(difference(expected, run_compiled(*executable, inputs, 2)), std::nullopt) << text;
                }
            }
}

TEST(Reducer, AccumulatesInTheDtypeOfTheRow) {
    EXPECT_EQ(lane_dtype(scaled_sum, Dtype::bf16), Dtype::f64);
    // 2^30 + 1 - 2^30, lost in f32.
    const float elements[] = {0x1p30F, 1.0F, -0x1p30F};
    const Literal x = make_literal({Dtype::f32, {3}}, std::as_bytes(std::span(elements)));
    const auto graph = graph_of(x.type, {0}, 2, false);
    EXPECT_EQ(difference(interpret(*graph, std::vector{x})[0], splat_literal(Dtype::f32, {}, 2.0)), std::nullopt);
}

}  // namespace
}  // namespace lathe::testing_support
