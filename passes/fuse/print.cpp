#include <algorithm>

#include "ir/graph/text.h"
#include "ir/ops/op.h"
#include "passes/fuse/fuse.h"

namespace lathe::passes {
namespace {

std::string name_of(ir::Value v) {
    std::string name = "%" + std::to_string(v.node->id);
    if (v.node->results.size() > 1) name += "#" + std::to_string(v.index);
    return name;
}

std::string list(std::span<const Memory> memory, std::span<const std::string> symbols) {
    std::string out;
    for (const Memory& m : memory) {
        if (!out.empty()) out += ", ";
        out += name_of(m.value) + ": " + m.value.type().to_string(symbols);
        if (m.permutation.empty()) continue;
        out += " laid out (";
        for (std::size_t i = 0; i < m.permutation.size(); ++i)
            out += (i ? ", " : "") + std::to_string(m.permutation[i]);
        out += ")";
    }
    return out;
}

}  // namespace

std::string print(const FusedGraph& fused) {
    const ir::Graph& graph = *fused.graph;
    std::string out = "// " + graph.name + ": " + std::to_string(fused.groups.size()) + " kernels\n";
    std::size_t k = 0;
    for (const Group& g : fused.groups) {
        out += "\nkernel " + std::to_string(k++) + " over [";
        for (std::size_t i = 0; i < g.domain.rank(); ++i) {
            if (i != 0) out += i == g.outer_rank ? " | " : ", ";
            out += g.domain[i].to_string(graph.symbols);
        }
        out += "]\n  reads  " + list(g.inputs, graph.symbols) + "\n  writes " + list(g.outputs, graph.symbols) + "\n";
        for (const ir::Node* n : g.members) {
            out += "  " + name_of({n, 0}) + " = " + std::string(n->op->name) + "(";
            for (std::size_t i = 0; i < n->operands.size(); ++i) out += (i ? ", " : "") + name_of(n->operands[i]);
            out += ") : " + n->results[0].to_string(graph.symbols) + "\n";
        }
    }
    if (!fused.remarks.empty()) out += "\n";
    for (const Remark& r : fused.remarks) out += "// " + r.to_string() + "\n";
    return out;
}

}  // namespace lathe::passes
