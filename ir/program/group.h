// A fused group: nodes of a graph that one kernel computes.
//
// It iterates over a domain d0, d1, ... and computes every member at a point of it. The leading `outer_rank` dimensions
// are rows: reductions over the rest (row folds) happen once per row, and what follows them may use their result again
// over the whole row, as in softmax. A contraction forms a group with its cheap epilogue; a reduction that keeps the
// last axis forms one with its producers and epilogue. Views, iotas and splat constants belong to no group: they are
// index arithmetic inside whichever groups read through them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::ir {

enum class FoldKind : std::uint8_t {
    none,
    row,          // the last axis is reduced: one result a row, the row vectorizes
    column,       // the last axis is kept: it vectorizes, the reduced axes are walked in order
    contraction,  // tiles
};

std::string_view name(FoldKind kind);

// An output over a reduction's elements: the reduction's loop stores it as it reads it.
struct FoldOutput {
    Value value;
    const Node* fold = nullptr;
};

struct Group {
    FoldKind kind = FoldKind::none;  // of its folds: a group has folds of one kind only
    Shape domain;
    std::size_t outer_rank = 0;            // < domain.rank() only with row folds
    std::vector<const Node*> members;      // in topological order
    std::vector<const Node*> folds;        // members that reduce or contract, in topological order
    std::vector<Value> outputs;            // what is stored
    std::vector<FoldOutput> fold_outputs;  // those of the outputs that are stored by a fold's loop
    std::vector<Value> inputs;             // what is loaded, in order of first use

    bool is_fold_output(Value v) const;
};

// Of a reduction or contraction; none for every other node.
FoldKind fold_kind(const Node& node);

// Whether a node is index arithmetic that consumers repeat for free: a view without loaded indices, an iota, a splat.
bool is_free(const Node& node);

}  // namespace lathe::ir
