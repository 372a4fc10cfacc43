// Second operands of products that lie in panels: layouts with blocks, and the tiles that read them.
#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "codegen/fold_constants.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/ops.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/pipeline.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dim;
using ir::Dtype;
using ir::Integers;
using ir::Literal;
using ir::Value;

TEST(Layout, CutsDimensionsIntoBlocks) {
    const ir::Layout layout{{2, 0, 1}, {4, 1, 16}};
    EXPECT_EQ(layout.to_string(), "(2 by 16, 0 by 4, 1)");
    EXPECT_EQ(layout.memory_shape({6, 5, 17}), (ir::Shape{2, 2, 5, 16, 4}));
    const std::vector<Dim> element{5, 3, 16};
    const std::vector<Dim> place = layout.memory_index(element);
    EXPECT_EQ(place, (std::vector<Dim>{1, 1, 3, 0, 1}));
    EXPECT_EQ(layout.value_index(place), element);
    EXPECT_TRUE(ir::Layout().is_dense());
    EXPECT_FALSE((ir::Layout{{}, {1, 2}}.is_dense()));
}

struct Product {
    std::int64_t rows, depth, columns;
    std::int64_t batch = 0;  // 0: no such dimension
    bool transposed = false;
};

// x . weights, where the weights are a constant or a steady parameter.
GraphCase product_of(const Product& p, Dtype dtype, bool is_constant) {
    Random random(static_cast<std::uint64_t>(p.rows + 7 * p.depth + 31 * p.columns));
    auto graph = std::make_shared<ir::Graph>();
    GraphCase out;
    ir::Shape shape{p.rows, p.depth};
    if (p.rows != 1) shape = {Dim::symbol(graph->add_symbol("m")), p.depth};
    ir::Shape concrete{p.rows, p.depth};
    if (p.batch != 0) {
        shape = {p.batch, shape[0], p.depth};
        concrete = {p.batch, p.rows, p.depth};
    }
    const Value x = graph->add_parameter("x", {dtype, shape});
    out.inputs.push_back(random_literal({dtype, concrete}, random, false));
    const ir::Type type{dtype, p.transposed ? ir::Shape{p.columns, p.depth} : ir::Shape{p.depth, p.columns}};
    const Literal weights = random_literal(type, random, false);
    const Value w = is_constant ? graph->constant(weights) : graph->add_parameter("w", type, {}, true);
    if (!is_constant) out.inputs.push_back(weights);
    const Value operands[] = {x, w};
    const auto last = static_cast<std::int64_t>(concrete.rank()) - 1;
    const Value y{&graph->add(ir::ops::dot_general, operands,
                              {Integers{}, Integers{}, Integers{last}, Integers{p.transposed ? 1 : 0}}),
                  0};
    graph->add_output("y", y);
    out.graph = std::move(graph);
    return out;
}

constexpr Product products[] = {
    {1, 40, 33},          {1, 300, 530},        {2, 5, 10},    {4, 1030, 70},
    {5, 17, 16},          {6, 2100, 64},        {13, 64, 130}, {37, 1, 100},
    {400, 12, 77},        {0, 8, 20},           {7, 0, 20},    {9, 33, 257},
    {7, 20, 40, 3},       {1, 20, 40, 3},       {9, 1, 1},     {30, 50, 17, 0, true},
    {3, 90, 65, 2, true}, {1, 64, 48, 0, true},
};

class ProductsOfPanels : public testing::TestWithParam<Dtype> {};

TEST_P(ProductsOfPanels, GiveTheBitsOfTheInterpreter) {
    for (const Product& p : products)
        for (const bool is_constant : {true, false}) {
            const GraphCase c = product_of(p, GetParam(), is_constant);
            const std::vector<Literal> expected = ir::interpret(*c.graph, c.inputs);
            for (const std::string& target : targets_here()) {
                codegen::CompileOptions options;
                options.target = codegen::target_named(target);
                options.prepares = true;
                const auto executable = codegen::compile(*c.graph, options);
                EXPECT_EQ(executable->statistics.kernels, 1U) << "what lays out the weights runs elsewhere";
                EXPECT_EQ(executable->preparation == nullptr, is_constant);
                for (const int threads : {1, 2})
                    EXPECT_EQ(difference(expected, run_compiled(*executable, c.inputs, threads)), std::nullopt)
                        << target << ": " << p.batch << " x " << p.rows << " x " << p.depth << " x " << p.columns;
            }
        }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, ProductsOfPanels,
                         testing::Values(Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i64, Dtype::i32,
                                         Dtype::i16, Dtype::u8),
                         [](const auto& d) { return std::string(ir::name(d.param)); });

// A product that is too small for its dtype rounds to -0. The sum of a block may be that, but not the sum of blocks,
// which starts from 0, in whichever kind of tile it is.
TEST(Panels, SumsOfBlocksStartFromZero) {
    for (const Product& p : {Product{13, 1, 40}, Product{1, 3, 40}, Product{4, 7, 9}, Product{20, 1030, 20}})
        for (const bool is_constant : {true, false}) {
            auto graph = std::make_shared<ir::Graph>();
            const Literal x = ir::splat_literal(Dtype::f32, {p.rows, p.depth}, -1e-30);
            const Literal w = ir::splat_literal(Dtype::f32, {p.depth, p.columns}, 1e-30);
            const Value left = graph->add_parameter("x", x.type);
            const Value right =
                is_constant ? graph->add_parameter("w", w.type, {}, true) : graph->add_parameter("w", w.type);
            const Value operands[] = {left, right};
            graph->add_output(
                "y",
                {&graph->add(ir::ops::dot_general, operands, {Integers{}, Integers{}, Integers{1}, Integers{0}}), 0});
            const GraphCase c{graph, {x, w}};
            EXPECT_EQ(first_fault(c), std::nullopt) << p.rows << " x " << p.depth << " x " << p.columns;
        }
}

// Before anything is folded the program lays the weights out in every run: its text, and both of its interpreters, know
// layouts with blocks.
TEST(Panels, ArePartOfProgramsAsText) {
    for (const bool is_constant : {true, false}) {
        const GraphCase c = product_of({9, 33, 40}, Dtype::f32, is_constant);
        const std::vector<Literal> expected = ir::interpret(*c.graph, c.inputs);
        EXPECT_EQ(first_fault(c), std::nullopt);
        const ir::Program lowered = passes::run_pipeline(*c.graph, {}).program;
        const std::string text = ir::print(lowered);
        EXPECT_NE(text.find("layout (1 by 16, 0)"), std::string::npos) << text;
        EXPECT_NE(text.find(is_constant ? "// once, when" : "// when a steady input"), std::string::npos) << text;
        const ir::Program parsed = ir::parse_program(text, "panels.lir");
        EXPECT_EQ(ir::print(parsed), text);
        EXPECT_EQ(difference(expected, ir::interpret(parsed, c.inputs)), std::nullopt);
    }
}

TEST(Panels, AreVerified) {
    const GraphCase c = product_of({9, 33, 40}, Dtype::f32, true);
    const ir::Program lowered = passes::run_pipeline(*c.graph, {}).program;
    EXPECT_EQ(ir::verify(lowered), std::vector<std::string>());
    const auto faults = [&](std::vector<std::uint16_t> blocks) {
        ir::Program program = lowered;
        for (ir::Program::Buffer& b : program.buffers)
            if (!b.layout.is_dense()) b.layout.blocks = blocks;
        return ir::verify(program);
    };
    EXPECT_FALSE(faults({16}).empty()) << "of one dimension";
    EXPECT_FALSE(faults({0, 16}).empty()) << "of nothing";
    EXPECT_FALSE(faults({1, 8}).empty()) << "another size than the kernels' arrays";
}

// Outside of products, and where sizes are not known before the call, nothing lies in panels.
TEST(Panels, AreForWhatStaysTheSame) {
    const auto graph = ir::parse_graph(R"(graph main(m, k, n) {
  %0 = parameter "x" : f32[m, k]
  %1 = parameter "w" steady : f32[k, n]
  %2 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[m, n]
  %3 = parameter "v" : f32[8, 8]
  %4 = parameter "u" steady : f32[8, 8]
  %5 = dot_general(%3, %3) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[8, 8]
  %6 = add(%5, %4) : f32[8, 8]
  return "y" = %2, "z" = %6
}
)",
                                       "same.lir");
    EXPECT_EQ(ir::print(passes::run_pipeline(*graph, {}).program).find("layout"), std::string::npos);
    EXPECT_NE(ir::print(*graph).find("\"w\" steady"), std::string::npos);
}

}  // namespace
}  // namespace lathe::testing_support
