// Models from files: .lathe as Model::save writes them, ONNX, or a graph as text.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "frontend/model/model.h"
#include "ir/loops/loops.h"
#include "ir/program/program.h"

namespace lathe::tools {

// A model, or a program or kernels as text; by the file's first bytes. All parameters of a graph as text are inputs.
using Source = std::variant<Model, ir::Program, std::vector<ir::LoopNest>>;
Source read_source(const std::string& path);
// What a file holds that has been read.
Source parse_source(std::string_view bytes, const std::string& path);
// Whether the bytes are those of a .lathe file or an ONNX model: Model::parse() takes them.
bool is_model(std::string_view bytes);

// Throws FormatError where it is something else.
Model model_of(Source source, const std::string& path);
Model read_model(const std::string& path);

}  // namespace lathe::tools
