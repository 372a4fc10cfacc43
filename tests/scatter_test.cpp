// Scatters on several threads: each element takes its updates in the order of one thread, so that its bits are the same
// however the work is divided.
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "codegen/aot.h"
#include "codegen/compile.h"
#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dtype;
using ir::Literal;

struct Sample {
    const char* axis;
    std::string x, indices, updates;  // shapes
};
// Rows of more columns than one thread takes, rows of a few, axes behind others, and rows that are worth sharing.
const Sample samples[] = {{"0", "7, 700", "40", "40, 700"},
                          {"0", "7, 3", "40", "40, 3"},
                          {"0", "7", "40", "40"},
                          {"1", "5, 7", "6, 4", "5, 6, 4"},
                          {"1", "5, 7, 600", "9", "5, 9, 600"},
                          {"2", "3, 5, 7", "11", "3, 5, 11"},
                          {"0", "7, 200", "900", "900, 200"},
                          {"0", "7, 5, 30", "30, 20", "30, 20, 5, 30"}};

GraphCase case_of(const Sample& s, Dtype dtype, std::uint64_t seed, const std::string& row = "scatter_add") {
    const std::string d(ir::name(dtype));
    GraphCase c;
    c.graph = ir::parse_graph("graph main() {\n  %0 = parameter \"x\" : " + d + "[" + s.x +
                                  "]\n  %1 = parameter \"i\" : i32[" + s.indices + "]\n  %2 = parameter \"u\" : " + d +
                                  "[" + s.updates + "]\n  %3 = " + row + "(%0, %1, %2) {axis = " + s.axis + "} : " + d +
                                  "[" + s.x + "]\n  return \"y\" = %3\n}\n",
                              "t.lir");
    Random random(seed);
    const auto parameters = c.graph->parameters();
    for (std::size_t p = 0; p < parameters.size(); ++p)
        c.inputs.push_back(p == 1 ? random_indices(parameters[p].type(), 7, random)
                                  : random_literal(parameters[p].type(), random, true));
    return c;
}

// The same for each way of accumulating, and along lines.
const Sample lines[] = {{"0", "7, 700", "40, 700", "40, 700"},
                        {"1", "5, 7", "5, 24", "5, 24"},
                        {"0", "7", "40", "40"},
                        {"1", "6, 7, 30", "6, 9, 30", "6, 9, 30"}};
struct Row {
    const char* name;
    std::span<const Sample> samples;
};
const Row rows[] = {{"scatter_set", samples},       {"scatter_multiply", samples}, {"scatter_max", samples},
                    {"scatter_min", samples},       {"add_along_axis", lines},     {"put_along_axis", lines},
                    {"multiply_along_axis", lines}, {"max_along_axis", lines},     {"min_along_axis", lines}};

class Scatter : public testing::TestWithParam<Dtype> {};

TEST_P(Scatter, RunsAlikeEverywhere) {
    for (const Sample& s : samples) {
        const GraphCase c = case_of(s, GetParam(), 1);
        EXPECT_EQ(first_fault(c), std::nullopt) << s.x;
        const std::vector<Literal> expected = ir::interpret(*c.graph, c.inputs);
        const auto executable = codegen::compile(*c.graph);
        for (const int threads : {1, 2, 3})
            EXPECT_EQ(difference(expected, run_compiled(*executable, c.inputs, threads)), std::nullopt) << s.x;
        codegen::CompileOptions options;
        options.interpreted = true;
        EXPECT_EQ(difference(expected, run_compiled(*codegen::compile(*c.graph, options), c.inputs, 2)), std::nullopt);
    }
}

TEST_P(Scatter, OfEveryKindRunsAlikeEverywhere) {
    for (const Row& row : rows)
        for (const Sample& s : row.samples) {
            const GraphCase c = case_of(s, GetParam(), 3, row.name);
            const std::vector<Literal> expected = ir::interpret(*c.graph, c.inputs);
            const auto executable = codegen::compile(*c.graph);
            for (const int threads : {1, 3})
                EXPECT_EQ(difference(expected, run_compiled(*executable, c.inputs, threads)), std::nullopt)
                    << row.name << " " << s.x;
            codegen::CompileOptions options;
            options.interpreted = true;
            EXPECT_EQ(difference(expected, run_compiled(*codegen::compile(*c.graph, options), c.inputs, 2)),
                      std::nullopt);
        }
}

INSTANTIATE_TEST_SUITE_P(Of, Scatter, testing::Values(Dtype::f32, Dtype::f64, Dtype::bf16, Dtype::i8),
                         [](const auto& info) { return std::string(ir::name(info.param)); });

TEST(Scatters, RunAlikeAheadOfTime) {
    std::vector<GraphCase> cases;
    std::vector<codegen::ObjectFile> objects;
    for (const Sample& s : samples) {
        cases.push_back(case_of(s, Dtype::f32, 2));
        codegen::AotRequest request;
        request.name = "scatter" + std::to_string(cases.size() - 1);
        request.targets = {codegen::target_named("avx2")};
        const codegen::AotCode code = codegen::compile_ahead(*cases.back().graph, request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    }
    const AheadLibrary library(objects, "scatter.so");
    for (std::size_t k = 0; k < cases.size(); ++k)
        for (const bool threads : {false, true}) {
            const auto ahead = library.run("scatter" + std::to_string(k), *cases[k].graph, cases[k].inputs, threads);
            EXPECT_EQ(difference(ir::interpret(*cases[k].graph, cases[k].inputs), ahead.outputs), std::nullopt) << k;
        }
}

TEST(Scatters, OfEveryKindRunAlikeAheadOfTime) {
    std::vector<GraphCase> cases;
    std::vector<codegen::ObjectFile> objects;
    for (const Row& row : rows)
        for (const Sample& s : row.samples.first(3)) {
            cases.push_back(case_of(s, Dtype::f32, 4, row.name));
            codegen::AotRequest request;
            request.name = "kind" + std::to_string(cases.size() - 1);
            request.targets = {codegen::target_named("avx2")};
            const codegen::AotCode code = codegen::compile_ahead(*cases.back().graph, request);
            objects.insert(objects.end(), code.objects.begin(), code.objects.end());
        }
    const AheadLibrary library(objects, "kinds.so");
    for (std::size_t k = 0; k < cases.size(); ++k) {
        const auto ahead = library.run("kind" + std::to_string(k), *cases[k].graph, cases[k].inputs, true);
        EXPECT_EQ(difference(ir::interpret(*cases[k].graph, cases[k].inputs), ahead.outputs), std::nullopt) << k;
    }
}

TEST(Scatters, ShareColumnsOfLongRowsAndRowsThatAreNotTooShort) {
    const auto trips_and_grain = [](const Sample& s) {
        const GraphCase c = case_of(s, Dtype::f32, 1);
        const auto executable = codegen::compile(*c.graph);
        const lathe_bound_step step = runtime::bind_plan_uncached(executable->plan, {})->tables->steps[0];
        return std::pair(step.trips, step.grain > 0);
    };
    EXPECT_EQ(trips_and_grain(samples[0]).first, 3);
    EXPECT_EQ(trips_and_grain(samples[1]), std::pair(std::int64_t{7}, false)) << "too short to look for";
    EXPECT_EQ(trips_and_grain(samples[2]), std::pair(std::int64_t{1}, false));
    EXPECT_EQ(trips_and_grain(samples[3]).first, 5);
    EXPECT_EQ(trips_and_grain(samples[6]), std::pair(std::int64_t{7}, true));
}

// Every thread meets it, and all say the same.
TEST(Scatters, FindTheFirstIndexOutOfRange) {
    for (const std::size_t sample : {0, 6}) {
        GraphCase c = case_of(samples[sample], Dtype::f32, 1);
        const ir::Type type = c.inputs[1].type;
        std::vector<std::int32_t> indices(static_cast<std::size_t>(type.shape.element_count().constant()), 3);
        indices[11] = 7;
        indices[25] = -1;
        c.inputs[1] = ir::make_literal(type, std::as_bytes(std::span(indices)));
        for (const int threads : {1, 3}) try {
                run_compiled(*codegen::compile(*c.graph), c.inputs, threads);
                ADD_FAILURE() << "no fault";
            } catch (const IndexError& e) {
                EXPECT_NE(std::string(e.what()).find("7 at position 11 is out of range for 7"), std::string::npos)
                    << e.what();
            }
    }
}

}  // namespace
}  // namespace lathe::testing_support
