// Contractions of integers that are bytes, four elements at a time.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

std::unique_ptr<ir::Graph> pack_bytes(const ir::Graph& graph);

}  // namespace lathe::passes
