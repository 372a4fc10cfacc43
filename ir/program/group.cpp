#include "ir/program/group.h"

#include <algorithm>

#include "ir/ops/op.h"

namespace lathe::ir {

std::string_view name(FoldKind kind) {
    static constexpr std::string_view names[] = {"none", "row", "column", "contraction"};
    return names[static_cast<std::size_t>(kind)];
}

bool Group::is_fold_output(Value v) const {
    return std::ranges::find(fold_outputs, v, &FoldOutput::value) != fold_outputs.end();
}

FoldKind fold_kind(const Node& node) {
    if (node.op->contraction != nullptr) return FoldKind::contraction;
    if (node.op->lowering != Lowering::reduction) return FoldKind::none;
    const std::vector<Type> types{node.operands[0].type()};
    const Integers axes = node.op->axes(types, node.attributes);
    const auto last = static_cast<std::int64_t>(types[0].shape.rank()) - 1;
    return !axes.empty() && axes.back() == last ? FoldKind::row : FoldKind::column;
}

bool is_free(const Node& node) {
    switch (node.op->lowering) {
        case Lowering::index:
            return true;
        case Lowering::view:
            return !node.op->indices;
        case Lowering::source:
            return literal_of(node) != nullptr && literal_of(node)->is_splat();
        default:
            return false;
    }
}

}  // namespace lathe::ir
