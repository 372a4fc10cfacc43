// Products in the body of a scan that need nothing of earlier iterations: one for all of them is faster than many.
#pragma once

#include <memory>

#include "ir/graph/graph.h"

namespace lathe::passes {

// Products of slices, or of what is made of slices, with what stays as it is: in front of the scan, for all iterations
// at once, as further xs. Those of which one operand has no free dimension stay: for many they would have another
// order (ir/loops/order.h).
std::unique_ptr<ir::Graph> lift_products(const ir::Graph& graph);

}  // namespace lathe::passes
