#include "passes/graph/expand.h"

#include <algorithm>

#include "ir/ops/op.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

bool is_composite(const Node& node) { return node.op->expand != nullptr; }

}  // namespace

std::unique_ptr<Graph> expand(const Graph& graph) {
    std::unique_ptr<Graph> result;
    const auto rest = [&]() -> const Graph& { return result ? *result : graph; };
    // Composite ops may be made of others.
    while (std::ranges::any_of(rest().nodes(), is_composite))
        result = rebuild(rest(), [](Graph& into, const Node& node, const ValueMap& values) {
            if (!is_composite(node)) return add_copy(into, node, values);
            into.default_loc = node.loc;
            return node.op->expand({node, mapped(values, node.operands)});
        });
    // What they are made of may have regions.
    if (result)
        if (std::unique_ptr<Graph> next = rewrite_regions(*result, expand)) return next;
    return result;
}

}  // namespace lathe::passes
