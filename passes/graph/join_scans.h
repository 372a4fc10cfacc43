// Scans that do the same, one of which stacks more: as differentiation makes them.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

std::unique_ptr<ir::Graph> join_scans(const ir::Graph& graph);

}  // namespace lathe::passes
