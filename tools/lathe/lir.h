// Files of textual IR: a graph, a program or loop nests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/loops.h"
#include "ir/program/program.h"

namespace lathe::tools {

using Lir = std::variant<std::unique_ptr<ir::Graph>, ir::Program, std::vector<ir::LoopNest>>;

// What the text of a file holds, by its first word. Throws FormatError with every fault of the text, one a line.
Lir parse_lir(std::string_view text, const std::string& path);
Lir read_lir(const std::string& path);

// Throws FormatError with every fault of a program, one a line.
void require_sound(const ir::Program& program, const std::string& path);

}  // namespace lathe::tools
