// lathe import: an ONNX model as a .lathe file.
#include <charconv>
#include <map>
#include <memory>

#include <fmt/format.h>

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
    std::vector<std::string> dims, inputs, lengths, absent;
};

// The words NAME=NUMBER of an option.
std::map<std::string, std::int64_t> named_numbers(const std::vector<std::string>& words, const char* option,
                                                  const char* value) {
    std::map<std::string, std::int64_t> numbers;
    for (const std::string& word : words) {
        const auto [name, text] = named_value(word, option, value);
        std::int64_t number = -1;
        const char* const end = text.data() + text.size();
        if (std::from_chars(text.data(), end, number).ptr != end || number < 0)
            throw CLI::ValidationError(fmt::format("{} takes NAME={}, not '{}'", option, value, word));
        numbers.insert_or_assign(name, number);
    }
    return numbers;
}

void run(const Request& request) {
    OnnxOptions options;
    options.dims = named_numbers(request.dims, "--dim", "EXTENT");
    options.lengths = named_numbers(request.lengths, "--length", "COUNT");
    options.absent = {request.absent.begin(), request.absent.end()};
    const std::vector<NamedInput> inputs = read_named_inputs(request.inputs);
    for (const NamedInput& input : inputs)
        if (is_table(input.file)) throw FormatError(input.file + ": is a table, which has no dtype of its own");
    const std::string bytes = read_file(request.path);
    if (!is_onnx(bytes)) throw FormatError(request.path + ": is no ONNX model");
    read_onnx_inputs(options, bytes, inputs);
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
                        "NAME=FILE: an input whose value decides shapes, as a constant; .npy, .npz or .pb");
    command->add_option("--length", request->lengths,
                        "NAME=COUNT: how many tensors an input has that is a sequence: NAME.0, NAME.1, ...");
    command->add_option("--absent", request->absent, "NAME: an optional input that is left out");
    command->footer(
        "example: lathe import yunet.onnx -o yunet.lathe\n"
        "example: lathe import yunet.onnx -o yunet.lathe --dim height=320 --dim width=320\n"
        "example: lathe import ensemble.onnx -o ensemble.lathe --length images=3");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
