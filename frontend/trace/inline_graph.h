// Graphs as recorded calls: how models, compiled functions and derivatives become part of what is recorded.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "frontend/tensor/node.h"
#include "ir/graph/graph.h"

namespace lathe::detail {

// Records a graph's nodes as lazy ones; `inputs` stand for its parameters. Its symbols are those of the current trace.
std::vector<NodeRef> inline_graph(const ir::Graph& graph, std::span<const NodeRef> inputs);

// The same for a graph with symbols of its own, which the inputs' extents fix. Throws TypeError at the current line
// where the inputs do not fit; `what` is what the message calls the graph. In a trace an equality that cannot be proved
// is demanded of its calls.
std::vector<NodeRef> instantiate_graph(const ir::Graph& graph, std::span<const NodeRef> inputs,
                                       const std::string& what);

// A run of a compiled graph, kept where its results may be differentiated: derivatives need the calls that made them.
// Those are recorded at the first use; what of them is needed is computed again.
struct CompiledCall {
    CompiledCall(std::shared_ptr<const ir::Graph> of_graph, std::vector<NodeRef> of_inputs)
        : graph(std::move(of_graph)), inputs(std::move(of_inputs)) {}

    std::shared_ptr<const ir::Graph> graph;
    std::vector<NodeRef> inputs;
    Node* const& result(std::uint32_t index);  // the recorded call that stands for a result; thread-safe

private:
    std::once_flag once_;
    std::vector<NodeRef> kept_;
    std::vector<Node*> recorded_;
};

// Lets float results of a compiled graph be differentiated by what it was computed from. For calls of which an input
// keeps history.
void keep_history(const std::shared_ptr<const ir::Graph>& graph, std::vector<NodeRef> inputs,
                  std::span<const NodeRef> results);

}  // namespace lathe::detail
