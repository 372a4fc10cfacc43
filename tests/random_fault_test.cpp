// Random graphs with an index that is out of range: every configuration says what the graph interpreter says, the node,
// the index and its position, and memory that outputs were to take over is as before.
#include <cstring>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/ops/ops.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "passes/pipeline.h"
#include "runtime/aot.h"
#include "tests/configurations.h"
#include "tests/op_samples.h"
#include "tests/run_program.h"
#include "tools/fuzz/random_graph.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

struct Faulty {
    std::shared_ptr<ir::Graph> graph;  // read from text, so that every node has a line
    std::vector<Literal> inputs;
    std::string expected;  // what the interpreter says
};

template <class Run>
std::string fault_of(const Run& run) {
    try {
        run();
        return "no fault";
    } catch (const IndexError& e) {
        return e.what();
    }
}

// The one node that takes the parameter for indices, if there is one.
const ir::Node* reader_of(const ir::Graph& graph, ir::Value parameter) {
    const ir::Node* reader = nullptr;
    for (const ir::Node& node : graph.nodes()) {
        if (!node.op->indices || node.operands[node.op->indices.operand] != parameter) continue;
        if (reader != nullptr) return nullptr;
        reader = &node;
    }
    return reader;
}

// What the indices of a node stay below.
ir::Dim bound_of(const ir::Node& node) { return node.op->indices.bound(operand_types(node), node.attributes); }

// An index that no axis of that extent has, if the dtype can hold one.
std::optional<std::uint64_t> outside(ir::Dtype d, std::int64_t bound, Random& random) {
    const unsigned bits = 8 * static_cast<unsigned>(size_of(d)) - (is_signed_integer(d) ? 1 : 0);
    const std::uint64_t most = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    std::vector<std::uint64_t> choices;
    if (static_cast<std::uint64_t>(bound) <= most) choices = {static_cast<std::uint64_t>(bound), most};
    if (is_signed_integer(d)) choices.insert(choices.end(), {~std::uint64_t{0}, most + 1});  // -1 and the least
    if (choices.empty()) return std::nullopt;
    return choices[static_cast<std::size_t>(below(random, static_cast<std::int64_t>(choices.size())))];
}

std::vector<Faulty> faulty(std::uint64_t seed) {
    std::vector<Faulty> out;
    Random random(seed);
    const RandomGraph sample = random_graph(seed, {.nodes = 12});
    for (const std::size_t i : sample.indices) {
        const ir::Node* const reader = reader_of(*sample.graph, sample.graph->parameters()[i]);
        if (reader == nullptr) continue;
        for (const std::vector<Literal>& inputs : sample.inputs) {
            Faulty f{ir::parse_graph(ir::print(*sample.graph), "t.lir"), inputs, {}};
            // An output, so that all of it is needed.
            f.graph->add_output("indexed", {&f.graph->nodes()[reader->id], 0});
            std::vector<ir::Type> types;
            for (const Literal& x : inputs) types.push_back(x.type);
            const std::int64_t bound = bound_of(*reader).evaluate(ir::bind_symbols(*f.graph, types)).value();
            const auto index = outside(inputs[i].type.dtype, bound, random);
            std::vector<std::byte> bytes = elements_of(inputs[i]);
            if (!index || bytes.empty()) continue;
            const std::size_t size = size_of(inputs[i].type.dtype);
            const auto at = static_cast<std::size_t>(below(random, static_cast<std::int64_t>(bytes.size() / size)));
            std::memcpy(bytes.data() + at * size, &*index, size);
            f.inputs[i] = ir::make_literal(inputs[i].type, bytes);
            f.expected = fault_of([&] { ir::interpret(*f.graph, f.inputs); });
            if (f.expected != "no fault") out.push_back(std::move(f));  // the index of nothing is not read
        }
    }
    return out;
}

constexpr int loop_graphs = 400, jit_graphs = 120, aot_graphs = 20;

TEST(RandomFaults, loops_name_the_node) {
    int cases = 0;
    for (std::uint64_t seed = 0; seed < loop_graphs && !HasFailure(); ++seed)
        for (const Faulty& f : faulty(seed))
            for (const std::vector<std::string>& off : switched_off()) {
                passes::PipelineOptions options;
                options.off = off;
                EXPECT_EQ(fault_of([&] { ir::interpret(passes::run_pipeline(*f.graph, options).program, f.inputs); }),
                          f.expected)
                    << "seed " << seed << (off.empty() ? "" : " without " + off[0]) << "\n"
                    << ir::print(*f.graph);
                ++cases;
            }
    EXPECT_GT(cases, loop_graphs / 4);
}

TEST(RandomFaults, compiled_code_names_the_node_and_spares_donated_memory) {
    int cases = 0;
    int donations = 0;
    for (std::uint64_t seed = 1000; seed < 1000 + jit_graphs && !HasFailure(); ++seed)
        for (const Faulty& f : faulty(seed))
            for (const std::string& target : targets_here()) {
                codegen::CompileOptions options;
                options.target = codegen::target_named(target);
                options.donated.resize(f.inputs.size());
                std::iota(options.donated.begin(), options.donated.end(), 0U);
                const auto executable = codegen::compile(*f.graph, options);
                donations += static_cast<int>(executable->plan.donations.size());
                for (const int threads : {1, 2})
                    EXPECT_EQ(fault_of([&] { run_compiled(*executable, f.inputs, threads); }), f.expected)
                        << "seed " << seed << ", " << target << "\n"
                        << ir::print(*f.graph);
                ++cases;
            }
    EXPECT_GT(cases, jit_graphs / 4);
    EXPECT_GT(donations, 0);
}

TEST(RandomFaults, models_compiled_ahead_say_the_same) {
    std::vector<Faulty> all;
    for (std::uint64_t seed = 2000; all.size() < aot_graphs; ++seed)
        for (Faulty& f : faulty(seed)) all.push_back(std::move(f));
    std::vector<codegen::ObjectFile> objects;
    for (std::size_t k = 0; k < all.size(); ++k) {
        codegen::AotRequest request;
        request.name = "graph" + std::to_string(k);
        request.targets = {codegen::target_named("avx2")};
        const codegen::AotCode code = codegen::compile_ahead(*all[k].graph, request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
    }
    const AheadLibrary library(objects, "random_faults.so");
    for (std::size_t k = 0; k < all.size(); ++k)
        for (const bool threads : {false, true}) {
            const auto run = library.run("graph" + std::to_string(k), *all[k].graph, all[k].inputs, threads);
            EXPECT_EQ(run.status, LATHE_STATUS_INDEX) << ir::print(*all[k].graph);
            EXPECT_EQ(run.fault, all[k].expected) << ir::print(*all[k].graph);
        }
}

}  // namespace
}  // namespace lathe::testing_support
