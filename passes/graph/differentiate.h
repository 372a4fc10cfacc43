// Reverse-mode differentiation, as a transform of graphs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::passes {

// Appends to the graph what computes the cotangents of `xs`, given those of `ys` (an empty Value stands for zero), and
// returns them; empty where nothing flows to an x. Values that do not lead from an x to a y are not touched. Throws
// UserError, with op and line, where a float would have to flow through an op that has no gradient.
std::vector<ir::Value> pull_back(ir::Graph& graph, std::span<const ir::Value> ys, std::span<const ir::Value> cotangents,
                                 std::span<const ir::Value> xs);

// The graph that computes the gradient of one output, a rank-0 float, with respect to some parameters. Its outputs are
// the graph's own, if they are kept, followed by "d_<parameter>" for each of `wrt`.
std::unique_ptr<ir::Graph> differentiate(const ir::Graph& graph, std::size_t output, std::span<const std::size_t> wrt,
                                         bool keep_outputs);

}  // namespace lathe::passes
