// lathe compile: a model as an executable, an object or a library.
#include <memory>

#include "frontend/model/aot.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/models.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string path, output;
    AotOptions options;
};

}  // namespace

void add_compile(CLI::App& app) {
    CLI::App* const command =
        app.add_subcommand("compile", "compile a model into an executable, an object or a library");
    const auto request = std::make_shared<Request>();
    AotOptions& options = request->options;
    command->add_option("MODEL", request->path, "a .lathe, .onnx or .lir file")->required();
    command
        ->add_option("-o,--output", request->output,
                     "the file to write: FILE.o, FILE.a or FILE.so for C programs, else an executable")
        ->required();
    command->add_option("--header", options.header, "also write a C header that explains how to call the model");
    command->add_option("--name", options.name, "what the C functions' names begin with (the model's name)");
    command
        ->add_option("--target", options.targets, "levels to compile for: avx2,avx512,vnni or host (avx2,avx512,vnni)")
        ->delimiter(',')
        ->check(CLI::IsMember({"avx2", "avx512", "vnni", "host"}));
    add_off_option(*command, options.off);
    command->footer(
        "example: lathe compile digits.lathe -o digits && ./digits rows.csv\n"
        "example: lathe compile digits.lathe -o digits.o --header digits.h\n"
        "example: lathe compile mnist.onnx -o mnist.so --header mnist.h");
    command->callback(
        [request] { compile_model(read_model(request->path), request->output, request->options, Where()); });
}

}  // namespace lathe::tools
