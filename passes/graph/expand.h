// Composite nodes become what they are made of. Gradients and batches were made of them as they were.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

std::unique_ptr<ir::Graph> expand(const ir::Graph& graph);  // null where there are none

}  // namespace lathe::passes
