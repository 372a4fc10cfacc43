// lathe pass: runs one pass of the pipeline on a file of textual IR.
#include <memory>

#include "frontend/inspect/print_stage.h"
#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/program/text.h"
#include "passes/pipeline.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/lir.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string name, path;
};

// What a pass takes: a graph, or the program or kernels that a file holds or that a graph is lowered to.
std::shared_ptr<const ir::Graph> graph_of(Lir& lir, const Request& request) {
    auto* const graph = std::get_if<std::unique_ptr<ir::Graph>>(&lir);
    if (!graph) {
        const bool is_program = std::holds_alternative<ir::Program>(lir);
        throw UserError(request.path + ": holds " + (is_program ? "a program" : "kernels") + "; the pass " +
                        request.name + " takes a graph");
    }
    return std::move(*graph);
}

std::string kernels_of(const ir::Program& program) {
    std::string text;
    ir::for_each_kernel(program, [&](const ir::Program::Kernel& kernel) { add_kernel(text, ir::print(kernel.nest)); });
    return text;
}

std::string apply(const passes::Pass& pass, Lir& lir, const Request& request) {
    if (const auto* run = std::get_if<passes::GraphPass>(&pass.run)) {
        const std::shared_ptr<const ir::Graph> before = graph_of(lir, request);
        const std::unique_ptr<ir::Graph> after = (*run)(*before);
        return ir::print(after ? *after : *before);
    }
    if (std::holds_alternative<passes::BuildPass>(pass.run))
        return ir::print(passes::fused_program(graph_of(lir, request)));
    if (auto* const program = std::get_if<ir::Program>(&lir)) {
        require_sound(*program, request.path);
        passes::run_pass(pass, *program);
        return ir::print(*program);
    }
    const bool lowers = pass.name == "lower";
    if (auto* const nests = std::get_if<std::vector<ir::LoopNest>>(&lir); nests && !lowers) {
        std::string text;
        for (ir::LoopNest& nest : *nests) {
            ir::Program program = ir::program_of(std::move(nest));
            passes::run_pass(pass, program);
            text += (text.empty() ? "" : "\n") + kernels_of(program);
        }
        return text;
    }
    std::shared_ptr<const ir::Graph> graph = graph_of(lir, request);
    ir::Program program = lowers ? passes::fused_program(std::move(graph)) : passes::lowered_program(std::move(graph));
    passes::run_pass(pass, program);
    return kernels_of(program);
}

void run(const Request& request) {
    const passes::Pass* const pass = passes::find_pass(request.name);
    if (!pass) {
        std::string names;
        for (const passes::Pass& known : passes::pipeline) names += " " + std::string(known.name);
        throw CLI::ValidationError("there is no pass '" + request.name + "'; there are:" + names);
    }
    Lir lir = read_lir(request.path);
    put(with_line_end(apply(*pass, lir, request)));
}

}  // namespace

void add_pass(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("pass", "run one pass on a file of textual IR and print the result");
    const auto request = std::make_shared<Request>();
    command->add_option("NAME", request->name, "the pass")->required();
    command->add_option("FILE", request->path, "a .lir file: a graph, or a program or kernels for passes over programs")
        ->required();
    std::string passes_text = "passes:\n";
    for (const passes::Pass& pass : passes::pipeline)
        passes_text += "  " + std::string(pass.name) + ": " + std::string(pass.doc) + "\n";
    command->footer(passes_text + "example: lathe pass simplify model.lir");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
