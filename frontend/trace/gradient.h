// Derivatives of what was recorded, as more of the same: lazy nodes.
#pragma once

#include <source_location>
#include <span>
#include <vector>

#include "frontend/tensor/node.h"

namespace lathe {

class Tensor;

namespace detail {

// Derivatives of a rank-0 node by others that keep history, recorded on the nodes that `wrt_values` gives in place of
// `wrt`. The node itself, recorded likewise, comes first.
std::vector<NodeRef> value_and_gradients(const NodeRef& target, std::span<const NodeRef> wrt,
                                         std::span<const NodeRef> wrt_values, std::source_location where);

void backward(const Tensor& target, std::source_location where);

}  // namespace detail
}  // namespace lathe
