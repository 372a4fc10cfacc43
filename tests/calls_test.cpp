// Sorts and scans: functions of the library that programs call. Long lines, against the ops' reference; what users see;
// and what becomes of a call on its way to a plan.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <source_location>

#include <gtest/gtest.h>

#include "codegen/kernels.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/ops/ops.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "lathe.h"
#include "passes/pipeline.h"
#include "runtime/find_call.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;
using Floats = std::vector<float>;
using Places = std::vector<std::int64_t>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

// ---- the functions

std::shared_ptr<ir::Graph> graph_of(const ir::OpDef& op, const ir::Type& type, ir::Attributes attributes) {
    auto graph = std::make_shared<ir::Graph>();
    std::vector<ir::Value> operands;
    for (int i = 0; i < op.arity.minimum; ++i) operands.push_back(graph->add_parameter("x", type));
    const ir::Node& node = graph->add(op, operands, std::move(attributes));
    for (std::uint32_t r = 0; r < node.results.size(); ++r) graph->add_output("y", {&node, r});
    return graph;
}

class LongLines : public testing::TestWithParam<ir::Dtype> {};

// Several blocks and their rest, panels of columns and their rest, groups of lines and their rest.
TEST_P(LongLines, GiveTheReferencesBits) {
    Random random(static_cast<std::uint64_t>(GetParam()) + 5);
    const std::pair<ir::Shape, std::int64_t> cases[] = {
        {{8 * 4096 + 3 * 4096 + 77}, 0}, {{3, 4096}, 1},  {{19, 70}, 1},  {{9000, 3}, 0}, {{2, 130, 150}, 1},
        {{18 * 4096 + 77}, 0},           {{2, 65537}, 1}, {{65600, 3}, 0}};  // lines that threads share
    std::vector<const ir::OpDef*> ops(ir::ops::along_axis.begin(), ir::ops::along_axis.end());
    ops.insert(ops.end(), ir::ops::scans.begin(), ir::ops::scans.end());
    for (const ir::OpDef* const op : ops) {
        if (!op->dtypes.contains(GetParam())) continue;
        for (const auto& [shape, axis] : cases)
            for (const bool flag : {false, true}) {
                const ir::Type type{GetParam(), shape};
                const auto graph = graph_of(*op, type, {axis, flag});
                std::vector<Literal> x;
                for (int i = 0; i < op->arity.minimum; ++i) x.push_back(random_literal(type, random, true));
                const std::vector<Literal> expected = ir::interpret(*graph, x);
                const auto executable = codegen::compile(*graph);
                for (const int threads : {1, 2})
                    if (const auto found = difference(expected, run_compiled(*executable, x, threads)))
                        FAIL() << op->name << " " << type.to_string() << ": " << *found;
            }
    }
}
INSTANTIATE_TEST_SUITE_P(Dtypes, LongLines, testing::ValuesIn(ir::all_dtypes()),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

// Lines of 2^32 elements and more have places of 8 bytes; short ones may as well.
TEST(Sort, PlacesMayTakeEightBytes) {
    Random random(3);
    const ir::Type type{ir::Dtype::f32, ir::Shape{900}};
    const Literal x = random_literal(type, random, true);
    Floats values(900), wide_values(900);
    Places places(900), wide_places(900);
    std::vector<std::uint64_t> workspace(8 * 256 + 4 * 900);
    const auto run = [&](Floats& y, Places& at, std::int64_t is_wide) {
        void* const slots[] = {const_cast<std::byte*>(x.bytes->data()), y.data(), at.data()};
        const std::uint32_t operands[] = {0, 1, 2};
        const std::int64_t extents[] = {static_cast<std::int64_t>(ir::Dtype::f32), 0, 1, 1, 900, 1, is_wide, 1, 1};
        lathe_task task{{-1, 0, 0, 0, 0}, workspace.data()};
        runtime::find_call("sort_v2")(slots, operands, extents, 0, 1, &task);
    };
    run(values, places, 0);
    run(wide_values, wide_places, 1);
    EXPECT_EQ(places, wide_places);
    EXPECT_EQ(std::memcmp(values.data(), wide_values.data(), 4 * values.size()), 0);
}

// ---- what users see

TEST(Sort, IsStableAndPutsNanLast) {
    const Tensor x = Tensor::from({0.0F, nan, 2.0F, -0.0F, -infinity, 2.0F, infinity, 0.0F});
    const Floats up = sort(x).to_vector<float>(), down = sort(x, 0, {.descending = true}).to_vector<float>();
    EXPECT_EQ(Floats(up.begin(), up.end() - 1), (Floats{-infinity, 0, 0, 0, 2, 2, infinity}));
    EXPECT_EQ(Floats(down.begin(), down.end() - 1), (Floats{infinity, 2, 2, 0, 0, 0, -infinity}));
    EXPECT_TRUE(std::isnan(up.back()) && std::isnan(down.back()));
    EXPECT_EQ((std::vector<bool>{std::signbit(up[1]), std::signbit(up[2]), std::signbit(up[3])}),
              (std::vector<bool>{false, true, false}));
    EXPECT_EQ((std::vector<bool>{std::signbit(down[3]), std::signbit(down[4]), std::signbit(down[5])}),
              (std::vector<bool>{false, true, false}));
    EXPECT_EQ(argsort(x).to_vector<std::int64_t>(), (Places{4, 0, 3, 7, 2, 5, 6, 1}));
    EXPECT_EQ(argsort(x, -1, {.descending = true}).to_vector<std::int64_t>(), (Places{6, 2, 5, 0, 3, 7, 4, 1}));
}

TEST(Sort, TakesAnyAxis) {
    const Tensor x = Tensor::from({3, 1, 2, 1, 2, 3}, {2, 3});
    EXPECT_EQ(sort(x).to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 2, 3, 1, 2, 3}));
    EXPECT_EQ(sort(x, 0).to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 1, 2, 3, 2, 3}));
    EXPECT_EQ(argsort(x, -2).to_vector<std::int64_t>(), (Places{1, 0, 0, 0, 1, 1}));
    EXPECT_EQ(sort(zeros({0, 3}), 0).shape(), (std::vector<std::int64_t>{0, 3}));
    EXPECT_EQ(sort(zeros({2, 0})).shape(), (std::vector<std::int64_t>{2, 0}));
    EXPECT_EQ(argsort(ones({3, 1})).to_vector<std::int64_t>(), (Places{0, 0, 0}));
}

TEST(Cumsum, AddsUpAlongAnyAxis) {
    const Tensor x = Tensor::from({1, 2, 3, 4, 5, 6}, {2, 3});
    EXPECT_EQ(cumsum(x).to_vector<std::int64_t>(), (Places{1, 3, 6, 4, 9, 15}));
    EXPECT_EQ(cumsum(x, 0).to_vector<std::int64_t>(), (Places{1, 2, 3, 5, 7, 9}));
    EXPECT_EQ(cumsum(x > 2).to_vector<std::int64_t>(), (Places{0, 0, 1, 1, 2, 3}));
    EXPECT_EQ(cumsum(convert(x, Dtype::u8)).dtype(), Dtype::u64);
    EXPECT_EQ(cumsum(zeros({0, 2}), 0).shape(), (std::vector<std::int64_t>{0, 2}));
}

TEST(AlongAxis, MistakesAreTheCallers) {
    const Tensor x = zeros({2, 3}), one = full({}, 1.0);
    const auto why = [](const auto& f) {
        try {
            f();
        } catch (const TypeError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    const std::uint32_t line = std::source_location::current().line() + 1;
    const std::string sorts = why([&] { sort(x, 2); }), places = why([&] { argsort(x, -3); }),
                      sums = why([&] { cumsum(one, 1); });
    EXPECT_NE(sorts.find("sort: axis 2 is out of range for rank 2 (f32[2, 3])"), std::string::npos) << sorts;
    EXPECT_NE(sorts.find("calls_test.cpp:" + std::to_string(line)), std::string::npos) << sorts;
    EXPECT_NE(places.find("argsort: axis -3 is out of range for rank 2"), std::string::npos) << places;
    EXPECT_NE(sums.find("cumsum: axis 1 is out of range for rank 0 (f32[])"), std::string::npos) << sums;
}

TEST(AlongAxis, HasDerivatives) {
    const Tensor x = Tensor::from({3.0F, 1.0F, 2.0F, 4.0F, 6.0F, 5.0F}, {2, 3});
    const Tensor weights = Tensor::from({1.0F, 10.0F, 100.0F});
    const auto sorted = grad([&](const Tensor& v) { return sum(sort(v, 1) * weights); });
    EXPECT_EQ(sorted(x).to_vector<float>(), (Floats{100, 1, 10, 1, 100, 10}));
    const auto summed = grad([&](const Tensor& v) { return sum(cumsum(v, 1) * weights); });
    EXPECT_EQ(summed(x).to_vector<float>(), (Floats{111, 110, 100, 111, 110, 100}));
}

TEST(AlongAxis, ANewShapeCompilesNothing) {
    const auto f =
        jit([](const Tensor& x) { return std::vector<Tensor>{sort(x * 0.75, 0), argsort(x, 1), cumsum(x, -1)}; });
    const auto run = [&](std::int64_t rows, std::int64_t columns) {
        const Tensor x = random_uniform(4, {rows, columns});
        const std::vector<Tensor> got = f(x), lazy{sort(x * 0.75, 0), argsort(x, 1), cumsum(x, -1)};
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].to_array(), lazy[i].to_array());
    };
    run(7, 9);
    const std::uint64_t compiled = codegen::KernelCache::shared().compiled();
    run(80, 130);
    run(3, 5000);
    EXPECT_EQ(codegen::KernelCache::shared().compiled(), compiled);
}

TEST(AlongAxis, InterpretedProgramsCallTheSameFunctions) {
    const auto body = [](const Tensor& x) {
        return std::vector<Tensor>{exp(sort(x, 0)), argsort(x + 1.0), cumsum(x * x, 1)};
    };
    const Tensor x = random_uniform(9, {40, 300});
    const std::vector<Tensor> expected = jit(body)(x), got = jit(body, {.compile = {.interpreted = true}})(x);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].to_array(), expected[i].to_array());
}

// ---- programs

constexpr const char* program_text = R"(graph main(n) {
  %0 = parameter "x" : f32[n, 64]
  %1 = neg(%0) : f32[n, 64]
  %2 = sort(%1) {axis = 1} : f32[n, 64], i64[n, 64]
  %3 = abs(%2#0) : f32[n, 64]
  return "y" = %3
}
)";

TEST(CallSteps, StandAloneAndStoreWhatIsRead) {
    const std::shared_ptr<const ir::Graph> graph = ir::parse_graph(program_text, "sort.lir");
    passes::PipelineOptions options;
    options.verify = true;
    const ir::Program program = passes::run_pipeline(*graph, options).program;
    const std::string text = print(program);
    EXPECT_NE(text.find("call sort_v2(@2) to (@3) extents (1, 0, 1, 0, 64, 1, 0, 1, n) iterations n workspace 16960"),
              std::string::npos)
        << text;
    Random random(1);
    const Literal x = random_literal({ir::Dtype::f32, ir::Shape{5, 64}}, random, true);
    EXPECT_EQ(difference(ir::interpret(*graph, {{x}}), interpret(program, {{x}})), std::nullopt);
}

// What a call gives may be carried, stacked, or both.
TEST(CallSteps, RunInsideLoopsAndBranches) {
    const Tensor xs = random_uniform(3, {5, 40}), start = zeros({40});
    const auto step = [](const Tensor& h, const Tensor& x) { return cumsum(sort(h * 0.25 + x)); };
    const auto run = [&](const Tensor& all_x, const Tensor& h0) {
        const auto [carried, both] = scan(
            [&](const Tensor& h, const Tensor& x) {
                const Tensor next = step(h, x);
                return std::pair(next, next);
            },
            h0, all_x);
        const auto [scaled, stacked] = scan(
            [&](const Tensor& h, const Tensor& x) {
                const Tensor next = step(h, x);
                return std::pair(next * 0.5, next);
            },
            h0, all_x);
        const Tensor chosen = cond(
            sum(all_x) > 0.0, [](const Tensor& x) { return sort(x); }, [](const Tensor& x) { return cumsum(x); },
            std::tuple(h0 + carried));
        return std::vector<Tensor>{carried, both, scaled, stacked, chosen};
    };
    std::vector<Tensor> rows, halved;
    Tensor h = start, g = start;
    for (std::int64_t i = 0; i < 5; ++i) {
        rows.push_back(reshape(h = step(h, xs[{i}]), {1, 40}));
        const Tensor next = step(g, xs[{i}]);
        halved.push_back(reshape(next, {1, 40}));
        g = next * 0.5;
    }
    const std::vector<Tensor> expected{h, concat(rows, 0), g, concat(halved, 0), sort(h)};
    const std::vector<Tensor> lazy = run(xs, start), jitted = jit(run)(xs, start);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(lazy[i].to_array(), expected[i].to_array()) << i;
        EXPECT_EQ(jitted[i].to_array(), expected[i].to_array()) << i;
    }
}

TEST(CallSteps, AreVerified) {
    const std::shared_ptr<const ir::Graph> graph = ir::parse_graph(program_text, "sort.lir");
    const ir::Program sound = passes::run_pipeline(*graph).program;
    ASSERT_TRUE(verify(sound).empty());
    const auto faults = [&](const std::function<void(ir::Program&, ir::Program::Call&)>& spoil) {
        ir::Program program = sound;
        for_each_step(program.steps, [&](ir::Program::Step& step) {
            if (auto* call = std::get_if<ir::Program::Call>(&step.node)) spoil(program, *call);
        });
        return verify(program);
    };
    EXPECT_FALSE(faults([](ir::Program&, ir::Program::Call& c) { c.results = {1}; }).empty()) << "another type";
    EXPECT_FALSE(faults([](ir::Program&, ir::Program::Call& c) { c.results = {7}; }).empty());
    EXPECT_FALSE(faults([](ir::Program&, ir::Program::Call& c) { c.inputs.clear(); }).empty());
    EXPECT_FALSE(faults([](ir::Program&, ir::Program::Call& c) { c.inputs = c.outputs; }).empty()) << "not written";
    EXPECT_FALSE(faults([](ir::Program&, ir::Program::Call& c) { c.outputs = {0}; }).empty()) << "an input";
    EXPECT_FALSE(faults([](ir::Program& p, ir::Program::Call& c) {
                     p.buffers[c.inputs[0]].layout.permutation = {1, 0};
                 }).empty());
    EXPECT_FALSE(faults([](ir::Program& p, ir::Program::Call&) { p.graph = nullptr; }).empty());
}

// A function reads memory as it is: what lies in another layout comes to it from where it is dense.
TEST(CallSteps, ReadDenseMemory) {
    const std::shared_ptr<const ir::Graph> graph = ir::parse_graph(R"(graph main(n) {
  %0 = parameter "x" : f32[n, 3]
  %1 = exp(%0) : f32[n, 3]
  %2 = relayout(%1) {permutation = [1, 0]} : f32[n, 3]
  %3 = cumsum(%2) {axis = 0} : f32[n, 3]
  return "y" = %3
}
)",
                                                                   "cumsum.lir");
    Random random(2);
    const Literal x = random_literal({ir::Dtype::f32, ir::Shape{5, 3}}, random, false);
    passes::PipelineOptions options;
    options.verify = true;
    EXPECT_NO_THROW(passes::run_pipeline(*graph, options));
    EXPECT_EQ(difference(ir::interpret(*graph, {{x}}), run_compiled(*codegen::compile(*graph), {{x}}, 1)),
              std::nullopt);
}

// Constants beyond what simplify folds are sorted once, when the program is compiled.
TEST(CallSteps, OfConstantsRunOnce) {
    auto graph = std::make_shared<ir::Graph>();
    const ir::Dim n = ir::Dim::symbol(graph->add_symbol("n"));
    const ir::Value x = graph->add_parameter("x", {ir::Dtype::f32, ir::Shape{n, 300000}});
    Random random(8);
    const ir::Value weights = graph->constant(random_literal({ir::Dtype::f32, ir::Shape{300000}}, random, false));
    const ir::Value sorted{&graph->add(ir::ops::sort, {&weights, 1}, {std::int64_t{0}, false}), 0};
    graph->add_output("y", ir::ops::add(x, sorted));
    const auto executable = codegen::compile(*graph);
    EXPECT_TRUE(executable->plan.calls.empty());
    const Literal input = random_literal({ir::Dtype::f32, ir::Shape{2, 300000}}, random, false);
    EXPECT_EQ(difference(ir::interpret(*graph, {{input}}), run_compiled(*executable, {{input}}, 2)), std::nullopt);
}

}  // namespace
}  // namespace lathe::testing_support
