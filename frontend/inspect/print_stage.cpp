#include "frontend/inspect/print_stage.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codegen/kernels.h"
#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/program/text.h"

namespace lathe {
namespace {

struct StageRow {
    Stage stage;
    std::string_view name, doc;
    // Of a kernel; how a comment begins in its language.
    std::string (*print_kernel)(const ir::LoopNest& nest, const codegen::Target& target) = nullptr;
    std::string_view comment = "";
};

constexpr StageRow rows[] = {
    {Stage::graph, "graph", "as it was traced or written"},
    {Stage::optimized, "optimized", "simplified"},
    {Stage::fused, "fused", "which nodes share a kernel, and why others do not"},
    {Stage::program, "program", "buffers, and the steps that run, with their loop nests"},
    {Stage::loops, "loops", "the scheduled loop nest of each kernel",
     [](const ir::LoopNest& nest, const codegen::Target&) { return ir::print(nest); }, "//"},
    {Stage::llvm, "llvm", "LLVM's IR of each kernel", codegen::emit_llvm, ";"},
    {Stage::assembly, "asm", "the machine code of each kernel", codegen::emit_asm, "#"},
};

const StageRow& row(Stage stage) { return *std::ranges::find(rows, stage, &StageRow::stage); }

ir::Locs locs(const TextOptions& options) { return options.locations ? ir::Locs::show : ir::Locs::hide; }
ir::Literals literals(const TextOptions& options) { return options.whole ? ir::Literals::whole : ir::Literals::brief; }

std::string print_kernels(const ir::Program& program, Stage stage, const codegen::Target& target) {
    std::string text;
    for (const ir::Program::Step& step : program.steps) {
        // Below the source lines that it computes.
        std::string lines;
        if (step.loc.known()) lines = std::string(row(stage).comment) + " " + step.loc.to_string() + "\n";
        ir::Program one;
        one.steps.push_back(step);
        ir::for_each_kernel(one, [&](const ir::Program::Kernel& kernel) {
            add_kernel(text, std::exchange(lines, "") + print_kernel(kernel.nest, stage, target));
        });
    }
    return text;
}

}  // namespace

std::string_view name(Stage stage) { return row(stage).name; }
std::string_view describe(Stage stage) { return row(stage).doc; }

std::span<const Stage> all_stages() {
    static constexpr auto stages = [] {
        std::array<Stage, std::size(rows)> out{};
        std::ranges::transform(rows, out.begin(), &StageRow::stage);
        return out;
    }();
    return stages;
}

bool is_of_kernels(Stage stage) { return row(stage).print_kernel != nullptr; }

std::string print_kernel(const ir::LoopNest& nest, Stage stage, const codegen::Target& target) {
    return row(stage).print_kernel(nest, target);
}

std::string print_stage(const ir::Program& program, Stage stage, const codegen::Target& target,
                        const TextOptions& options) {
    if (is_of_kernels(stage)) return print_kernels(program, stage, target);
    if (stage != Stage::program)
        throw UserError("the stage " + std::string(name(stage)) + " is one of graphs, and this is a program");
    return ir::print(program, locs(options), literals(options));
}

std::string print_stage(const ir::Graph& graph, Stage stage, const codegen::CompileOptions& compile,
                        const TextOptions& options) {
    if (stage == Stage::graph) return ir::print(graph, locs(options), literals(options));
    passes::PipelineOptions pipeline = compile.pipeline;
    pipeline.target = codegen::loop_target(compile.target);
    pipeline.donated = compile.donated;
    std::string fused;
    if (stage == Stage::fused)
        pipeline.observe = [&](const passes::PassRun& run) {
            if (std::holds_alternative<passes::BuildPass>(run.pass->run))
                fused = ir::print(*run.program, locs(options), literals(options));
        };
    const passes::Lowered lowered = passes::run_pipeline(graph, pipeline);
    if (stage == Stage::optimized) return ir::print(*lowered.program.graph, locs(options), literals(options));
    if (stage == Stage::fused) {
        for (const passes::Remark& r : lowered.remarks) fused += "// " + r.to_string() + "\n";
        return fused;
    }
    return print_stage(lowered.program, stage, compile.target, options);
}

void add_kernel(std::string& text, std::string kernel) {
    if (!kernel.ends_with('\n')) kernel += '\n';
    text += (text.empty() ? "" : "\n") + kernel;
}

}  // namespace lathe
