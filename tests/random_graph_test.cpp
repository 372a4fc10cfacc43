// Random graphs through every configuration of the compiler: the bits of the graph interpreter, always.
#include "tools/fuzz/random_graph.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <string_view>

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/ops/control.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/pipeline.h"
#include "tests/configurations.h"
#include "tests/run_program.h"
#include "tools/fuzz/describe.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

// Graphs by test and by shard of it. Another first seed, from the environment, tries graphs that nobody has seen.
constexpr int loop_graphs = 5000, loop_graphs_a_shard = 100;
constexpr int jit_graphs = 500, jit_graphs_a_shard = 25;
constexpr int aot_graphs = 50, aot_graphs_a_shard = 10;
constexpr RandomGraphOptions compiled_graphs{.nodes = 8};  // compiling costs more than running

std::uint64_t first_seed() {
    const char* text = std::getenv("LATHE_FIRST_SEED");
    return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

class RandomGraphs : public testing::TestWithParam<int> {
protected:
    // Calls f(seed) for the seeds of this shard, until one fails.
    template <class F>
    static void for_each_seed(int count, F&& f) {
        for (int k = 0; k < count && !HasFailure(); ++k)
            f(first_seed() + static_cast<std::uint64_t>(GetParam() * count + k));
    }
    static GraphCase case_of(const RandomGraph& sample, std::size_t binding) {
        return {{sample.graph.get(), [](const auto*) {}}, sample.inputs[binding]};
    }
};
using RandomGraphsInLoops = RandomGraphs;
using RandomGraphsCompiled = RandomGraphs;
using RandomGraphsAhead = RandomGraphs;

// Runs one program for all choices of symbols, as one plan does.
std::optional<std::string> loops_fault(const RandomGraph& sample, const std::vector<std::vector<Literal>>& expected,
                                       const passes::PipelineOptions& options, std::size_t& binding) {
    try {
        const ir::Program program = passes::run_pipeline(*sample.graph, options).program;
        // Passes that are left out see one choice each: interpreting is what this test spends its time on.
        const std::size_t end = options.off.empty() ? sample.inputs.size() : binding + 1;
        for (binding = options.off.empty() ? 0 : binding; binding < end; ++binding)
            if (auto found = difference(expected[binding], ir::interpret(program, sample.inputs[binding])))
                return found;
        return std::nullopt;
    } catch (const std::exception& e) {
        return e.what();
    }
}

// print, parse, print is a fixed point, at both levels.
void expect_texts_fixed(const ir::Graph& graph) {
    const std::string text = ir::print(graph);
    EXPECT_EQ(ir::print(*ir::parse_graph(text, "t.lir")), text);
    const ir::Program program = passes::run_pipeline(graph).program;
    ir::for_each_kernel(program, [](const ir::Program::Kernel& kernel) {
        const std::string loops = ir::print(kernel.nest);
        EXPECT_EQ(ir::print(ir::parse_loop_nest(loops, "t.lir")), loops);
    });
}

TEST_P(RandomGraphsInLoops, GiveTheBitsOfTheInterpreter) {
    for_each_seed(loop_graphs_a_shard, [](std::uint64_t seed) {
        const RandomGraph sample = random_graph(seed);
        ASSERT_EQ(ir::verify(*sample.graph), std::vector<std::string>()) << ir::print(*sample.graph);
        std::vector<std::vector<Literal>> expected;
        for (const std::vector<Literal>& inputs : sample.inputs)
            expected.push_back(ir::interpret(*sample.graph, inputs));
        if (seed % 8 == 0) expect_texts_fixed(*sample.graph);
        for (const std::vector<std::string>& off : switched_off()) {
            passes::PipelineOptions options;
            options.off = off;
            options.verify = true;
            if (seed % 2 == 1) options.target = {32, 16};
            if (seed % 4 >= 2) options.target.staged_elements = 0;
            std::size_t binding = seed % sample.inputs.size();
            if (!loops_fault(sample, expected, options, binding)) continue;
            report(case_of(sample, binding), through_loops(options),
                   "seed " + std::to_string(seed) + (off.empty() ? ", all passes" : ", without " + off[0]));
            return;
        }
    });
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphsInLoops, testing::Range(0, loop_graphs / loop_graphs_a_shard));

TEST_P(RandomGraphsCompiled, GiveTheBitsOfTheInterpreter) {
    for_each_seed(jit_graphs_a_shard, [](std::uint64_t seed) {
        const RandomGraph sample = random_graph(seed, compiled_graphs);
        // Loops first: they say what is wrong where code would crash.
        std::vector<std::pair<std::string, Check>> checks{{"loops", through_loops({})}};
        for (const std::string& target : targets_here()) checks.emplace_back(target, through_jit(target));
        for (const auto& [name, check] : checks)
            for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
                if (!check(case_of(sample, i))) continue;
                report(case_of(sample, i), check, "seed " + std::to_string(seed) + ", " + name);
                return;
            }
        // These compile for each binding anew.
        const GraphCase one = case_of(sample, seed % sample.inputs.size());
        for (const std::string& target : targets_here())
            if (const Check check = through_jit_with_weights(target); check(one)) {
                report(one, check, "seed " + std::to_string(seed) + ", " + target + ", with weights");
                return;
            }
    });
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphsCompiled, testing::Range(0, jit_graphs / jit_graphs_a_shard));

TEST(RandomGraphSamples, HaveEveryWayOfRunningRegions) {
    std::map<std::string_view, int> drawn, drawn_inside;
    const std::function<void(const ir::Graph&, bool)> look = [&](const ir::Graph& graph, bool inside) {
        for (const ir::Node& node : graph.nodes())
            for (const ir::Graph* region : ir::regions_of(node)) {
                ++(inside ? drawn_inside : drawn)[node.op->name];
                look(*region, true);
            }
    };
    for (std::uint64_t seed = 0; seed < 400; ++seed) look(*random_graph(seed).graph, false);
    for (const ir::OpDef* op : ir::op_table())
        if (op->lowering == ir::Lowering::control) {
            EXPECT_GE(drawn[op->name], 20) << op->name;
            EXPECT_GE(drawn_inside[op->name], 1) << op->name;
        }
}

TEST(RandomGraphSamples, HaveEveryKindOfStep) {
    std::map<std::size_t, int> drawn;
    int batched = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const RandomGraph sample = random_graph(seed);
        const ir::Program program = passes::run_pipeline(*sample.graph).program;
        ir::for_each_step(program.steps, [&](const ir::Program::Step& step) {
            ++drawn[step.node.index()];
            if (const auto* batch = std::get_if<ir::Program::Batch>(&step.node); batch && batch->kernels.size() >= 5)
                ++batched;
        });
    }
    for (std::size_t kind = 1; kind < std::variant_size_v<decltype(ir::Program::Step::node)>; ++kind)
        EXPECT_GE(drawn[kind], 10) << kind;
    EXPECT_GE(batched, 5);
}

// ---- ahead of time: several models in one library

TEST_P(RandomGraphsAhead, GiveTheBitsOfTheInterpreter) {
    std::vector<RandomGraph> samples;
    std::vector<codegen::ObjectFile> objects;
    for_each_seed(aot_graphs_a_shard, [&](std::uint64_t seed) {
        samples.push_back(random_graph(seed, compiled_graphs));
        codegen::AotRequest request;
        request.name = "graph" + std::to_string(samples.size() - 1);
        // Odd graphs choose when they run, even ones have one level.
        request.targets = {codegen::target_named("avx2")};
        if (seed % 2 == 1) request.targets.push_back(codegen::target_named("avx512"));
        const codegen::AotCode code = codegen::compile_ahead(*samples.back().graph, request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    });
    const AheadLibrary library(objects, "random_graphs_" + std::to_string(GetParam()) + ".so");
    for (std::size_t k = 0; k < samples.size(); ++k)
        for (std::size_t b = 0; b < samples[k].inputs.size(); ++b) {
            const std::vector<Literal>& inputs = samples[k].inputs[b];
            const std::vector<Literal> expected = ir::interpret(*samples[k].graph, inputs);
            for (const bool threads : {false, true})
                EXPECT_EQ(
                    difference(expected,
                               library.run("graph" + std::to_string(k), *samples[k].graph, inputs, threads).outputs),
                    std::nullopt)
                    << describe(case_of(samples[k], b));
        }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphsAhead, testing::Range(0, aot_graphs / aot_graphs_a_shard));

}  // namespace
}  // namespace lathe::testing_support
