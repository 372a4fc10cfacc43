// lathe import: an ONNX model as a .lathe file.
#include <charconv>
#include <memory>

#include "frontend/formats/file_kind.h"
#include "frontend/formats/read_file.h"
#include "frontend/onnx/onnx.h"
#include "ir/error.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/inputs.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string path, output;
    std::vector<std::string> dims, inputs;
};

void run(const Request& request) {
    OnnxOptions options;
    for (const std::string& word : request.dims) {
        const auto [name, number] = named_value(word, "--dim", "EXTENT");
        std::int64_t extent = -1;
        const char* const end = number.data() + number.size();
        if (std::from_chars(number.data(), end, extent).ptr != end || extent < 0)
            throw CLI::ValidationError("--dim takes NAME=EXTENT, not '" + word + "'");
        options.dims.insert_or_assign(name, extent);
    }
    for (const auto& [name, file] : named_files(request.inputs))
        options.inputs.insert_or_assign(name, read_array(file));
    const std::string bytes = read_file(request.path);
    if (!is_onnx(bytes)) throw FormatError(request.path + ": is no ONNX model");
    parse_onnx(bytes, request.path, options, Where()).model.save(request.output, Where());
}

}  // namespace

void add_import(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("import", "write an ONNX model as a .lathe file");
    const auto request = std::make_shared<Request>();
    command->add_option("MODEL", request->path, "an .onnx file")->required();
    command->add_option("-o,--output", request->output, "the .lathe file to write")->required();
    command->add_option("--dim", request->dims, "NAME=EXTENT: a dimension that has a name in the file, as a number");
    command->add_option("--input", request->inputs,
                        "NAME=FILE: an input whose value decides shapes, as a constant; .npy or .pb");
    command->footer(
        "example: lathe import yunet.onnx -o yunet.lathe\n"
        "example: lathe import yunet.onnx -o yunet.lathe --dim height=320 --dim width=320");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
