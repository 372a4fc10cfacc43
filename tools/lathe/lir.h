// Files of textual IR: a graph or a loop nest.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "ir/graph.h"
#include "ir/loops.h"

namespace lathe::tools {

using Lir = std::variant<std::unique_ptr<ir::Graph>, ir::LoopNest>;

// What the file holds, by its first word. Throws FormatError with every fault of the text, one a line.
Lir read_lir(const std::string& path);

}  // namespace lathe::tools
