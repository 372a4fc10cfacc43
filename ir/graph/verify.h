// Checks of graphs.
#pragma once

#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::ir {

// All faults at once, one sentence each; empty if sound.
std::vector<std::string> verify(const Graph& graph);

}  // namespace lathe::ir
