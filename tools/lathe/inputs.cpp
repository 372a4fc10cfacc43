#include "tools/lathe/inputs.h"

#include <tuple>

#include <CLI/CLI.hpp>

#include "frontend/formats/npy.h"
#include "frontend/formats/npz.h"
#include "frontend/onnx/onnx.h"
#include "ir/error.h"

namespace lathe::tools {

std::pair<std::string, std::string> named_value(const std::string& word, const char* option, const char* value) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos)
        throw CLI::ValidationError(std::string(option) + " takes NAME=" + value + ", not '" + word + "'");
    return {word.substr(0, equals), word.substr(equals + 1)};
}

bool is_archive(const std::string& file) { return file.ends_with(".npz"); }
bool is_table(const std::string& file) { return file.ends_with(".csv") || file.ends_with(".csv.gz"); }
bool is_onnx_tensor(const std::string& file) { return file.ends_with(".pb"); }

std::vector<NamedInput> read_named_inputs(const std::vector<std::string>& words) {
    std::vector<NamedInput> all;
    for (const std::string& word : words) {
        if (is_archive(word) && word.find('=') == std::string::npos) {
            for (auto& [name, array] : read_npz(word, Where())) all.push_back({name, word, std::move(array)});
            continue;
        }
        NamedInput& input = all.emplace_back();
        std::tie(input.name, input.file) = named_value(word, "--input", "FILE");
        const std::string& file = input.file;
        if (is_archive(file)) {
            auto arrays = read_npz(file, Where());
            const auto found = arrays.find(input.name);
            if (found == arrays.end()) throw FormatError(file + ": has no array '" + input.name + "'");
            input.array = std::move(found->second);
        } else if (!is_table(file) && !is_onnx_tensor(file)) {
            input.array = read_npy(file, Where());
        }
    }
    return all;
}

void read_onnx_inputs(OnnxOptions& options, std::string_view model, const std::vector<NamedInput>& inputs) {
    for (const NamedInput& input : inputs)
        if (input.array)
            options.inputs.insert_or_assign(input.name, *input.array);
        else if (is_onnx_tensor(input.file))
            add_onnx_input(options, model, input.name, input.file, Where());
}

}  // namespace lathe::tools
