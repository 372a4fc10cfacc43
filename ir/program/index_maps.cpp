#include "ir/program/index_maps.h"

#include <algorithm>

#include "ir/ops/op.h"

namespace lathe::ir {

std::size_t scalar_instructions(const Node& node) {
    if (node.op->lowering != Lowering::elementwise) return 1;
    std::vector<Dtype> dtypes;
    for (const Type& t : operand_types(node)) dtypes.push_back(t.dtype);
    return scalar_program(*node.op, dtypes, node.attributes, node.results[0].dtype).insts.size();
}

const Shape* view_shape(const Node& node) {
    const bool has_one = node.op->lowering == Lowering::view && node.operands.size() == 1 &&
                         node.op->attributes.size() == 1 && node.op->attributes[0].meaning == AttributeMeaning::shape;
    return has_one ? &std::get<Shape>(node.attributes[0]) : nullptr;
}

bool keeps_positions(const Node& node) {
    return view_shape(node) != nullptr &&
           node.operands[0].type().shape.element_count() == node.results[0].shape.element_count();
}

namespace {

class ReadOperands final : public NodeView {
public:
    explicit ReadOperands(const Node& node) : NodeView(node), reads(node.operands.size(), false) {}
    Dim loaded_index(std::size_t operand, std::vector<Dim>, Dim) const override {
        reads[operand] = true;
        return 0;
    }
    mutable std::vector<bool> reads;
};

}  // namespace

std::vector<bool> reads_operands(const Node& node) {
    if (node.op->lowering != Lowering::view) return std::vector<bool>(node.operands.size(), true);
    ReadOperands context(node);
    const auto first = static_cast<Symbol>(node.graph->symbols.size());
    std::vector<Dim> at;
    for (std::size_t i = 0; i < node.results[0].shape.rank(); ++i)
        at.push_back(Dim::symbol(first + static_cast<Symbol>(i)));
    for (const ViewPiece& piece : node.op->view(context, at)) context.reads[piece.operand] = true;
    return context.reads;
}

std::vector<Dim> broadcast_index(const Type& operand, std::span<const Dim> at, const Shape& result) {
    std::vector<Dim> index;
    const std::size_t skip = result.rank() - operand.shape.rank();
    for (std::size_t i = 0; i < operand.shape.rank(); ++i)
        index.push_back(operand.shape[i] == Dim(1) && result[skip + i] != Dim(1) ? Dim(0) : at[skip + i]);
    return index;
}

std::vector<Dim> fold_operand_index(const Node& node, std::size_t operand, std::span<const Dim> at,
                                    std::span<const Dim> fold) {
    const std::vector<Type> types = operand_types(node);
    std::vector<Dim> index;
    if (node.op->axes != nullptr) {
        const Integers axes = node.op->axes(types, node.attributes);
        std::size_t kept = 0;
        std::size_t folded = 0;
        for (std::size_t i = 0; i < types[operand].shape.rank(); ++i) {
            const bool reduced = std::ranges::find(axes, static_cast<std::int64_t>(i)) != axes.end();
            index.push_back(reduced ? fold[folded++] : at[kept++]);
        }
        return index;
    }
    const ContractionMaps maps = node.op->contraction(types, node.attributes);
    for (std::size_t loop : maps.operands[operand])
        index.push_back(loop < at.size() ? at[loop] : fold[loop - at.size()]);
    return index;
}

std::vector<Dim> fold_extents(const Node& node) {
    const std::vector<Type> types = operand_types(node);
    if (node.op->contraction != nullptr) return node.op->contraction(types, node.attributes).contracted_extents;
    std::vector<Dim> extents;
    for (std::int64_t axis : node.op->axes(types, node.attributes))
        extents.push_back(types[0].shape[static_cast<std::size_t>(axis)]);
    return extents;
}

}  // namespace lathe::ir
