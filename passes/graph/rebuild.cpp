#include "passes/graph/rebuild.h"

#include <algorithm>

#include "ir/ops/control.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

std::unique_ptr<Graph> copy_where(const Graph& graph, const std::vector<bool>* wanted, ValueMap& values,
                                  bool with_outputs, const AddNode& add = add_copy) {
    std::unique_ptr<Graph> result = like(graph);
    values.assign(graph.nodes().size(), {});
    std::size_t parameter = 0;
    for (const Node& node : graph.nodes()) {
        if (wanted != nullptr && !(*wanted)[node.id]) continue;
        const auto parameters = graph.parameters();
        if (parameter < parameters.size() && parameters[parameter].node == &node) {
            values[node.id] = {result->add_parameter(graph.parameter_name(parameter), node.results[0], node.loc,
                                                     graph.is_steady(parameter))};
            ++parameter;
        } else {
            values[node.id] = add(*result, node, values);
        }
    }
    if (with_outputs)
        for (std::size_t i = 0; i < graph.outputs().size(); ++i)
            result->add_output(graph.output_name(i), mapped(values, graph.outputs()[i]));
    return result;
}

}  // namespace

std::unique_ptr<Graph> like(const Graph& graph) {
    auto result = std::make_unique<Graph>();
    result->name = graph.name;
    result->symbols = graph.symbols;
    result->preconditions = graph.preconditions;
    return result;
}

std::vector<bool> live_nodes(const Graph& graph) {
    std::vector<bool> live(graph.nodes().size(), false);
    for (const Value& v : graph.outputs()) live[v.node->id] = true;
    for (const Value& v : graph.parameters()) live[v.node->id] = true;
    for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
        if (!live[node->id]) continue;
        for (const Value& v : node->operands) live[v.node->id] = true;
    }
    return live;
}

Value mapped(const ValueMap& values, const Value& v) { return values[v.node->id][v.index]; }

std::vector<Value> results_of(const Node& node) {
    std::vector<Value> results;
    for (std::uint32_t i = 0; i < node.results.size(); ++i) results.push_back({&node, i});
    return results;
}

std::vector<Value> mapped(const ValueMap& values, std::span<const Value> all) {
    std::vector<Value> out;
    for (const Value& v : all) out.push_back(mapped(values, v));
    return out;
}

std::vector<Value> add_copy(Graph& graph, const Node& node, const ValueMap& values) {
    return results_of(graph.add(*node.op, mapped(values, node.operands), node.attributes, node.loc));
}

std::unique_ptr<Graph> region_with_symbols(const Graph& region, const std::vector<std::string>& symbols) {
    std::unique_ptr<Graph> result = copy(region);
    result->symbols = symbols;
    result->is_region = true;
    return result;
}

// Regions nest a few levels deep (text allows 32), so this recursion is bounded.
std::unique_ptr<Graph> rewrite_regions(const Graph& graph, std::unique_ptr<Graph> (*rewrite)(const Graph&)) {
    if (std::ranges::none_of(graph.nodes(), ir::has_regions)) return nullptr;
    return rebuild(graph, [&](Graph& into, const Node& node, const ValueMap& values) {
        if (!ir::has_regions(node)) return add_copy(into, node, values);
        ir::Attributes attributes = node.attributes;
        for (ir::Attribute& a : attributes) {
            auto* const region = std::get_if<ir::Region>(&a);
            if (region == nullptr) continue;
            std::unique_ptr<Graph> inner = region_with_symbols(*region->graph, graph.symbols);
            for (std::size_t p = ir::first_invariant(node); p < inner->parameters().size(); ++p) inner->make_steady(p);
            if (auto next = rewrite_regions(*inner, rewrite)) inner = std::move(next);
            if (auto next = rewrite(*inner)) inner = std::move(next);
            inner->symbols.clear();
            region->graph = std::move(inner);
        }
        return results_of(into.add(*node.op, mapped(values, node.operands), std::move(attributes), node.loc));
    });
}

std::unique_ptr<Graph> rebuild(const Graph& graph, const AddNode& add) {
    ValueMap values;
    return copy_where(graph, nullptr, values, true, add);
}

std::unique_ptr<Graph> rebuild(const Graph& graph, const AddNode& add, ValueMap& values) {
    return copy_where(graph, nullptr, values, false, add);
}

std::unique_ptr<Graph> copy(const Graph& graph, ValueMap* values, bool with_outputs) {
    ValueMap own;
    return copy_where(graph, nullptr, values != nullptr ? *values : own, with_outputs);
}

std::unique_ptr<Graph> copy_live(const Graph& graph) {
    const std::vector<bool> live = live_nodes(graph);
    ValueMap values;
    return copy_where(graph, &live, values, true);
}

}  // namespace lathe::passes
