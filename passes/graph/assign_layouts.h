// Which values lie in memory otherwise than they come: a relayout node in front of what reads them.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

// Null where everything may stay as it is.
std::unique_ptr<ir::Graph> assign_layouts(const ir::Graph& graph);

}  // namespace lathe::passes
