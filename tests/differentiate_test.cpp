#include "passes/graph/differentiate.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "ir/functions/activations.h"
#include "ir/functions/classification.h"
#include "ir/functions/matmul.h"
#include "ir/functions/normalization.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/ops.h"
#include "passes/graph/simplify.h"

namespace lathe::passes {
namespace {

using ir::Dtype;
using ir::Literal;
using ir::Shape;
using ir::Value;

std::string gradient_text(const std::string& text, std::vector<std::size_t> wrt = {0}) {
    const auto gradient = differentiate(*ir::parse_graph(text, "t.lir"), 0, wrt, false);
    EXPECT_TRUE(ir::verify(*gradient).empty());
    return ir::print(*simplify(*gradient));
}

Literal literal(const Shape& shape, const std::vector<double>& values) {
    return ir::make_literal({Dtype::f64, shape}, std::as_bytes(std::span(values)));
}
std::vector<double> values_of(const Literal& x) {
    std::vector<double> result(static_cast<std::size_t>(x.type.shape.element_count().constant()));
    for (std::size_t i = 0; i < result.size(); ++i)
        std::memcpy(&result[i], x.bytes->data() + (x.is_splat() ? 0 : 8 * i), 8);
    return result;
}

TEST(Differentiate, SumOfSquares) {
    EXPECT_EQ(gradient_text(R"(graph main(n) {
  %0 = parameter "x" : f32[n, 3]
  %1 = mul(%0, %0) : f32[n, 3]
  %2 = sum(%1) {axes = [0, 1]} : f32[]
  return "loss" = %2
}
)"),
              R"(graph main(n) {
  %0 = parameter "x" : f32[n, 3]
  %1 = add(%0, %0) : f32[n, 3]
  return "d_x" = %1
}
)");
}

TEST(Differentiate, BroadcastOperandsSumUp) {
    const std::string text = gradient_text(R"(graph main(n) {
  %0 = parameter "bias" : f32[3]
  %1 = parameter "x" : f32[n, 3]
  %2 = add(%1, %0) : f32[n, 3]
  %3 = tanh(%2) : f32[n, 3]
  %4 = sum(%3) {axes = [0, 1]} : f32[]
  return "loss" = %4
}
)");
    EXPECT_NE(text.find("sum("), std::string::npos) << text;
    EXPECT_NE(text.find("axes = [0]} : f32[3]"), std::string::npos) << text;
}

TEST(Differentiate, WhatDoesNotMatterHasZeroGradient) {
    EXPECT_EQ(gradient_text(R"(graph main(n) {
  %0 = parameter "x" : f32[n]
  %1 = parameter "y" : f32[]
  %2 = constant {value = f32[] 0} : f32[]
  %3 = gt(%0, %2) : bool[n]
  %4 = convert(%3) {dtype = f32} : f32[n]
  %5 = sum(%4) {axes = [0]} : f32[]
  %6 = mul(%5, %1) : f32[]
  return "loss" = %6
}
)"),
              R"(graph main(n) {
  %0 = parameter "x" : f32[n]
  %1 = parameter "y" : f32[]
  %2 = constant {value = f32[] 0} : f32[]
  %3 = broadcast_to(%2) {shape = [n]} : f32[n]
  return "d_x" = %3
}
)");
}

TEST(Differentiate, StopGradientStops) {
    ir::Graph g;
    const Value x = g.add_parameter("x", {Dtype::f64, {}});
    g.add_output("y", ir::ops::mul(x, ir::ops::stop_gradient(x)));
    const std::size_t wrt[] = {0};
    EXPECT_EQ(values_of(ir::interpret(*differentiate(g, 0, wrt, false), {{literal({}, {3})}})[0])[0], 3);
}

TEST(Differentiate, ReluIsFlatAtZero) {
    ir::Graph g;
    const Value x = g.add_parameter("x", {Dtype::f64, {5}});
    g.add_output("y", ir::functions::sum(ir::functions::relu(x), {0}));
    const std::size_t wrt[] = {0};
    const auto gradient = ir::interpret(*differentiate(g, 0, wrt, false), {{literal({5}, {-1, -0.0, 0.0, 1e-300, 2})}});
    EXPECT_EQ(values_of(gradient[0]), (std::vector<double>{0, 0, 0, 1, 1}));
}

TEST(Differentiate, KeepsOutputsAndLocs) {
    ir::Graph g;
    const Value x = g.add_parameter("x", {Dtype::f32, {}}, ir::Loc::of("m.cpp", 1));
    g.add_output("y", Value{&g.add(ir::ops::exp, {{x}}, {}, ir::Loc::of("m.cpp", 2)), 0});
    const std::size_t wrt[] = {0};
    const auto gradient = differentiate(g, 0, wrt, true);
    ASSERT_EQ(gradient->outputs().size(), 2U);
    EXPECT_EQ(gradient->output_name(0), "y");
    EXPECT_EQ(gradient->output_name(1), "d_x");
    for (const ir::Node& node : gradient->nodes()) EXPECT_TRUE(node.loc.known()) << node.op->name;
}

TEST(Differentiate, RefusesWhatHasNoGradient) {
    ir::Graph g;
    const Value x = g.add_parameter("x", {Dtype::f32, {2}}), i = g.add_parameter("i", {Dtype::i32, {}});
    g.add_output("vector", x);
    g.add_output("integer", i);
    const std::size_t first[] = {0}, second[] = {1};
    EXPECT_THROW(differentiate(g, 0, first, false), TypeError);
    EXPECT_THROW(differentiate(g, 1, first, false), TypeError);
    EXPECT_THROW(differentiate(g, 2, first, false), UserError);
    g.add_output("sum", ir::functions::sum(x, {0}));
    EXPECT_THROW(differentiate(g, 2, second, false), TypeError);
}

// A network's loss: the gradient of every weight against differences, and the gradient's norm once more.
TEST(Differentiate, AClassifierAndTheNormOfItsGradient) {
    namespace f = ir::functions;
    ir::Graph g;
    const ir::Dim n = ir::Dim::symbol(g.add_symbol("n"));
    const Value w1 = g.add_parameter("w1", {Dtype::f64, {3, 4}}), b1 = g.add_parameter("b1", {Dtype::f64, {4}});
    const Value w2 = g.add_parameter("w2", {Dtype::f64, {4, 3}}), scale = g.add_parameter("scale", {Dtype::f64, {4}});
    const Value x = g.add_parameter("x", {Dtype::f64, {n, 3}}), labels = g.add_parameter("t", {Dtype::i64, {n}});
    const Value hidden = f::layer_norm(f::gelu(ir::ops::add(f::matmul(x, w1), b1)), scale, b1);
    g.add_output("loss", f::cross_entropy(f::matmul(hidden, w2), labels));

    std::vector<Literal> inputs;
    unsigned seed = 5;
    const auto draw = [&](const Shape& shape) {
        std::vector<double> values;
        for (int i = 0; i < shape.element_count().constant(); ++i)
            values.push_back(static_cast<double>((seed = seed * 1664525U + 1013904223U) >> 8) * 0x1p-23 - 1);
        inputs.push_back(literal(shape, values));
    };
    for (const Shape& shape : {Shape{3, 4}, Shape{4}, Shape{4, 3}, Shape{4}, Shape{2, 3}}) draw(shape);
    const std::int64_t classes[] = {2, 0};
    inputs.push_back(ir::make_literal({Dtype::i64, {2}}, std::as_bytes(std::span(classes))));

    const auto check = [&](const ir::Graph& graph, std::vector<std::size_t> wrt) {
        const auto gradient = simplify(*differentiate(graph, 0, wrt, false));
        const std::vector<Literal> actual = ir::interpret(*gradient, inputs);
        for (std::size_t k = 0; k < wrt.size(); ++k) {
            const std::vector<double> slope = values_of(actual[k]);
            for (std::size_t i = 0; i < slope.size(); ++i) {
                double side[2];
                for (int s = 0; s < 2; ++s) {
                    std::vector<Literal> moved = inputs;
                    std::vector<double> values = values_of(inputs[wrt[k]]);
                    values[i] += s == 0 ? 1e-5 : -1e-5;
                    moved[wrt[k]] = literal(inputs[wrt[k]].type.shape, values);
                    side[s] = values_of(ir::interpret(graph, moved)[0])[0];
                }
                const double difference = (side[0] - side[1]) / 2e-5;
                EXPECT_NEAR(slope[i], difference, 1e-7 * (1 + std::abs(difference))) << wrt[k] << " " << i;
            }
        }
    };
    check(g, {0, 1, 2, 3, 4});

    // The squared norm of the gradient, as a graph.
    const std::size_t all[] = {0, 2};
    const auto first = differentiate(g, 0, all, true);
    auto norm = ir::parse_graph(ir::print(*first), "first.lir");
    const Value a = norm->outputs()[1], b = norm->outputs()[2];
    const Value squares = ir::ops::add(f::sum(ir::ops::mul(a, a), {0, 1}), f::sum(ir::ops::mul(b, b), {0, 1}));
    auto only = ir::print(*norm);
    norm->add_output("norm", squares);
    std::string text = ir::print(*norm);
    const std::size_t at = text.rfind("  return ");
    text = text.substr(0, at) + "  return \"norm\" = %" + std::to_string(squares.node->id) + "\n}\n";
    check(*ir::parse_graph(text, "norm.lir"), {0, 1, 2, 4});
}

TEST(Differentiate, AVeryLongChain) {
    ir::Graph g;
    Value x = g.add_parameter("x", {Dtype::f32, {}});
    for (int i = 0; i < 200'000; ++i) x = ir::ops::sigmoid(x);
    g.add_output("y", x);
    const std::size_t wrt[] = {0};
    EXPECT_GT(differentiate(g, 0, wrt, false)->nodes().size(), 600'000U);
}

}  // namespace
}  // namespace lathe::passes
