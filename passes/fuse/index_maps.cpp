// Index arithmetic of fused groups: where an operand's element lies for a point of the consumer.
#include <algorithm>

#include "ir/ops/op.h"
#include "passes/fuse/fuse.h"

namespace lathe::passes {

using ir::Dim;

bool is_free(const ir::Node& node) {
    switch (node.op->lowering) {
        case ir::Lowering::index:
            return true;
        case ir::Lowering::view:
            return !node.op->reads_indices;
        case ir::Lowering::source:
            return literal_of(node) != nullptr && literal_of(node)->is_splat();
        default:
            return false;
    }
}

std::size_t scalar_instructions(const ir::Node& node) {
    if (node.op->lowering != ir::Lowering::elementwise) return 1;
    std::vector<ir::Dtype> dtypes;
    for (const ir::Type& t : ir::operand_types(node)) dtypes.push_back(t.dtype);
    return ir::scalar_program(*node.op, dtypes, node.attributes, node.results[0].dtype).insts.size();
}

bool Group::is_fold_output(ir::Value v) const {
    return std::ranges::find(fold_outputs, v, &FoldOutput::value) != fold_outputs.end();
}

FoldKind fold_kind(const ir::Node& node) {
    if (node.op->contraction != nullptr) return FoldKind::contraction;
    if (node.op->lowering != ir::Lowering::reduction) return FoldKind::none;
    const std::vector<ir::Type> types{node.operands[0].type()};
    const ir::Integers axes = node.op->axes(types, node.attributes);
    const auto last = static_cast<std::int64_t>(types[0].shape.rank()) - 1;
    return !axes.empty() && axes.back() == last ? FoldKind::row : FoldKind::column;
}

std::vector<Dim> broadcast_index(const ir::Type& operand, std::span<const Dim> at, const ir::Shape& result) {
    std::vector<Dim> index;
    const std::size_t skip = result.rank() - operand.shape.rank();
    for (std::size_t i = 0; i < operand.shape.rank(); ++i)
        index.push_back(operand.shape[i] == Dim(1) ? Dim(0) : at[skip + i]);
    return index;
}

std::vector<Dim> fold_operand_index(const ir::Node& node, std::size_t operand, std::span<const Dim> at,
                                    std::span<const Dim> fold) {
    const std::vector<ir::Type> types = ir::operand_types(node);
    std::vector<Dim> index;
    if (node.op->axes != nullptr) {
        const ir::Integers axes = node.op->axes(types, node.attributes);
        std::size_t kept = 0;
        std::size_t folded = 0;
        for (std::size_t i = 0; i < types[operand].shape.rank(); ++i) {
            const bool reduced = std::ranges::find(axes, static_cast<std::int64_t>(i)) != axes.end();
            index.push_back(reduced ? fold[folded++] : at[kept++]);
        }
        return index;
    }
    const ir::ContractionMaps maps = node.op->contraction(types, node.attributes);
    for (std::size_t loop : maps.operands[operand])
        index.push_back(loop < at.size() ? at[loop] : fold[loop - at.size()]);
    return index;
}

std::vector<Dim> fold_extents(const ir::Node& node) {
    const std::vector<ir::Type> types = ir::operand_types(node);
    if (node.op->contraction != nullptr) return node.op->contraction(types, node.attributes).contracted_extents;
    std::vector<Dim> extents;
    for (std::int64_t axis : node.op->axes(types, node.attributes))
        extents.push_back(types[0].shape[static_cast<std::size_t>(axis)]);
    return extents;
}

Dim linear_offset(const ir::Shape& shape, std::span<const Dim> index) {
    Dim offset = 0;
    for (std::size_t i = 0; i < shape.rank(); ++i) offset = offset * shape[i] + index[i];
    return offset;
}

ir::Shape permuted(const ir::Shape& shape, std::span<const std::uint8_t> permutation) {
    if (permutation.empty()) return shape;
    ir::Shape out;
    for (std::uint8_t from : permutation) out.push_back(shape[from]);
    return out;
}

std::vector<Dim> permuted(std::span<const Dim> index, std::span<const std::uint8_t> permutation) {
    if (permutation.empty()) return {index.begin(), index.end()};
    std::vector<Dim> out;
    for (std::uint8_t from : permutation) out.push_back(index[from]);
    return out;
}

}  // namespace lathe::passes
