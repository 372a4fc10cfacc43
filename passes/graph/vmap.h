// A graph for many values of its parameters at once: the same computation for each index of a new first axis.
#pragma once

#include <memory>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::passes {

// Parameters that are `batched` have a first axis of that extent more than in the graph; the others are the same for
// all. All outputs have it. Each element has the bits that the graph gives for its index, but where a product of a
// vector becomes one of a matrix, which has another order (ir/loops/order.h).
//
// By lowering class, or by the row's batch rule where that does not fit. Where a branch or the end of a loop differs
// from index to index, both branches run, and the loop goes on until it ends for all; a choice keeps what counts.
std::unique_ptr<ir::Graph> vmap(const ir::Graph& graph, const std::vector<bool>& batched, ir::Dim extent);

}  // namespace lathe::passes
