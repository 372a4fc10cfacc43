// lathe print: a model at one stage of its compilation.
#include <memory>

#include "codegen/compile.h"
#include "codegen/kernels.h"
#include "codegen/target.h"
#include "ir/graph_text.h"
#include "ir/loops_text.h"
#include "passes/pipeline.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/models.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string path, stage = "graph", target = "host";
    std::vector<std::string> off;
    bool locations = false, whole = false;
};

struct Stage {
    std::string_view name, doc;
    std::string (*print)(const ir::Graph& graph, const Request& request);
};

std::string print_graph(const ir::Graph& graph, const Request& request) {
    return ir::print(graph, request.locations ? ir::Locs::show : ir::Locs::hide,
                     request.whole ? ir::Literals::whole : ir::Literals::brief);
}

passes::Program program_of(const ir::Graph& graph, const Request& request) {
    passes::PipelineOptions options;
    options.target = codegen::loop_target(codegen::target_named(request.target));
    options.off = request.off;
    return passes::run_pipeline(graph, options);
}

// Each kernel below the source lines that it computes.
template <class Print>
std::string each_kernel(const ir::Graph& graph, const Request& request, const char* comment, Print&& print) {
    const codegen::Target target = codegen::target_named(request.target);
    std::string text;
    for (const passes::LoweredKernel& kernel : program_of(graph, request).kernels) {
        if (!text.empty()) text += '\n';
        if (kernel.loc.known()) text += comment + (" " + kernel.loc.to_string()) + "\n";
        text += with_line_end(print(kernel.nest, target));
    }
    return text;
}

constexpr Stage stages[] = {
    {"graph", "as it was traced or written", print_graph},
    {"optimized", "simplified",
     [](const ir::Graph& graph, const Request& r) { return print_graph(*program_of(graph, r).fused.graph, r); }},
    {"fused", "which nodes share a kernel, and why others do not",
     [](const ir::Graph& graph, const Request& r) { return passes::print(program_of(graph, r).fused); }},
    {"loops", "the scheduled loop nest of each kernel",
     [](const ir::Graph& graph, const Request& r) {
         return each_kernel(graph, r, "//",
                            [](const ir::LoopNest& nest, const codegen::Target&) { return ir::print(nest); });
     }},
    {"llvm", "LLVM's IR of each kernel",
     [](const ir::Graph& graph, const Request& r) { return each_kernel(graph, r, ";", codegen::emit_llvm); }},
    {"asm", "the machine code of each kernel",
     [](const ir::Graph& graph, const Request& r) { return each_kernel(graph, r, "#", codegen::emit_asm); }},
};

void run(const Request& request) {
    for (const Stage& stage : stages) {
        if (stage.name != request.stage) continue;
        const Model model = read_model(request.path);
        // What is compiled has the weights as constants; as it was traced they are parameters.
        const std::string text = stage.print == stages[0].print ? stage.print(model.graph(), request)
                                                                : stage.print(*model.closed_graph(), request);
        put(with_line_end(text));
        return;
    }
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
    command->add_option("--stage", request->stage, "the stage (graph)")->check(CLI::IsMember(names));
    add_target_option(*command, request->target);
    add_off_option(*command, request->off);
    command->add_flag("--locations", request->locations, "show which source lines made each node");
    command->add_flag("--whole", request->whole, "print long constants in full, so that the text parses again");
    command->footer(doc + "example: lathe print model.lathe --stage loops");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
