// lathe print: a model, or kernels, at one stage of compilation.
#include <algorithm>
#include <memory>

#include "codegen/compile.h"
#include "codegen/kernels.h"
#include "codegen/target.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/program/text.h"
#include "passes/pipeline.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/models.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string path, stage, target = "host";
    std::vector<std::string> off;
    bool locations = false, whole = false;
};

std::string print_graph(const ir::Graph& graph, const Request& request) {
    return ir::print(graph, request.locations ? ir::Locs::show : ir::Locs::hide,
                     request.whole ? ir::Literals::whole : ir::Literals::brief);
}

passes::Lowered lower(const ir::Graph& graph, const Request& request) {
    passes::PipelineOptions options;
    options.target = codegen::loop_target(codegen::target_named(request.target));
    options.off = request.off;
    return passes::run_pipeline(graph, options);
}

// The program up to fusion, and what was not fused.
std::string print_fused(const ir::Graph& graph, const Request& request) {
    passes::PipelineOptions options;
    options.target = codegen::loop_target(codegen::target_named(request.target));
    options.off = request.off;
    std::string text;
    options.observe = [&](const passes::PassRun& run) {
        if (std::holds_alternative<passes::BuildPass>(run.pass->run)) text = ir::print(*run.program);
    };
    for (const passes::Remark& r : passes::run_pipeline(graph, options).remarks) text += "// " + r.to_string() + "\n";
    return text;
}

// A stage prints a whole graph, or kernel by kernel.
struct Stage {
    std::string_view name, doc;
    std::string (*print)(const ir::Graph& graph, const Request& request) = nullptr;
    std::string (*print_kernel)(const ir::LoopNest& nest, const codegen::Target& target) = nullptr;
    std::string_view comment = "";  // how one begins in the kernel's language
};

constexpr Stage stages[] = {
    {"graph", "as it was traced or written", print_graph},
    {"optimized", "simplified",
     [](const ir::Graph& graph, const Request& r) { return print_graph(*lower(graph, r).program.graph, r); }},
    {"fused", "which nodes share a kernel, and why others do not",
     [](const ir::Graph& graph, const Request& r) { return print_fused(graph, r); }},
    {"program", "buffers, and the steps that run, with their loop nests",
     [](const ir::Graph& graph, const Request& r) { return ir::print(lower(graph, r).program); }},
    {"loops", "the scheduled loop nest of each kernel", nullptr,
     [](const ir::LoopNest& nest, const codegen::Target&) { return ir::print(nest); }, "//"},
    {"llvm", "LLVM's IR of each kernel", nullptr, codegen::emit_llvm, ";"},
    {"asm", "the machine code of each kernel", nullptr, codegen::emit_asm, "#"},
};

const Stage& stage_named(std::string_view name) { return *std::ranges::find(stages, name, &Stage::name); }

std::string print_model(const Model& model, const Stage& stage, const Request& request) {
    // What is compiled has the weights as constants; as it was traced they are parameters.
    if (&stage == &stages[0]) return stage.print(model.graph(), request);
    const std::unique_ptr<ir::Graph> graph = model.closed_graph();
    if (stage.print) return stage.print(*graph, request);
    const codegen::Target target = codegen::target_named(request.target);
    std::string text;
    for (const ir::Program::Step& step : lower(*graph, request).program.steps) {
        // Below the source lines that it computes.
        std::string lines;
        if (step.loc.known()) lines = std::string(stage.comment) + " " + step.loc.to_string() + "\n";
        ir::Program one;
        one.steps.push_back(step);
        ir::for_each_kernel(one, [&](const ir::Program::Kernel& kernel) {
            add_kernel(text, std::exchange(lines, "") + stage.print_kernel(kernel.nest, target));
        });
    }
    return text;
}

std::string print_kernels(const std::vector<ir::LoopNest>& nests, const Stage& stage, const Request& request) {
    if (!stage.print_kernel)
        throw UserError(request.path + ": holds kernels; the stage " + request.stage + " takes a graph");
    std::string text;
    for (const ir::LoopNest& nest : nests)
        add_kernel(text, stage.print_kernel(nest, codegen::target_named(request.target)));
    return text;
}

void run(const Request& request) {
    const Source source = read_source(request.path);
    const auto* const model = std::get_if<Model>(&source);
    const std::string stage = !request.stage.empty() ? request.stage : model ? "graph" : "loops";
    put(with_line_end(model ? print_model(*model, stage_named(stage), request)
                            : print_kernels(std::get<std::vector<ir::LoopNest>>(source), stage_named(stage), request)));
}

}  // namespace

void add_print(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("print", "print a model at one stage of its compilation");
    const auto request = std::make_shared<Request>();
    command->add_option("MODEL", request->path, "a .lathe or .lir file")->required();
    std::vector<std::string> names;
    std::string doc = "stages:\n";
    for (const Stage& stage : stages) {
        names.emplace_back(stage.name);
        doc += "  " + std::string(stage.name) + ": " + std::string(stage.doc) + "\n";
    }
    command->add_option("--stage", request->stage, "the stage (graph; loops where the file holds kernels)")
        ->check(CLI::IsMember(names));
    add_target_option(*command, request->target);
    add_off_option(*command, request->off);
    command->add_flag("--locations", request->locations, "show which source lines made each node");
    command->add_flag("--whole", request->whole, "print long constants in full, so that the text parses again");
    command->footer(doc + "example: lathe print model.lathe --stage loops");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
