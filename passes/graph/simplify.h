// Rewrites that keep every bit: folding of constants by the reference interpreter, neutral operands, self-inverse ops,
// the rewrites that rows bring along, equal nodes joined, dead ones dropped.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

std::unique_ptr<ir::Graph> simplify(const ir::Graph& graph);

}  // namespace lathe::passes
