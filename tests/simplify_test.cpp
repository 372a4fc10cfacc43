#include "passes/graph/simplify.h"

#include <gtest/gtest.h>

#include "ir/functions/activations.h"
#include "ir/functions/classification.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/ops.h"
#include "passes/graph/differentiate.h"

namespace lathe::passes {
namespace {

// What simplify makes of a graph's body (the lines between the braces), likewise without the braces.
std::string simplified(const std::string& body, const std::string& symbols = "") {
    const std::string head = "graph main(" + symbols + ") {\n";
    const auto graph = ir::parse_graph(head + body + "}\n", "t.lir");
    const auto result = simplify(*graph);
    EXPECT_TRUE(ir::verify(*result).empty());
    const std::string text = ir::print(*result);
    EXPECT_EQ(ir::print(*simplify(*result)), text) << "not a fixed point";
    return text.substr(head.size(), text.size() - head.size() - 2);
}

const std::string one_input = "  %0 = parameter \"x\" : f32[2, 3]\n";

struct Rewrite {
    std::string name, symbols, before, after;
};
void PrintTo(const Rewrite& r, std::ostream* out) { *out << r.name; }

class Simplify : public testing::TestWithParam<Rewrite> {};

TEST_P(Simplify, Rewrites) { EXPECT_EQ(simplified(GetParam().before, GetParam().symbols), GetParam().after); }

const Rewrite rewrites[] = {
    {"multiplication_by_one", "",
     one_input + "  %1 = constant {value = f32[] 1} : f32[]\n  %2 = mul(%1, %0) : f32[2, 3]\n  return \"y\" = %2\n",
     one_input + "  return \"y\" = %0\n"},
    {"a_wide_one", "",
     one_input + "  %1 = constant {value = f32[] 1} : f32[]\n  %2 = broadcast_to(%1) {shape = [2, 3]} : f32[2, 3]\n"
                 "  %3 = div(%0, %2) : f32[2, 3]\n  return \"y\" = %3\n",
     one_input + "  return \"y\" = %0\n"},
    // -0 + +0 is +0, so only -0 may go.
    {"addition_of_zero_stays", "",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = add(%0, %1) : f32[2, 3]\n  return \"y\" = %2\n",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = add(%0, %1) : f32[2, 3]\n  return \"y\" = %2\n"},
    {"addition_of_minus_zero", "",
     one_input + "  %1 = constant {value = f32[] -0} : f32[]\n  %2 = add(%0, %1) : f32[2, 3]\n  return \"y\" = %2\n",
     one_input + "  return \"y\" = %0\n"},
    {"subtraction_of_zero", "",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = sub(%0, %1) : f32[2, 3]\n  return \"y\" = %2\n",
     one_input + "  return \"y\" = %0\n"},
    {"one_that_broadcasts_stays", "",
     "  %0 = parameter \"x\" : f32[3]\n  %1 = constant {value = f32[2, 3] 1} : f32[2, 3]\n  %2 = mul(%0, %1) : f32[2, "
     "3]\n"
     "  return \"y\" = %2\n",
     "  %0 = parameter \"x\" : f32[3]\n  %1 = constant {value = f32[2, 3] 1} : f32[2, 3]\n  %2 = mul(%0, %1) : f32[2, "
     "3]\n"
     "  return \"y\" = %2\n"},
    {"integer_zero", "",
     "  %0 = parameter \"x\" : i8[4]\n  %1 = constant {value = i8[] 0} : i8[]\n  %2 = add(%1, %0) : i8[4]\n"
     "  %3 = bit_xor(%2, %1) : i8[4]\n  %4 = shift_left(%3, %1) : i8[4]\n  return \"y\" = %4\n",
     "  %0 = parameter \"x\" : i8[4]\n  return \"y\" = %0\n"},
    {"multiplication_by_zero_stays", "",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = mul(%0, %1) : f32[2, 3]\n  return \"y\" = %2\n",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = mul(%0, %1) : f32[2, 3]\n  return \"y\" = %2\n"},
    {"involutions", "", one_input + "  %1 = neg(%0) : f32[2, 3]\n  %2 = neg(%1) : f32[2, 3]\n  return \"y\" = %2\n",
     one_input + "  return \"y\" = %0\n"},
    {"three_transposes", "",
     "  %0 = parameter \"x\" : f32[2, 3, 4]\n  %1 = transpose(%0) {permutation = [1, 2, 0]} : f32[3, 4, 2]\n"
     "  %2 = transpose(%1) {permutation = [1, 2, 0]} : f32[4, 2, 3]\n"
     "  %3 = transpose(%2) {permutation = [1, 2, 0]} : f32[2, 3, 4]\n  return \"y\" = %3, \"z\" = %2\n",
     "  %0 = parameter \"x\" : f32[2, 3, 4]\n  %1 = transpose(%0) {permutation = [2, 0, 1]} : f32[4, 2, 3]\n"
     "  return \"y\" = %0, \"z\" = %1\n"},
    {"reshapes", "n",
     "  %0 = parameter \"x\" : f32[n, 6]\n  %1 = reshape(%0) {shape = [n, 2, 3]} : f32[n, 2, 3]\n"
     "  %2 = reshape(%1) {shape = [2*n, 3]} : f32[2*n, 3]\n  return \"y\" = %2\n",
     "  %0 = parameter \"x\" : f32[n, 6]\n  %1 = reshape(%0) {shape = [2*n, 3]} : f32[2*n, 3]\n  return \"y\" = %1\n"},
    {"slices", "",
     "  %0 = parameter \"x\" : f32[20]\n  %1 = slice(%0) {start = [2], size = [8], step = [2]} : f32[8]\n"
     "  %2 = slice(%1) {start = [7], size = [3], step = [-3]} : f32[3]\n  return \"y\" = %2\n",
     "  %0 = parameter \"x\" : f32[20]\n  %1 = slice(%0) {start = [16], size = [3], step = [-6]} : f32[3]\n  return "
     "\"y\" = "
     "%1\n"},
    {"equal_nodes", "",
     one_input + "  %1 = parameter \"y\" : f32[2, 3]\n  %2 = add(%0, %1) : f32[2, 3]\n  %3 = add(%1, %0) : f32[2, 3]\n"
                 "  %4 = sub(%0, %1) : f32[2, 3]\n  %5 = sub(%1, %0) : f32[2, 3]\n  %6 = mul(%2, %3) : f32[2, 3]\n"
                 "  return \"a\" = %6, \"b\" = %4, \"c\" = %5\n",
     one_input + "  %1 = parameter \"y\" : f32[2, 3]\n  %2 = add(%0, %1) : f32[2, 3]\n  %3 = sub(%0, %1) : f32[2, 3]\n"
                 "  %4 = sub(%1, %0) : f32[2, 3]\n  %5 = mul(%2, %2) : f32[2, 3]\n"
                 "  return \"a\" = %5, \"b\" = %3, \"c\" = %4\n"},
    {"zeros_differ", "",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = constant {value = f32[] -0} : f32[]\n"
                 "  %3 = max(%0, %1) : f32[2, 3]\n  %4 = max(%0, %2) : f32[2, 3]\n  return \"y\" = %3, \"z\" = %4\n",
     one_input + "  %1 = constant {value = f32[] 0} : f32[]\n  %2 = constant {value = f32[] -0} : f32[]\n"
                 "  %3 = max(%0, %1) : f32[2, 3]\n  %4 = max(%0, %2) : f32[2, 3]\n  return \"y\" = %3, \"z\" = %4\n"},
    {"constants", "",
     "  %0 = constant {value = f32[2] [1, 2]} : f32[2]\n  %1 = constant {value = f32[] 3} : f32[]\n"
     "  %2 = add(%0, %1) : f32[2]\n  %3 = sum(%2) {axes = [0]} : f32[]\n  return \"y\" = %3\n",
     "  %0 = constant {value = f32[] 9} : f32[]\n  return \"y\" = %0\n"},
    {"large_splats", "",
     "  %0 = constant {value = f32[] 3} : f32[]\n  %1 = broadcast_to(%0) {shape = [1000, 1000, 1000]} : f32[1000, "
     "1000, 1000]\n"
     "  %2 = mul(%1, %1) : f32[1000, 1000, 1000]\n  return \"y\" = %2\n",
     "  %0 = constant {value = f32[1000, 1000, 1000] 9} : f32[1000, 1000, 1000]\n  return \"y\" = %0\n"},
    {"an_index_out_of_range_waits_for_the_run", "",
     "  %0 = constant {value = f32[2] [1, 2]} : f32[2]\n  %1 = constant {value = i32[] 2} : i32[]\n"
     "  %2 = gather(%0, %1) {axis = 0} : f32[]\n  return \"y\" = %2\n",
     "  %0 = constant {value = f32[2] [1, 2]} : f32[2]\n  %1 = constant {value = i32[] 2} : i32[]\n"
     "  %2 = gather(%0, %1) {axis = 0} : f32[]\n  return \"y\" = %2\n"},
    {"dead_nodes_go_and_parameters_stay", "",
     one_input + "  %1 = parameter \"unused\" : f32[2]\n  %2 = neg(%0) : f32[2, 3]\n  return \"y\" = %0\n",
     one_input + "  %1 = parameter \"unused\" : f32[2]\n  return \"y\" = %0\n"},
};

INSTANTIATE_TEST_SUITE_P(Rewrites, Simplify, testing::ValuesIn(rewrites),
                         [](const testing::TestParamInfo<Rewrite>& info) { return info.param.name; });

TEST(SimplifyGraph, KeepsTheBitsOfATrainingStep) {
    ir::Graph g;
    const ir::Dim batch = ir::Dim::symbol(g.add_symbol("batch"));
    const ir::Value x = g.add_parameter("x", {ir::Dtype::f32, {batch, 5}});
    const ir::Value w = g.add_parameter("w", {ir::Dtype::f32, {5, 3}});
    const ir::Value labels = g.add_parameter("labels", {ir::Dtype::i32, {batch}});
    const ir::Value logits = ir::functions::gelu(
        ir::ops::dot_general.with({ir::Integers{}, ir::Integers{}, ir::Integers{1}, ir::Integers{0}}, x, w));
    g.add_output("loss", ir::functions::cross_entropy(logits, labels));
    const std::size_t wrt[] = {0, 1};
    const auto step = differentiate(g, 0, wrt, true);
    const auto simple = simplify(*step);
    EXPECT_LT(simple->nodes().size(), step->nodes().size());
    std::vector<ir::Literal> inputs;
    unsigned seed = 1;
    for (const ir::Shape& shape : {ir::Shape{4, 5}, ir::Shape{5, 3}}) {
        std::vector<float> values;
        for (int i = 0; i < shape.element_count().constant(); ++i)
            values.push_back(static_cast<float>((seed = seed * 1664525U + 1013904223U) >> 8) * 0x1p-23F - 1);
        inputs.push_back(ir::make_literal({ir::Dtype::f32, shape}, std::as_bytes(std::span(values))));
    }
    const std::int32_t classes[] = {2, 0, 1, 1};
    inputs.push_back(ir::make_literal({ir::Dtype::i32, {4}}, std::as_bytes(std::span(classes))));
    EXPECT_EQ(ir::interpret(*simple, inputs), ir::interpret(*step, inputs));
}

TEST(SimplifyGraph, AVeryLongChain) {
    ir::Graph g;
    ir::Value x = g.add_parameter("x", {ir::Dtype::f32, {4}});
    for (int i = 0; i < 100'000; ++i) x = ir::ops::neg(ir::ops::add(x, x));
    g.add_output("y", x);
    EXPECT_EQ(simplify(g)->nodes().size(), g.nodes().size());
}

}  // namespace
}  // namespace lathe::passes
