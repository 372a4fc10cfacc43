// Shrinks a graph that makes something fail, for people to read.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::testing_support {

struct GraphCase {
    std::shared_ptr<const ir::Graph> graph;
    std::vector<ir::Literal> inputs;
};

// Whether a case fails, as it should no longer do one day. Called on sound cases only, which the reference interpreter
// can run.
using Fails = std::function<bool(const GraphCase&)>;

// A smaller case that still fails: fewer outputs, nodes replaced by what they computed or by a value before them,
// smaller extents, no symbols. Tries at most `budget` cases.
GraphCase reduce(GraphCase failing, const Fails& fails, int budget = 2000);

}  // namespace lathe::testing_support
