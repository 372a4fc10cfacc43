// lathe print: a model, a program or kernels, at one stage of compilation.
#include <algorithm>
#include <memory>

#include "codegen/target.h"
#include "frontend/inspect/print_stage.h"
#include "ir/error.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/lir.h"
#include "tools/lathe/models.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string path, stage;
    TextOptions text;
};

std::string print_model(const Model& model, Stage stage, const Request& request) {
    codegen::CompileOptions compile;
    compile.target = codegen::target_named(request.text.target);
    compile.pipeline.off = request.text.off;
    // What is compiled has the weights as constants; as it was traced they are parameters.
    if (stage == Stage::graph) return print_stage(model.graph(), stage, compile, request.text);
    return print_stage(*model.closed_graph(), stage, compile, request.text);
}

// A program that was read: as it stands, or its kernels.
std::string print_program(const ir::Program& program, Stage stage, const Request& request) {
    require_sound(program, request.path);
    if (!is_of_kernels(stage) && stage != Stage::program)
        throw UserError(request.path + ": holds a program; the stage " + request.stage + " takes a graph");
    return print_stage(program, stage, codegen::target_named(request.text.target), request.text);
}

std::string print_kernels(const std::vector<ir::LoopNest>& nests, Stage stage, const Request& request) {
    if (!is_of_kernels(stage))
        throw UserError(request.path + ": holds kernels; the stage " + request.stage + " takes a graph");
    std::string text;
    for (const ir::LoopNest& nest : nests)
        add_kernel(text, print_kernel(nest, stage, codegen::target_named(request.text.target)));
    return text;
}

void run(const Request& request) {
    const auto stage = [&](Stage usual) {
        const auto named = std::ranges::find(all_stages(), request.stage, [](Stage s) { return std::string(name(s)); });
        return request.stage.empty() ? usual : *named;
    };
    put(with_line_end(std::visit(
        ir::Overloaded{
            [&](const Model& model) { return print_model(model, stage(Stage::graph), request); },
            [&](const ir::Program& program) { return print_program(program, stage(Stage::program), request); },
            [&](const std::vector<ir::LoopNest>& nests) { return print_kernels(nests, stage(Stage::loops), request); }},
        read_source(request.path))));
}

}  // namespace

void add_print(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("print", "print a model at one stage of its compilation");
    const auto request = std::make_shared<Request>();
    command->add_option("MODEL", request->path, "a .lathe or .lir file")->required();
    std::vector<std::string> names;
    std::string doc = "stages:\n";
    for (const Stage stage : all_stages()) {
        names.emplace_back(name(stage));
        doc += "  " + names.back() + ": " + std::string(describe(stage)) + "\n";
    }
    command->add_option("--stage", request->stage, "the stage (graph; program or loops where the file holds those)")
        ->check(CLI::IsMember(names));
    add_target_option(*command, request->text.target);
    add_off_option(*command, request->text.off);
    command->add_flag("--locations", request->text.locations, "show which source lines made each node");
    command->add_flag("--whole", request->text.whole, "print long constants in full, so that the text parses again");
    command->footer(doc + "example: lathe print model.lathe --stage loops");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
