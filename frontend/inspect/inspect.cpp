#include "frontend/inspect/inspect.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "codegen/compile.h"
#include "frontend/inspect/print_stage.h"
#include "frontend/tensor/blame.h"
#include "frontend/tensor/node.h"
#include "frontend/trace/trace.h"
#include "ir/error.h"

namespace lathe {
namespace {

// What is pending as a graph; data are its inputs.
class PendingGraph final : public detail::GraphBuilder {
public:
    using GraphBuilder::GraphBuilder;

protected:
    bool is_input(detail::Node& node) override { return node.is_ready(); }
    ir::Value input(detail::Node& node) override {
        return graph_.add_parameter("x" + std::to_string(count_++), node.type, node.location());
    }

private:
    std::size_t count_ = 0;
};

// The sizes that a program was made to be fast for, or none are needed.
std::optional<std::vector<std::int64_t>> known_sizes(const runtime::Plan& plan,
                                                     const codegen::CompileOptions& options) {
    const std::vector<std::int64_t>& typical = options.pipeline.typical_symbols;
    if (typical.size() == plan.symbol_count) return typical;
    return std::nullopt;
}

std::uint64_t sum(std::span<const std::int64_t> bytes) {
    return static_cast<std::uint64_t>(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}));
}

std::optional<Statistics::Sized> sized(const runtime::Plan& plan, std::span<const std::int64_t> symbols) {
    try {
        const auto bound = runtime::bind_plan_uncached(plan, symbols);
        Statistics::Sized out;
        out.input_bytes = sum(bound->input_bytes);
        out.output_bytes = sum(bound->output_bytes);
        out.workspace_bytes = bound->workspace_bytes(bound->threads());
        // What depends on the machine, or on a loop's iteration, counts as for the first.
        std::vector<std::int64_t> all = bound->symbols;
        all.resize(all.size() + lathe_machine_symbols + plan.iteration_count, 1);
        for (const runtime::PlanTemporary& t : plan.temporaries)
            out.intermediate_bytes += static_cast<std::uint64_t>(t.bytes.evaluate(all));
        for (std::size_t s = 0; s < plan.steps.size(); ++s)
            if (plan.steps[s].kind == lathe_step_kernel) out.iterations += bound->tables->steps[s].trips;
        return out;
    } catch (const runtime::PlanError&) {
        return std::nullopt;  // typical sizes need not fit what is demanded of them
    }
}

Statistics statistics_of(const codegen::Executable& executable, const codegen::CompileOptions& options) {
    Statistics out;
    const codegen::CompileStatistics& compile = executable.statistics;
    out.operations = compile.operations;
    out.kernels = compile.kernels;
    out.compiled = compile.compiled;
    out.pass_milliseconds = compile.pass_milliseconds;
    out.code_milliseconds = compile.code_milliseconds;
    out.interpreted = executable.interpreted;
    const runtime::Plan& plan = executable.plan;
    const std::size_t first_call = plan.kernels.size() - plan.calls.size();
    out.calls = static_cast<std::size_t>(std::ranges::count_if(plan.steps, [&](const runtime::PlanStep& step) {
        return step.kind == lathe_step_kernel && step.kernel >= first_call;
    }));
    out.constant_bytes = sum(plan.constant_bytes);
    if (const auto symbols = known_sizes(plan, options)) out.sized = sized(plan, *symbols);
    return out;
}

}  // namespace

std::optional<Statistics::Sized> detail::sizes_of_run(const codegen::Executable& executable,
                                                      std::span<const std::int64_t> symbols) {
    return sized(executable.plan, symbols);
}

std::string Statistics::to_string() const {
    std::string out;
    const auto line = [&](std::string_view what, std::uint64_t value) {
        out += std::string(what) + " " + std::to_string(value) + "\n";
    };
    line("operations", operations);
    line("kernels", kernels);
    line("calls", calls);
    line("compiled", compiled);
    line("constant bytes", constant_bytes);
    if (traces != 0) line("traces", traces);
    if (runs != 0) line("runs", runs);
    if (interpreted) out += "interpreted\n";
    if (!sized) return out;
    line("iterations", static_cast<std::uint64_t>(sized->iterations));
    line("input bytes", sized->input_bytes);
    line("output bytes", sized->output_bytes);
    line("workspace bytes", sized->workspace_bytes);
    line("intermediate bytes", sized->intermediate_bytes);
    return out;
}

struct Inspection::State {
    std::shared_ptr<const ir::Graph> written, graph;  // as it was written; as it is compiled, with weights inside
    codegen::CompileOptions options;
    bool has_options = false;                               // its own, which those of a text do not change
    std::shared_ptr<const codegen::Executable> executable;  // none yet: it is compiled
};

Inspection::Inspection(State state) {
    if (!state.executable) state.executable = codegen::compile(*state.graph, state.options);
    statistics_ = statistics_of(*state.executable, state.options);
    state_ = std::make_shared<const State>(std::move(state));
}

const passes::Remarks& Inspection::remarks() const { return state_->executable->remarks; }

std::string Inspection::text(Stage stage, const TextOptions& options) const {
    codegen::CompileOptions compile = state_->options;
    if (!state_->has_options) {
        compile.target = codegen::target_named(options.target);
        compile.pipeline.off = options.off;
    }
    return print_stage(stage == Stage::graph ? *state_->written : *state_->graph, stage, compile, options);
}

Inspection inspect(const Model& model) {
    Inspection out({model.shared_graph(), model.closed_graph(), {}, false, model.executable()});
    out.statistics_.runs = model.runs();
    return out;
}

Inspection inspect(const Tensor& tensor) {
    const detail::NodeRef node = detail::resolve(tensor.node());
    if (node->symbolic) throw UserError("inspect: the tensor has no program of its own: it is a part of one");
    const auto graph = std::make_shared<ir::Graph>();
    graph->name = "lazy";
    PendingGraph builder(*graph);
    graph->add_output("y", builder.build(node.get()));
    return Inspection({graph, graph, {}, true, nullptr});
}

Inspection inspect(const JitStatistics& function) {
    if (!function.executable) throw UserError("inspect: the function has not been called: there is no program of it");
    Inspection out({function.graph, function.graph, *function.options, true, function.executable});
    out.statistics_.traces = function.traces;
    return out;
}

}  // namespace lathe
