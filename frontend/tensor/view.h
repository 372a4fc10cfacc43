// Views of values that lie in memory: what reads them reads that memory, and no element of them is stored again.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/tensor/node.h"

namespace lathe::detail {

// Whether each element of the node is one of its operand, which index arithmetic chooses without looking at data.
inline bool is_view(const Node& node) {
    return node.kind == NodeKind::op && node.op->lowering == ir::Lowering::view && node.operand_count == 1 &&
           !node.op->indices;
}

// What a chain of views begins with; the node itself where it is no view. All nodes from there on are the caller's, or
// ready.
const Node& viewed(const Node& node);

// The elements of a chain of views where they lie, if that is as a tensor has them: row by row, with nothing between.
// Shares the memory; none where there is none, or it is small, or they lie otherwise.
runtime::Buffer share_viewed(const Node& node);

}  // namespace lathe::detail
