#include "passes/pipeline.h"

#include <algorithm>
#include <chrono>

#include "ir/float_environment.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"

namespace lathe::passes {
namespace {

class Runner {
public:
    explicit Runner(const PipelineOptions& options) : options_(options) {
        for (const std::string& name : options.off) {
            const Pass* pass = find_pass(name);
            if (pass == nullptr || !pass->optional)
                throw UserError("there is no pass '" + name + "' that can be switched off");
        }
    }

    Program run(const ir::Graph& graph) {
        const ir::Graph* current = &graph;
        for (const Pass& pass : pipeline)
            if (const auto* run = std::get_if<GraphPass>(&pass.run); run != nullptr && !off(pass)) {
                start();
                if (std::unique_ptr<ir::Graph> next = (*run)(*current)) {
                    program_.graph = std::move(next);
                    current = program_.graph.get();
                }
                if (options_.verify) require_sound(pass, ir::verify(*current), [&] { return ir::print(*current); });
                report({.pass = &pass, .graph = current});
            }
        for (const Pass& pass : pipeline)
            if (const auto* run = std::get_if<FusePass>(&pass.run)) {
                start();
                FuseOptions fuse = options_.fuse;
                fuse.enabled = fuse.enabled && !off(pass);
                program_.fused = (*run)(*current, fuse);
                report({.pass = &pass, .fused = &program_.fused});
            }
        for (const Group& group : program_.fused.groups)
            for (LoweredKernel& k : kernels(group)) program_.kernels.push_back(std::move(k));
        return std::move(program_);
    }

private:
    std::vector<LoweredKernel> kernels(const Group& group) {
        std::vector<LoweredKernel> out;
        for (const Pass& pass : pipeline) {
            if (const auto* lower_group = std::get_if<LowerPass>(&pass.run)) {
                start();
                out.push_back((*lower_group)(group));
                finish(pass, out.back());
            } else if (const auto* cut = std::get_if<KernelsPass>(&pass.run); cut != nullptr && !off(pass)) {
                std::vector<LoweredKernel> parts;
                for (LoweredKernel& kernel : out) {
                    start();
                    for (LoweredKernel& part : (*cut)(std::move(kernel), options_.target)) {
                        finish(pass, part);
                        parts.push_back(std::move(part));
                    }
                }
                out = std::move(parts);
            } else if (!off(pass)) {
                for (LoweredKernel& kernel : out) {
                    start();
                    if (const auto* rewrite = std::get_if<LoopPass>(&pass.run))
                        (*rewrite)(kernel.nest, options_.target);
                    else if (const auto* kernel_pass = std::get_if<KernelPass>(&pass.run))
                        (*kernel_pass)(kernel, options_.target);
                    else
                        continue;
                    finish(pass, kernel);
                }
            }
        }
        for (LoweredKernel& kernel : out) renumber(kernel);
        return out;
    }

    void finish(const Pass& pass, LoweredKernel& kernel) {
        if (options_.verify || options_.observe) renumber(kernel);  // for those who look; else once at the end
        if (options_.verify) require_sound(pass, ir::verify(kernel.nest), [&] { return ir::print(kernel.nest); });
        report({.pass = &pass, .kernel = &kernel});
    }

    static void renumber(LoweredKernel& kernel) {
        const Renumbering numbers = canonicalize(kernel.nest);
        std::vector<ir::Dim> extents;
        for (ir::Dim d : numbers.extents) extents.push_back(kernel.over_graph(d));
        kernel.extents = std::move(extents);
        std::vector<Memory> arguments;
        for (std::size_t i : numbers.arguments) arguments.push_back(kernel.arguments[i]);
        kernel.arguments = std::move(arguments);
    }

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
    Program program_;
    std::chrono::steady_clock::time_point started_;
};

}  // namespace

const Pass* find_pass(std::string_view name) {
    const auto* found = std::ranges::find(pipeline, name, &Pass::name);
    return found == std::end(pipeline) ? nullptr : found;
}

Program run_pipeline(const ir::Graph& graph, const PipelineOptions& options) {
    const ir::FloatEnvironment floats;
    return Runner(options).run(graph);
}

}  // namespace lathe::passes
