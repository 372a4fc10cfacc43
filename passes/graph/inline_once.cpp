#include "passes/graph/inline_once.h"

#include <algorithm>

#include "ir/ops/control.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;

bool runs_once(const Node& node) { return node.op->control == ir::Control::once; }

}  // namespace

std::unique_ptr<Graph> inline_once(const Graph& graph) {
    std::unique_ptr<Graph> result;
    const auto rest = [&]() -> const Graph& { return result ? *result : graph; };
    while (std::ranges::any_of(rest().nodes(), runs_once))  // one may be within another
        result = rebuild(rest(), [](Graph& into, const Node& node, const ValueMap& values) {
            if (!runs_once(node)) return add_copy(into, node, values);
            return ir::inlined(into, *ir::regions_of(node)[0], mapped(values, node.operands));
        });
    return result;
}

}  // namespace lathe::passes
