// Derivatives of what was recorded, as more of the same: lazy nodes.
#pragma once

#include <memory>
#include <source_location>
#include <span>
#include <string_view>
#include <vector>

#include "frontend/tensor/node.h"
#include "frontend/tensor/tree.h"
#include "ir/graph/graph.h"

namespace lathe {

namespace detail {

// A function of tensors, recorded on stand-ins for its arguments: a graph with the symbols of the current trace, whose
// first parameters are the arguments, and what all its parameters are.
struct History {
    std::unique_ptr<ir::Graph> graph;
    std::vector<NodeRef> inputs;
};
History record_history(std::span<const Tensor> x, const TensorFunction& f, std::string_view function,
                       std::source_location where);

// Derivatives of a rank-0 node by others that keep history, recorded on the nodes that `wrt_values` gives in place of
// `wrt`. The node itself, recorded likewise, comes first.
std::vector<NodeRef> value_and_gradients(const NodeRef& target, std::span<const NodeRef> wrt,
                                         std::span<const NodeRef> wrt_values, std::source_location where);

void backward(const Tensor& target, std::source_location where);

}  // namespace detail
}  // namespace lathe
