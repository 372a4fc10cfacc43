// Values of inputs from files, as several commands take them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/onnx/onnx.h"
#include "frontend/tensor/array.h"

namespace lathe::tools {

// The words NAME=VALUE of an option, taken apart; others are wrong usage. `value` is what its help calls the value.
std::pair<std::string, std::string> named_value(const std::string& word, const char* option, const char* value);

// By a file's name.
bool is_archive(const std::string& file);
bool is_table(const std::string& file);
bool is_onnx_tensor(const std::string& file);

// What --input gives: an input's name, the file, and the array in it.
struct NamedInput {
    std::string name, file;
    // None where the input's type has to be known to read the file: of tables, and of what ONNX has in files (.pb).
    std::optional<Array> array = {};
};
// The words of --input: NAME=FILE, a NumPy array (.npy), a tensor as ONNX has them in files (.pb), a table (.csv), or
// an archive (.npz) with an array of that name; and FILE.npz, for all the arrays in it. Other words are wrong usage.
std::vector<NamedInput> read_named_inputs(const std::vector<std::string>& words);
// Values of inputs of an ONNX model, but for tables: in a .pb there may also be a sequence or an optional value.
void read_onnx_inputs(OnnxOptions& options, std::string_view model, const std::vector<NamedInput>& inputs);

}  // namespace lathe::tools
