#include "tools/fuzz/ways.h"

#include <algorithm>
#include <numeric>

#include "codegen/aot.h"
#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "passes/graph/rebuild.h"
#include "runtime/aot.h"
#include "tools/fuzz/fixed_case.h"
#include "tools/fuzz/run_ahead.h"
#include "tools/fuzz/run_program.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;
using Outcome = std::optional<std::pair<std::size_t, Fault>>;
using About = std::function<void(std::size_t)>;

// Runs each choice of the symbols' values in turn; what is thrown is a fault, too.
template <class F>
Outcome one_by_one(std::span<const DrawnGraph> graphs, const About& about, const F& fault_of) {
    for (std::size_t g = 0; g < graphs.size(); ++g) {
        about(g);
        std::size_t binding = 0;
        try {
            if (auto what = fault_of(graphs[g], binding)) return {{g, {binding, *what}}};
        } catch (const std::exception& e) {
            return {{g, {binding, e.what()}}};
        }
    }
    return std::nullopt;
}

template <class F>
std::optional<std::string> first_difference(const DrawnGraph& graph, std::size_t& binding, const F& run) {
    for (binding = 0; binding < graph.expected.size(); ++binding)
        if (auto found = difference(graph.expected[binding], run(graph.sample.inputs[binding]))) return found;
    return std::nullopt;
}

// ---- loops: the passes, verified, some with another width of vectors, and one pass left out

passes::PipelineOptions loop_options(std::uint64_t seed, bool complete) {
    passes::PipelineOptions options;
    options.verify = true;
    if (seed % 2 == 1) options.target = {32, 16};
    if (seed % 4 >= 2) options.target.staged_elements = 0;
    const auto sets = switched_off();
    if (!complete) options.off = sets[1 + seed / 4 % (sets.size() - 1)];
    return options;
}

Outcome run_loops(std::span<const DrawnGraph> graphs, const About& about) {
    return one_by_one(graphs, about, [](const DrawnGraph& graph, std::size_t& binding) {
        const ir::Program program = passes::run_pipeline(*graph.sample.graph, loop_options(graph.seed, true)).program;
        return first_difference(graph, binding,
                                [&](const std::vector<Literal>& x) { return ir::interpret(program, x); });
    });
}
Outcome run_without(std::span<const DrawnGraph> graphs, const About& about) {
    return one_by_one(graphs, about, [](const DrawnGraph& graph, std::size_t& binding) -> std::optional<std::string> {
        const passes::PipelineOptions options = loop_options(graph.seed, false);
        const ir::Program program = passes::run_pipeline(*graph.sample.graph, options).program;
        binding = graph.seed % graph.expected.size();
        if (auto found = difference(graph.expected[binding], ir::interpret(program, graph.sample.inputs[binding])))
            return "without " + options.off[0] + ": " + *found;
        return std::nullopt;
    });
}

// ---- compiled

Outcome run_jit(std::span<const DrawnGraph> graphs, const About& about) {
    return one_by_one(graphs, about, [](const DrawnGraph& graph, std::size_t& binding) -> std::optional<std::string> {
        for (const std::string& target : runnable_targets())
            for (const bool donate : {false, true}) {
                codegen::CompileOptions options;
                options.target = codegen::target_named(target);
                options.donated.resize(donate ? graph.sample.graph->parameters().size() : 0);
                std::iota(options.donated.begin(), options.donated.end(), 0U);
                const auto executable = codegen::compile(*graph.sample.graph, options);
                if (donate && executable->plan.donations.empty()) continue;
                for (const int threads : {1, 2})
                    if (auto found = first_difference(graph, binding, [&](const std::vector<Literal>& x) {
                            return run_compiled(*executable, x, threads);
                        }))
                        return target + ", " + std::to_string(threads) + " threads" + (donate ? ", donated: " : ": ") +
                               *found;
            }
        return std::nullopt;
    });
}

Outcome run_weights(std::span<const DrawnGraph> graphs, const About& about) {
    return one_by_one(graphs, about, [](const DrawnGraph& graph, std::size_t& binding) -> std::optional<std::string> {
        binding = graph.seed % graph.expected.size();
        for (const std::string& target : runnable_targets())
            if (auto found = through_jit_with_weights(target)(graph.case_of(binding))) return target + ": " + *found;
        return std::nullopt;
    });
}

// ---- ahead of time

Outcome run_ahead(std::span<const DrawnGraph> graphs, const About& about) {
    std::vector<codegen::ObjectFile> objects;
    const auto name_of = [](std::size_t g) { return "graph" + std::to_string(g); };
    Outcome refused = one_by_one(graphs, about, [&](const DrawnGraph& graph, std::size_t&) {
        codegen::AotRequest request;
        request.name = name_of(static_cast<std::size_t>(&graph - graphs.data()));
        // Some graphs choose when they run, fewer of them where the choice is known, the others have one level.
        request.targets = {codegen::target_named("avx2")};
        const codegen::Target more = codegen::target_named("avx512");
        if (graph.seed % (more.runs_here ? 2 : 16) == 1) request.targets.push_back(more);
        const codegen::AotCode code = codegen::compile_ahead(*graph.sample.graph, request);
        objects.insert(objects.end(), code.objects.begin(), code.objects.end());
        return std::optional<std::string>();
    });
    if (refused) return refused;
    const AheadLibrary library(objects, "random_graphs.so");
    return one_by_one(graphs, about, [&](const DrawnGraph& graph, std::size_t& binding) -> std::optional<std::string> {
        for (const bool threads : {false, true})
            if (auto found = first_difference(graph, binding, [&](const std::vector<Literal>& x) {
                    const std::string name = name_of(static_cast<std::size_t>(&graph - graphs.data()));
                    AheadLibrary::Run run = library.run(name, *graph.sample.graph, x, threads);
                    if (run.status != LATHE_STATUS_OK)
                        throw InternalError("the model returns " + std::to_string(run.status) + " " + run.fault);
                    return std::move(run.outputs);
                }))
                return (threads ? "all threads: " : "one thread: ") + *found;
        return std::nullopt;
    });
}

// ---- text: every stage reads back

std::optional<std::string> text_fault(const ir::Graph& graph) {
    const std::string text = ir::print(graph);
    if (ir::print(*ir::parse_graph(text, "graph.lir")) != text) return "the graph's text does not read back";
    const std::string program = ir::print(passes::run_pipeline(graph).program);
    if (ir::print(ir::parse_program(program, "program.lir")) != program) return "the program's text does not read back";
    return std::nullopt;
}

Outcome run_text(std::span<const DrawnGraph> graphs, const About& about) {
    return one_by_one(graphs, about,
                      [](const DrawnGraph& graph, std::size_t&) { return text_fault(*graph.sample.graph); });
}

// ---- a compiler that is wrong, on purpose

// The graph with the operands of every elementwise op of two exchanged, where the order of such counts.
std::vector<Literal> interpret_exchanged(const GraphCase& c) {
    const auto graph = passes::rebuild(*c.graph, [](ir::Graph& into, const ir::Node& node, const passes::ValueMap& to) {
        std::vector<ir::Value> operands = passes::mapped(to, std::span(node.operands));
        const bool exchange = node.op->lowering == ir::Lowering::elementwise && operands.size() == 2 &&
                              !node.op->commutative && operands[0].type() == operands[1].type();
        if (exchange) std::swap(operands[0], operands[1]);
        return passes::results_of(into.add(*node.op, operands, node.attributes));
    });
    return ir::interpret(*graph, c.inputs);
}
Outcome run_exchanged(std::span<const DrawnGraph> graphs, const About& about) {
    return one_by_one(graphs, about, [](const DrawnGraph& graph, std::size_t& binding) {
        return first_difference(
            graph, binding, [&](const std::vector<Literal>&) { return interpret_exchanged(graph.case_of(binding)); });
    });
}

constexpr Way table[] = {
    {"text", "every stage as text reads back", true, run_text,
     [](std::uint64_t) -> Check { return [](const GraphCase& c) { return text_fault(*c.graph); }; }},
    {"loops", "all passes, verified; the interpreter of loop nests", true, run_loops,
     [](std::uint64_t seed) { return through_loops(loop_options(seed, true)); }},
    {"without", "the same without one pass, which the seed chooses", true, run_without,
     [](std::uint64_t seed) { return through_loops(loop_options(seed, false)); }},
    {"jit", "compiled, for all sizes; on one thread and two; with donated inputs", true, run_jit,
     [](std::uint64_t) { return through_jit(runnable_targets().back()); }},
    {"weights", "compiled for given sizes, some inputs constant, others prepared", true, run_weights,
     [](std::uint64_t) { return through_jit_with_weights(runnable_targets().back()); }},
    {"aot", "ahead of time, some models in one library; on one thread and all", true, run_ahead,
     [](std::uint64_t) { return through_ahead("avx2"); }},
    {"exchanged", "a wrong compiler, to see that it is found: operands change places", false, run_exchanged,
     [](std::uint64_t) -> Check {
         return
             [](const GraphCase& c) { return difference(ir::interpret(*c.graph, c.inputs), interpret_exchanged(c)); };
     }},
};

}  // namespace

DrawnGraph draw_graph(std::uint64_t seed) {
    DrawnGraph drawn{seed, random_graph(seed, small_graphs), {}};
    for (const std::vector<Literal>& inputs : drawn.sample.inputs)
        drawn.expected.push_back(ir::interpret(*drawn.sample.graph, inputs));
    return drawn;
}

std::span<const Way> ways() { return table; }

const Way* find_way(std::string_view name) {
    const auto found = std::ranges::find(table, name, &Way::name);
    return found == std::end(table) ? nullptr : &*found;
}

}  // namespace lathe::testing_support
