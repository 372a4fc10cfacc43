// Regions that run once become part of the graph around them. Equal nodes were joined before: what a region has in
// common with the rest is computed again.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

std::unique_ptr<ir::Graph> inline_once(const ir::Graph& graph);  // null where there are none

}  // namespace lathe::passes
