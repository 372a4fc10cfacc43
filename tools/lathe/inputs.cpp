#include "tools/lathe/inputs.h"

#include <CLI/CLI.hpp>

#include "frontend/formats/npy.h"

namespace lathe::tools {

std::pair<std::string, std::string> named_value(const std::string& word, const char* option, const char* value) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos)
        throw CLI::ValidationError(std::string(option) + " takes NAME=" + value + ", not '" + word + "'");
    return {word.substr(0, equals), word.substr(equals + 1)};
}

std::vector<std::pair<std::string, std::string>> named_files(const std::vector<std::string>& words) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string& word : words) all.push_back(named_value(word, "--input", "FILE"));
    return all;
}

bool is_table(const std::string& file) { return file.ends_with(".csv") || file.ends_with(".csv.gz"); }

Array read_array(const std::string& file) {
    return file.ends_with(".pb") ? read_onnx_tensor(file, Where()) : read_npy(file, Where());
}

void read_onnx_inputs(OnnxOptions& options, std::string_view model,
                      const std::vector<std::pair<std::string, std::string>>& files) {
    for (const auto& [name, file] : files)
        if (file.ends_with(".pb"))
            add_onnx_input(options, model, name, file, Where());
        else if (!is_table(file))
            options.inputs.insert_or_assign(name, read_array(file));
}

}  // namespace lathe::tools
