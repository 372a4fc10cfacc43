// Index arithmetic of ops: where an operand's element lies for a point of what reads it.
#pragma once

#include <span>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/op.h"

namespace lathe::ir {

// Instructions that an element of an elementwise node takes; 1 for other nodes.
std::size_t scalar_instructions(const Node& node);

// A view as its graph has it. Loaded indices stand for nothing, unless a derived class says otherwise.
class NodeView : public ViewContext {
public:
    explicit NodeView(const Node& node) : types_(operand_types(node)) {
        operands = types_;
        result = &node.results[0];
        attributes = node.attributes;
    }
    NodeView(const NodeView&) = delete;  // it points into itself
    NodeView& operator=(const NodeView&) = delete;
    Dim loaded_index(std::size_t, std::vector<Dim>, Dim) const override { return 0; }

private:
    std::vector<Type> types_;
};

// The shape of a view of one operand that is told nothing else; null for others.
const Shape* view_shape(const Node& node);
// Whether it shows the elements of its operand in the same row-major order, in another shape.
bool keeps_positions(const Node& node);

// Whether the node reads each of its operands: a view may have some that no element of it comes from, as padding of
// width 0 has.
std::vector<bool> reads_operands(const Node& node);

// Index of an elementwise operand for index `at` of the result: broadcast dimensions read element 0.
std::vector<Dim> broadcast_index(const Type& operand, std::span<const Dim> at, const Shape& result);

// Index of operand `operand` of a reduction or contraction, for output index `at` and fold index `fold`.
std::vector<Dim> fold_operand_index(const Node& node, std::size_t operand, std::span<const Dim> at,
                                    std::span<const Dim> fold);
// Extents of the folded loops.
std::vector<Dim> fold_extents(const Node& node);

}  // namespace lathe::ir
