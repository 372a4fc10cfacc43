// Ops of very many operands become trees of themselves, so that no kernel holds statements for all of them.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

inline constexpr std::size_t max_operands = 64;

// Null where there is nothing to split.
std::unique_ptr<ir::Graph> split(const ir::Graph& graph);

}  // namespace lathe::passes
