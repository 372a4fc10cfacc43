// Fusion: which nodes are computed together, in one kernel, decided by loop structure.
//
// A group iterates over a domain d0, d1, ... and computes every member at a point of it. The leading `outer_rank`
// dimensions are rows: reductions over the rest (row folds) happen once per row, and what follows them may use their
// result again over the whole row, as in softmax. A contraction forms a group with its cheap epilogue; a reduction that
// keeps the last axis forms one with its producers and epilogue. Views, iotas and splat constants belong to no group:
// they are index arithmetic inside whichever groups read through them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "passes/remark.h"

namespace lathe::passes {

// A value in memory: row-major after reordering its dimensions (dimension i of the memory is permutation[i] of the
// value); an empty permutation is the identity. Or, where `part` is not 0, something on the way to the value that only
// kernels know.
struct Memory {
    ir::Value value;
    std::vector<std::uint8_t> permutation;
    std::uint8_t part = 0;
    bool is_value() const { return permutation.empty() && part == 0; }  // as it is
    friend bool operator==(const Memory&, const Memory&) = default;
};

enum class FoldKind : std::uint8_t {
    none,
    row,          // the last axis is reduced: one result a row, the row vectorizes
    column,       // the last axis is kept: it vectorizes, the reduced axes are walked in order
    contraction,  // tiles
};

// Of a reduction or contraction; none for every other node.
FoldKind fold_kind(const ir::Node& node);

// An output over a reduction's elements: the reduction's loop stores it as it reads it.
struct FoldOutput {
    ir::Value value;
    const ir::Node* fold = nullptr;
};

struct Group {
    FoldKind kind = FoldKind::none;  // of its folds: a group has folds of one kind only
    ir::Shape domain;
    std::size_t outer_rank = 0;            // < domain.rank() only with row folds
    std::vector<const ir::Node*> members;  // in topological order
    std::vector<const ir::Node*> folds;    // members that reduce or contract, in topological order
    std::vector<Memory> outputs;           // what is stored
    std::vector<FoldOutput> fold_outputs;  // those of the outputs that are stored by a fold's loop
    std::vector<Memory> inputs;            // what is loaded, in order of first use

    bool is_fold_output(ir::Value v) const;
};

struct FusedGraph {
    const ir::Graph* graph = nullptr;
    std::vector<Group> groups;  // in an order that respects their dependencies
    Remarks remarks;
};

struct FuseOptions {
    bool enabled = true;            // false: every node on its own
    std::size_t max_members = 96;   // bounds compile time and the size of a kernel
    std::size_t max_epilogue = 24;  // scalar instructions behind a contraction
};

FusedGraph fuse(const ir::Graph& graph, const FuseOptions& options = {});

std::string print(const FusedGraph& fused);

// ---- index maps, shared with lowering

// Whether a node is index arithmetic that consumers repeat for free: a view without loaded indices, an iota, a splat.
bool is_free(const ir::Node& node);

// Instructions that an element of an elementwise node takes; 1 for other nodes.
std::size_t scalar_instructions(const ir::Node& node);

// Index of an elementwise operand for index `at` of the result: broadcast dimensions read element 0.
std::vector<ir::Dim> broadcast_index(const ir::Type& operand, std::span<const ir::Dim> at, const ir::Shape& result);

// Index of operand `operand` of a reduction or contraction, for output index `at` and fold index `fold`.
std::vector<ir::Dim> fold_operand_index(const ir::Node& node, std::size_t operand, std::span<const ir::Dim> at,
                                        std::span<const ir::Dim> fold);
// Extents of the folded loops.
std::vector<ir::Dim> fold_extents(const ir::Node& node);

// Row-major offset of an index into memory of this shape.
ir::Dim linear_offset(const ir::Shape& shape, std::span<const ir::Dim> index);

// The shape as it lies in memory, and an index likewise.
ir::Shape permuted(const ir::Shape& shape, std::span<const std::uint8_t> permutation);
std::vector<ir::Dim> permuted(std::span<const ir::Dim> index, std::span<const std::uint8_t> permutation);

}  // namespace lathe::passes
