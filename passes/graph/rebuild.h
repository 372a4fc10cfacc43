// Building a graph from another: the part every graph pass shares.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::passes {

// An empty graph with the name, symbols and preconditions of another.
std::unique_ptr<ir::Graph> like(const ir::Graph& graph);

// By node id: whether an output or a parameter needs the node.
std::vector<bool> live_nodes(const ir::Graph& graph);

// Adds a node of another graph with its operands replaced: `values[id]` holds the new results.
using ValueMap = std::vector<std::vector<ir::Value>>;
ir::Value mapped(const ValueMap& values, const ir::Value& v);
std::vector<ir::Value> results_of(const ir::Node& node);
std::vector<ir::Value> add_copy(ir::Graph& graph, const ir::Node& node, const ValueMap& values);
std::vector<ir::Value> mapped(const ValueMap& values, std::span<const ir::Value> all);

// A graph in which `add` makes what stands for the results of each node that is no parameter.
using AddNode = std::function<std::vector<ir::Value>(ir::Graph&, const ir::Node&, const ValueMap&)>;
std::unique_ptr<ir::Graph> rebuild(const ir::Graph& graph, const AddNode& add);
// The same without outputs: `values` is what the caller chooses them from.
std::unique_ptr<ir::Graph> rebuild(const ir::Graph& graph, const AddNode& add, ValueMap& values);

// All nodes, or those that are live; outputs too where `with_outputs`. Parameters are always kept, in order. Fills
// `values` if given.
std::unique_ptr<ir::Graph> copy(const ir::Graph& graph, ValueMap* values = nullptr, bool with_outputs = true);
std::unique_ptr<ir::Graph> copy_live(const ir::Graph& graph);

// A region as a graph of its own, which knows the names of the symbols around it.
std::unique_ptr<ir::Graph> region_with_symbols(const ir::Graph& region, const std::vector<std::string>& symbols);
// The graph with all its regions rewritten, inner ones first; null where there are none. The rewrite may give null for
// what stays. What is the same in all iterations of a loop is a steady parameter of its regions.
std::unique_ptr<ir::Graph> rewrite_regions(const ir::Graph& graph,
                                           std::unique_ptr<ir::Graph> (*rewrite)(const ir::Graph&));

}  // namespace lathe::passes
