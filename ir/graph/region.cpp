// Regions as attributes: equality by structure, and extents replaced.
#include <algorithm>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/op.h"

namespace lathe::ir {
namespace {

struct Place {  // of a value in any graph of the structure
    std::uint32_t node, index;
    friend bool operator==(const Place&, const Place&) = default;
};
Place place_of(const Value& v) { return {v.node->id, v.index}; }

bool equal(std::span<const Value> a, std::span<const Value> b) {
    return std::ranges::equal(a, b, [](const Value& x, const Value& y) { return place_of(x) == place_of(y); });
}

}  // namespace

bool operator==(const Region& a, const Region& b) {
    if (a.graph == b.graph) return true;
    if (a.graph == nullptr || b.graph == nullptr) return false;
    return std::ranges::equal(a.graph->nodes(), b.graph->nodes(),
                              [](const Node& x, const Node& y) {
                                  return x.op == y.op && equal(x.operands, y.operands) && x.attributes == y.attributes;
                              }) &&
           equal(a.graph->parameters(), b.graph->parameters()) && equal(a.graph->outputs(), b.graph->outputs());
}

Region map_dims(const Region& region, const std::function<Dim(Dim)>& map) {
    const Graph& from = *region.graph;
    auto to = std::make_shared<Graph>();
    to->name = from.name;
    std::size_t parameter = 0;
    std::vector<const Node*> made;
    for (const Node& node : from.nodes()) {
        Attributes attributes = node.attributes;
        map_dims(std::span(attributes), map);
        if (parameter < from.parameters().size() && from.parameters()[parameter].node == &node) {
            Type type = node.results[0];
            type.shape = std::get<Shape>(attributes[0]);
            made.push_back(
                to->add_parameter(from.parameter_name(parameter), type, node.loc, from.is_steady(parameter)).node);
            ++parameter;
            continue;
        }
        std::vector<Value> operands;
        for (const Value& v : node.operands) operands.push_back({made[v.node->id], v.index});
        made.push_back(&to->add(*node.op, operands, std::move(attributes), node.loc));
    }
    for (std::size_t i = 0; i < from.outputs().size(); ++i)
        to->add_output(from.output_name(i), {made[from.outputs()[i].node->id], from.outputs()[i].index});
    return {std::move(to)};
}

bool has_symbols(const Region& region) {
    return std::ranges::any_of(region.graph->nodes(), [](const Node& node) {
        return std::ranges::any_of(node.results, [](const Type& t) { return !t.shape.is_constant(); }) ||
               has_symbols(std::span<const Attribute>(node.attributes));
    });
}

}  // namespace lathe::ir
