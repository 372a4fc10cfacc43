// Models from files: .lathe as Model::save writes them, or a graph as text.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "frontend/model/model.h"
#include "ir/loops/loops.h"

namespace lathe::tools {

// A model, or kernels as text; by the file's first bytes. All parameters of a graph as text are inputs.
using Source = std::variant<Model, std::vector<ir::LoopNest>>;
Source read_source(const std::string& path);

Model read_model(const std::string& path);  // throws FormatError where the file holds kernels

}  // namespace lathe::tools
