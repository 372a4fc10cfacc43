#include "passes/graph/split.h"

#include <algorithm>

#include "ir/ops/op.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

constexpr std::size_t part = max_operands / 2;  // so that what follows has room in the kernel

bool is_large(const Node& node) { return node.op->associative && node.operands.size() > max_operands; }

// Neighbours are joined, level by level, until one node takes what is left.
std::vector<Value> add_tree(Graph& graph, const Node& node, const ValueMap& values) {
    std::vector<Value> operands = mapped(values, node.operands);
    while (operands.size() > max_operands) {
        std::vector<Value> joined;
        for (std::size_t i = 0; i < operands.size(); i += part) {
            const auto some = std::span(operands).subspan(i, std::min(part, operands.size() - i));
            joined.push_back(some.size() == 1 ? some[0]
                                              : Value{&graph.add(*node.op, some, node.attributes, node.loc), 0});
        }
        operands = std::move(joined);
    }
    return results_of(graph.add(*node.op, operands, node.attributes, node.loc));
}

}  // namespace

std::unique_ptr<Graph> split(const Graph& graph) {
    if (std::ranges::none_of(graph.nodes(), is_large)) return nullptr;
    return rebuild(graph, [](Graph& result, const Node& node, const ValueMap& values) {
        return is_large(node) ? add_tree(result, node, values) : add_copy(result, node, values);
    });
}

}  // namespace lathe::passes
