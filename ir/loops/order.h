// The order in which reductions and contractions fold: numerics version 2. The reference interpreter and the lowering
// to loops both ask here, so that they cannot differ. The order depends on ops, dtypes and ranks alone, never on
// extents.
//
// A fold over `extent` elements in the order (lanes, block): element r goes to lane r mod lanes of block r div block.
// Each lane of a block starts from the reducer's init and takes its elements in ascending order by step. At the end of
// a block lane l combines with lane l + lanes/2 for l < lanes/2, and so on by halving, until one is left; lanes that
// got no element take part. The blocks combine in ascending order onto an accumulator that starts from init.
//
// Reductions. Where the last axis is reduced, the reduced axes that are trailing (no kept axis behind them), flattened
// in row-major order, fold in lanes of 256 bytes and blocks of 4,096: the inner fold. Of a reducer that keeps
// positions, those are the lanes' bytes. Reduced axes before a kept one, flattened likewise, are the outer fold: it
// combines the inner folds' accumulators in the order (1, 256). Where the last axis is kept there is no outer fold: all
// reduced axes, flattened, fold in the order (1, 256). The element's index that step sees is its row-major position
// among all reduced axes. finish, and with it the rounding of f16 and bf16, comes last.
//
// Contractions. The contracted dimensions, in the order the op lists them, are flattened in row-major order and fold in
// the order (1, 1024). Where one operand has no free dimension, that is, none that the result has from it alone, they
// fold in lanes of 256 bytes and blocks of 4,096.
#pragma once

#include <algorithm>

#include "ir/loops/loops.h"

namespace lathe::ir {

inline constexpr int numerics_version = 2;

struct LaneOrder {
    std::int64_t lanes = 1, block = 1;
    friend bool operator==(const LaneOrder&, const LaneOrder&) = default;
};

struct FoldOrder {
    std::size_t inner_loops = 0;  // of the folded loops, in order, the last so many are the inner fold
    LaneOrder inner, outer;       // outer matters only where loops are left for it
    friend bool operator==(const FoldOrder&, const FoldOrder&) = default;
};

// The dtype that decides how many lanes a reduction has: that of positions, or of the row's accumulator. f16 and bf16
// fold in as many lanes as f32, whatever accumulates them.
inline Dtype lane_dtype(const OpDef& op, Dtype element) {
    return op.reducer.keeps_position ? Dtype::i64 : accumulator_of(op.reducer.accumulator(element));
}

// Of a reduction over ascending axes of a tensor of some rank.
inline FoldOrder reduction_order(Dtype lane, std::size_t rank, const Integers& axes) {
    std::size_t trailing = 0;
    while (trailing < axes.size() && axes[axes.size() - 1 - trailing] == static_cast<std::int64_t>(rank - 1 - trailing))
        ++trailing;
    const LaneOrder chain{1, column_block};
    if (trailing == 0) return {axes.size(), chain, chain};
    return {trailing, {row_lanes(lane), row_block}, chain};
}

// Of a contraction whose result has some rank: loops below it are the result's, the others are contracted.
inline FoldOrder contraction_order(Dtype lane, const ContractionMaps& maps, std::size_t result_rank) {
    const auto has_free = [&](std::size_t own, std::size_t other) {
        return std::ranges::any_of(maps.operands[own], [&](std::size_t loop) {
            return loop < result_rank && std::ranges::find(maps.operands[other], loop) == maps.operands[other].end();
        });
    };
    if (has_free(0, 1) && has_free(1, 0)) return {maps.contracted, {1, contraction_block}, {}};
    return {maps.contracted, {row_lanes(lane), row_block}, {}};
}

// Of a node whose row is a reduction or a contraction.
inline FoldOrder fold_order(const Node& node) {
    const std::vector<Type> types = operand_types(node);
    if (node.op->lowering == Lowering::contraction)
        return contraction_order(lane_dtype(*node.op, types[0].dtype), node.op->contraction(types, node.attributes),
                                 node.results[0].shape.rank());
    return reduction_order(lane_dtype(*node.op, types[0].dtype), types[0].shape.rank(),
                           node.op->axes(types, node.attributes));
}

}  // namespace lathe::ir
