// Files of textual IR: a graph or loop nests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/loops.h"

namespace lathe::tools {

using Lir = std::variant<std::unique_ptr<ir::Graph>, std::vector<ir::LoopNest>>;

// What the text of a file holds, by its first word. Throws FormatError with every fault of the text, one a line.
Lir parse_lir(std::string_view text, const std::string& path);
Lir read_lir(const std::string& path);

}  // namespace lathe::tools
