// Forward-mode differentiation, as a transform of graphs.
#pragma once

#include <memory>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::passes {

// A graph of the same function and of how its results change with its parameters: behind the parameters it has a
// tangent for each that is marked, a float, in order; behind the outputs the tangents of those that are floats, zeros
// where nothing reaches them. Throws UserError, with op and line, where a float would have to be reached through an op
// that has no gradient.
std::unique_ptr<ir::Graph> push_forward(const ir::Graph& graph, const std::vector<bool>& marked);

}  // namespace lathe::passes
