// Transpositions of products, moved towards what reads them.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

// A product comes in the order of its loops. Where it is transposed (the channels of an image are its columns), what
// follows is computed in the product's order, and the transposition comes later, or never: element by element on top
// of the product, then padding, windows, concatenations and reductions, up to the next product. Null where no product
// gains by that.
std::unique_ptr<ir::Graph> sink_transposes(const ir::Graph& graph);

}  // namespace lathe::passes
