// Large graphs: the passes' time grows with their size, not with its square, whatever their shape.
#include <ctime>
#include <functional>

#include <gtest/gtest.h>

#include "codegen/plan_builder.h"
#include "codegen/target.h"
#include "ir/functions/basic.h"
#include "ir/graph/interpret.h"
#include "ir/ops/ops.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "passes/graph/differentiate.h"
#include "passes/pipeline.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe {
namespace {

using ir::Dtype;
using ir::Graph;
using ir::Value;

struct Shape {
    std::string name;
    std::function<void(Graph&, std::size_t)> build;  // a graph of about so many nodes, or fewer that cost as much
    bool donates = false;
};
void PrintTo(const Shape& s, std::ostream* out) { *out << s.name; }

const ir::Type vector{Dtype::f32, {64}};

Value op(const ir::OpDef& def, std::initializer_list<Value> operands, ir::Attributes attributes = {}) {
    return Value::record(def, std::vector<Value>(operands), std::move(attributes), {});
}

// n values one behind the other, and what comes of a gradient through that.
Value join(Graph& g, std::size_t n) {
    std::vector<Value> parts;
    for (std::size_t i = 0; i < n; ++i)
        parts.push_back(
            g.add_parameter("x" + std::to_string(i), {Dtype::f32, {static_cast<std::int64_t>(i % 3 + 1), 2}}));
    return Value::record(ir::ops::concat, parts, {std::int64_t{0}}, {});
}

const Shape shapes[] = {
    {"chain",
     [](Graph& g, std::size_t n) {
         Value x = g.add_parameter("x", vector);
         for (std::size_t i = 0; i < n; ++i) x = op(i % 2 != 0 ? ir::ops::exp : ir::ops::neg, {x});
         g.add_output("y", x);
     }},
    {"sums_of_itself",
     [](Graph& g, std::size_t n) {
         Value x = g.add_parameter("x", vector);
         for (std::size_t i = 0; i < n; ++i) x = op(ir::ops::add, {x, x});
         g.add_output("y", x);
     }},
    {"many_readers",
     [](Graph& g, std::size_t n) {
         const Value x = op(ir::ops::exp, {g.add_parameter("x", vector)});
         for (std::size_t i = 0; i < n / 2; ++i)
             g.add_output("y" + std::to_string(i),
                          op(ir::ops::add, {x, g.add_parameter("p" + std::to_string(i), vector)}));
     }},
    {"many_reductions",
     [](Graph& g, std::size_t n) {
         const Value x = op(ir::ops::exp, {g.add_parameter("x", vector)});
         for (std::size_t i = 0; i < n / 3; ++i)
             g.add_output("y" + std::to_string(i),
                          op(ir::ops::sum, {op(ir::ops::mul, {x, g.add_parameter("p" + std::to_string(i), vector)})},
                             {ir::Integers{0}}));
     }},
    {"optimiser",
     [](Graph& g, std::size_t n) {
         const Value rate = g.add_parameter("rate", {Dtype::f32, {}});
         std::vector<std::pair<Value, Value>> parameters;
         for (std::size_t i = 0; i < n / 4; ++i)
             parameters.emplace_back(g.add_parameter("p" + std::to_string(i), vector),
                                     g.add_parameter("g" + std::to_string(i), vector));
         const Value scaled = op(ir::ops::sqrt, {rate});
         for (const auto& [p, d] : parameters)
             g.add_output("out" + std::to_string(g.outputs().size()),
                          op(ir::ops::sub, {p, op(ir::ops::mul, {d, scaled})}));
     },
     true},
    {"layers",
     [](Graph& g, std::size_t n) {
         Value x = g.add_parameter("x", {Dtype::f32, {8, 16}});
         std::vector<Value> weights;
         for (std::size_t i = 0; i < n / 80; ++i) {
             const Value w = g.add_parameter("w" + std::to_string(i), {Dtype::f32, {16, 16}});
             const ir::Integers none, one{1}, zero{0};
             x = op(ir::ops::dot_general, {x, w}, {none, none, one, zero});
             x = op(ir::ops::tanh, {x});
         }
         g.add_output("y", x);
     }},
    {"views",
     [](Graph& g, std::size_t n) {
         Value x = g.add_parameter("x", {Dtype::f32, {8, 16}});
         for (std::size_t i = 0; i < n / 2; ++i) {
             x = op(ir::ops::transpose, {x}, {ir::Integers{1, 0}});
             x = op(ir::ops::slice, {x}, {ir::Shape{x.type().shape[0] - 1, 0}, x.type().shape, ir::Integers{-1, 1}});
         }
         g.add_output("y", x);
     }},
    {"many_operands", [](Graph& g, std::size_t n) { g.add_output("y", op(ir::ops::exp, {join(g, n)})); }},
    {"many_slices",
     [](Graph& g, std::size_t n) {
         const Value x = op(ir::ops::exp, {g.add_parameter("x", {Dtype::f32, {static_cast<std::int64_t>(n)}})});
         for (std::size_t i = 0; i < n; ++i)
             g.add_output(
                 "y" + std::to_string(i),
                 op(ir::ops::slice, {x}, {ir::Shape{static_cast<std::int64_t>(i)}, ir::Shape{1}, ir::Integers{1}}));
     }},
};

class Scaling : public testing::TestWithParam<Shape> {};

// Processor seconds of this thread.
double seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double compile_seconds(const Shape& shape, std::size_t n) {
    Graph graph;
    shape.build(graph, n);
    const double start = seconds();
    ir::Program program = passes::run_pipeline(graph).program;
    runtime::Plan plan;
    std::vector<std::uint32_t> outputs, donated;
    if (shape.donates)
        for (std::uint32_t i = 0; i < graph.parameters().size(); ++i) donated.push_back(i);
    codegen::build_plan(program, {}, donated, plan, outputs);
    const double end = seconds();
    if (shape.donates) {
        EXPECT_GE(plan.donations.size(), graph.outputs().size());
    }
    return end - start;
}

TEST_P(Scaling, passes_are_not_quadratic) {
    constexpr std::size_t small = 3'000, factor = 4;
    constexpr int attempts = 6;  // others use the caches of this processor, too: what is linear is so now and then
    compile_seconds(GetParam(), small / 4);
    double before = 0, after = 0;
    for (int i = 0; i < attempts && (i == 0 || after >= 2 * factor * before); ++i) {
        before = std::min(compile_seconds(GetParam(), small), compile_seconds(GetParam(), small));
        after = compile_seconds(GetParam(), small * factor);
    }
    RecordProperty("milliseconds", std::to_string(1e3 * after));
    // Linear is 4, quadratic 16.
    EXPECT_LT(after, 2 * factor * before) << before << " s for " << small << " nodes";
}

INSTANTIATE_TEST_SUITE_P(Graphs, Scaling, testing::ValuesIn(shapes), [](const auto& info) { return info.param.name; });

// No kernel holds statements for all operands; the bits are the interpreter's.
TEST(ManyOperands, are_joined_by_several_kernels) {
    for (const std::size_t n : {65U, 1025U, 3000U}) {
        Graph graph;
        const Value joined = join(graph, n);
        graph.add_output("y", op(ir::ops::exp, {joined}));
        graph.add_output("s", op(ir::ops::sum, {op(ir::ops::mul, {joined, joined})}, {ir::Integers{0, 1}}));
        std::vector<std::size_t> wrt;
        for (std::size_t i = 0; i < n; ++i) wrt.push_back(i);
        const std::unique_ptr<Graph> whole = passes::differentiate(graph, 1, wrt, true);
        passes::PipelineOptions options;
        options.verify = true;
        const passes::Lowered lowered = passes::run_pipeline(*whole, options);
        const auto says_why = [](const passes::Remark& r) { return r.reason.find("views") != std::string::npos; };
        EXPECT_TRUE(std::ranges::any_of(lowered.remarks, says_why));
        std::vector<ir::Literal> inputs;
        for (Value v : whole->parameters())
            inputs.push_back(
                ir::splat_literal(Dtype::f32, v.type().shape, 0.25 * static_cast<double>(inputs.size() % 5)));
        EXPECT_EQ(testing_support::difference(ir::interpret(*whole, inputs), ir::interpret(lowered.program, inputs)),
                  std::nullopt)
            << n;
    }
}

// An element of the last value is an element of the first along 2^20 paths.
TEST(SharedViews, views_of_shared_values_do_not_multiply) {
    const auto seconds_for = [](int levels) {
        Graph graph;
        Value x = graph.add_parameter("x", {Dtype::f32, {1}});
        for (int i = 0; i < levels; ++i) x = op(ir::ops::concat, {x, x}, {std::int64_t{0}});
        graph.add_output("y", op(ir::ops::exp, {x}));
        const double start = seconds();
        passes::run_pipeline(graph);
        return seconds() - start;
    };
    seconds_for(5);
    // 16 times the values where each is looked at once, and 2^15 times as many paths.
    EXPECT_LT(seconds_for(20), 1000 * seconds_for(5));
}

}  // namespace
}  // namespace lathe
