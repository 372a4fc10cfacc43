// Reverse mode through nodes that run regions.
#pragma once

#include <span>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::passes {

// Appends what computes the cotangents of those operands that are wanted, given those of the results (an empty Value
// stands for zero); empty where nothing flows to one.
std::vector<ir::Value> pull_back_regions(ir::Graph& graph, const ir::Node& node, std::span<const ir::Value> cotangents,
                                         const std::vector<bool>& wanted);

}  // namespace lathe::passes
