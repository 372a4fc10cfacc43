// Values of inputs from files, as several commands take them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/onnx/onnx.h"
#include "frontend/tensor/array.h"

namespace lathe::tools {

// The words NAME=VALUE of an option, taken apart; others are wrong usage. `value` is what its help calls the value.
std::pair<std::string, std::string> named_value(const std::string& word, const char* option, const char* value);
// Those of --input.
std::vector<std::pair<std::string, std::string>> named_files(const std::vector<std::string>& words);

// Whether a file is a table by its name: what its numbers are is up to who reads it.
bool is_table(const std::string& file);
// A NumPy array, or a tensor as ONNX has them in files (.pb).
Array read_array(const std::string& file);
// Values of inputs of an ONNX model, from such files: in a .pb there may also be a sequence or an optional value.
void read_onnx_inputs(OnnxOptions& options, std::string_view model,
                      const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace lathe::tools
