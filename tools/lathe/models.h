// Models from files: .lathe as Model::save writes them, or a graph as text.
#pragma once

#include <string>

#include "frontend/model.h"

namespace lathe::tools {

// By the file's first bytes. All parameters of a graph as text are inputs.
Model read_model(const std::string& path);

}  // namespace lathe::tools
