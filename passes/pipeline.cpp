#include "passes/pipeline.h"

#include <algorithm>
#include <chrono>

#include "ir/float_environment.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

// Not owned: the caller's.
std::shared_ptr<const ir::Graph> borrowed(const ir::Graph& graph) {
    return {std::shared_ptr<const ir::Graph>(), &graph};
}

// Equal nests get equal text: their kernels compile once.
void renumber(ir::Program& program) {
    ir::for_each_kernel(program, [](ir::Program::Kernel& kernel) {
        const Renumbering numbers = canonicalize(kernel.nest);
        std::vector<ir::Dim> extents;
        for (ir::Dim d : numbers.extents) extents.push_back(kernel.over_program(d));
        kernel.extents = std::move(extents);
        std::vector<ir::Program::BufferId> arguments;
        for (std::size_t i : numbers.arguments) arguments.push_back(kernel.arguments[i]);
        kernel.arguments = std::move(arguments);
    });
}

class Runner {
public:
    explicit Runner(const PipelineOptions& options) : options_(options) {
        for (const std::string& name : options.off) {
            const Pass* pass = find_pass(name);
            if (pass == nullptr || !pass->optional)
                throw UserError("there is no pass '" + name + "' that can be switched off");
        }
    }

    Lowered run(const ir::Graph& graph) {
        graph_ = borrowed(graph);
        for (const Pass& pass : pipeline) {
            start();
            if (const auto* run = std::get_if<GraphPass>(&pass.run)) {
                if (off(pass)) continue;
                if (std::shared_ptr<const ir::Graph> next = rewrite_regions(*graph_, *run)) graph_ = std::move(next);
                if (std::shared_ptr<const ir::Graph> next = (*run)(*graph_)) graph_ = std::move(next);
                if (options_.verify) require_sound(pass, ir::verify(*graph_), [&] { return ir::print(*graph_); });
                report({.pass = &pass, .graph = graph_.get()});
                continue;
            }
            if (const auto* build = std::get_if<BuildPass>(&pass.run)) {
                FuseOptions fuse = options_.fuse;
                fuse.enabled = fuse.enabled && !off(pass);
                out_.program = (*build)(graph_, fuse, out_.remarks);
                out_.program.typical_symbols = options_.typical_symbols;
                for (const std::uint32_t input : options_.donated) out_.program.buffers[input].donated = true;
            } else if (!off(pass)) {
                std::get<ProgramPass>(pass.run)(out_.program, options_.target);
            } else {
                continue;
            }
            if (options_.verify || options_.observe) renumber(out_.program);  // for those who look
            if (options_.verify)
                require_sound(pass, ir::verify(out_.program),
                              [&] { return ir::print(out_.program, ir::Locs::hide, ir::Literals::brief); });
            report({.pass = &pass, .program = &out_.program});
        }
        renumber(out_.program);
        return std::move(out_);
    }

private:
    bool off(const Pass& pass) const { return std::ranges::find(options_.off, pass.name) != options_.off.end(); }

    template <class Print>
    static void require_sound(const Pass& pass, const std::vector<std::string>& faults, const Print& print) {
        if (faults.empty()) return;
        std::string text = "pass " + std::string(pass.name) + " left unsound IR:\n";
        for (const std::string& f : faults) text += "  " + f + "\n";
        throw InternalError(text + print());
    }

    void start() { started_ = std::chrono::steady_clock::now(); }
    void report(PassRun run) {
        if (!options_.observe) return;
        run.milliseconds =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started_).count();
        options_.observe(run);
    }

    const PipelineOptions& options_;
    std::shared_ptr<const ir::Graph> graph_;
    Lowered out_;
    std::chrono::steady_clock::time_point started_;
};

}  // namespace

const Pass* find_pass(std::string_view name) {
    const auto* found = std::ranges::find(pipeline, name, &Pass::name);
    return found == std::end(pipeline) ? nullptr : found;
}

Lowered run_pipeline(const ir::Graph& graph, const PipelineOptions& options) {
    const ir::FloatEnvironment floats;
    return Runner(options).run(graph);
}

void run_pass(const Pass& pass, ir::Program& program, const LoopTarget& target) {
    const ir::FloatEnvironment floats;
    Remarks remarks;
    if (const auto* build = std::get_if<BuildPass>(&pass.run))
        program = (*build)(program.graph, {}, remarks);
    else
        std::get<ProgramPass>(pass.run)(program, target);
}

ir::Program fused_program(std::shared_ptr<const ir::Graph> graph) {
    Remarks remarks;
    return fuse(std::move(graph), {}, remarks);
}

ir::Program lowered_program(std::shared_ptr<const ir::Graph> graph) {
    ir::Program program = fused_program(std::move(graph));
    lower(program, {});
    return program;
}

}  // namespace lathe::passes
