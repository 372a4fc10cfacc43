#include "passes/graph/join_scans.h"

#include <algorithm>
#include <map>
#include <vector>

#include "ir/ops/control.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

bool is_scan(const Node& node) { return node.op->control == ir::Control::scan; }

// Whether `longer` gives what `shorter` does, and then more.
bool extends(const Graph& longer, const Graph& shorter) {
    const auto same_value = [](const Value& a, const Value& b) {
        return a.node->id == b.node->id && a.index == b.index;
    };
    const auto same_node = [&](const Node& a, const Node& b) {
        return a.op == b.op && std::ranges::equal(a.operands, b.operands, same_value) && a.attributes == b.attributes;
    };
    return longer.outputs().size() > shorter.outputs().size() &&
           std::ranges::equal(longer.nodes(), shorter.nodes(), same_node) &&
           std::ranges::equal(longer.outputs().first(shorter.outputs().size()), shorter.outputs(), same_value);
}

bool extends(const Node& longer, const Node& shorter) {
    if (longer.operands != shorter.operands) return false;
    for (const ir::AttributeDef& def : longer.op->attributes)
        if (def.kind() != ir::AttributeKind::region && longer.attributes[def.slot] != shorter.attributes[def.slot])
            return false;
    return extends(*ir::regions_of(longer)[0], *ir::regions_of(shorter)[0]);
}

}  // namespace

std::unique_ptr<Graph> join_scans(const Graph& graph) {
    std::map<const Node*, const Node*> longest;  // that a scan may become
    std::vector<const Node*> scans;
    for (const Node& node : graph.nodes())
        if (is_scan(node)) scans.push_back(&node);
    for (const Node* scan : scans) {
        const Node* best = scan;
        for (const Node* other : scans)
            if (other->id > best->id && extends(*other, *best)) best = other;
        if (best != scan) longest[scan] = best;
    }
    if (longest.empty()) return nullptr;
    return rebuild(graph, [&](Graph& into, const Node& node, const ValueMap& values) {
        const auto found = longest.find(&node);
        return add_copy(into, found == longest.end() ? node : *found->second, values);
    });
}

}  // namespace lathe::passes
