// Random graphs through every configuration of the compiler: the bits of the graph interpreter, always.
#include "tests/random_graph.h"

#include <functional>

#include <gtest/gtest.h>

#include "ir/error.h"
#include "ir/graph_text.h"
#include "ir/interpret.h"
#include "ir/op.h"
#include "passes/pipeline.h"
#include "tests/reduce_graph.h"
#include "tests/run_program.h"
#include "tests/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

// What went wrong with a case, in words.
using Check = std::function<std::optional<std::string>(const GraphCase&)>;

// Reports the smallest case that a check fails on.
void report(const GraphCase& failing, const Check& check, const std::string& configuration) {
    const GraphCase small = reduce(failing, [&](const GraphCase& c) { return check(c).has_value(); });
    ADD_FAILURE() << configuration << ": " << check(failing).value_or("fails now and then")
                  << "\nreduced: " << check(small).value_or("fails now and then") << "\n"
                  << describe(small);
}

Check through_loops(const passes::PipelineOptions& options) {
    return [options](const GraphCase& c) -> std::optional<std::string> {
        try {
            return difference(ir::interpret(*c.graph, c.inputs),
                              run_loops(passes::run_pipeline(*c.graph, options), c.inputs));
        } catch (const std::exception& e) {
            return e.what();
        }
    };
}

std::vector<std::vector<std::string>> switched_off() {
    std::vector<std::vector<std::string>> sets{{}};
    for (const passes::Pass& pass : passes::pipeline)
        if (pass.optional) sets.push_back({std::string(pass.name)});
    return sets;
}

std::string name_of(const std::vector<std::string>& off) { return off.empty() ? "all passes" : "without " + off[0]; }

// Runs one program for all choices of symbols, as one plan does.
void expect_loops_agree(std::uint64_t seed, const RandomGraph& sample,
                        const std::vector<std::vector<Literal>>& expected, const std::vector<std::string>& off) {
    passes::PipelineOptions options;
    options.off = off;
    options.verify = true;
    if (seed % 2 == 1) options.target = {32, 16};
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
        std::optional<std::string> fault;
        try {
            const passes::Program program = passes::run_pipeline(*sample.graph, options);
            for (; i < sample.inputs.size() && !fault; ++i)
                if ((fault = difference(expected[i], run_loops(program, sample.inputs[i])))) break;
        } catch (const std::exception& e) {
            fault = e.what();
        }
        if (!fault) return;
        const GraphCase failing{{sample.graph.get(), [](const auto*) {}}, sample.inputs[i]};
        report(failing, through_loops(options), "seed " + std::to_string(seed) + ", " + name_of(off));
        return;
    }
}

std::vector<std::vector<Literal>> reference(const RandomGraph& sample) {
    std::vector<std::vector<Literal>> expected;
    for (const std::vector<Literal>& inputs : sample.inputs) expected.push_back(ir::interpret(*sample.graph, inputs));
    return expected;
}

class RandomGraphs : public testing::TestWithParam<int> {};

constexpr int graphs = 5000, graphs_a_shard = 100;

TEST_P(RandomGraphs, LoopsGiveTheInterpretersBits) {
    for (int k = 0; k < graphs_a_shard && !HasFailure(); ++k) {
        const auto seed = static_cast<std::uint64_t>(GetParam() * graphs_a_shard + k);
        const RandomGraph sample = random_graph(seed);
        ASSERT_EQ(ir::verify(*sample.graph), std::vector<std::string>()) << ir::print(*sample.graph);
        const std::vector<std::vector<Literal>> expected = reference(sample);
        for (const std::vector<std::string>& off : switched_off())
            if (!HasFailure()) expect_loops_agree(seed, sample, expected, off);
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, testing::Range(0, graphs / graphs_a_shard));

}  // namespace
}  // namespace lathe::testing_support
