// Register tiling of contractions. The plain nest
//
//   for ... for i in M for j in N { r = reduce k in K {a = load A[.., i, k]; b = load B[.., k, j]}; epilogue; store }
//
// becomes one parallel loop over groups of columns and blocks of rows, and inside it tiles of rows x columns. The
// contracted loop goes in blocks as the reduction's order says: the chain of a block starts from init, and block
// results are combined in ascending order.
#include "passes/loops/tile.h"

#include <algorithm>
#include <optional>

#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/register_tile.h"

namespace lathe::passes {
namespace {

using ir::Block;
using ir::Dim;
using ir::Symbol;
using ir::ValueId;

// From this length of k on, reading transposed rows where they lie costs more than a copy (measured).
constexpr std::int64_t copied_depth = 384;
// A second operand of this size comes from far away: to read it for each of so many rows costs more than to pack it
// (measured).
constexpr std::int64_t far_bytes = std::int64_t{4} << 20, packed_rows_of_far = 3;

std::optional<Contraction> find_contraction(const ir::LoopNest& nest) {
    std::vector<const ir::Loop*> loops;
    const Block* block = &nest.body;
    while (true) {
        const ir::Loop* loop = nullptr;
        for (std::size_t i = 0; i < block->size(); ++i) {
            if (const auto* reduce = std::get_if<ir::Reduce>(&(*block)[i].node)) {
                if (reduce->op->contraction == nullptr || reduce->lanes != 1 || loop != nullptr) return std::nullopt;
                if (loops.empty()) return std::nullopt;
                Contraction found{{}, nullptr, loops.back(), block, i, reduce};
                loops.pop_back();
                if (!loops.empty()) {
                    found.rows = loops.back();
                    loops.pop_back();
                }
                found.outer = std::move(loops);
                return found;
            }
            if (const auto* inner = std::get_if<ir::Loop>(&(*block)[i].node)) loop = inner;
        }
        // Outer statements (scalars of the epilogue) would have to move inside.
        if (loop == nullptr || block->size() != 1) return std::nullopt;
        loops.push_back(loop);
        block = &loop->body;
    }
}

// Statements around the innermost reduction may not feed it: a tile runs it before them.
bool feeds_reduce(const Block& body, std::size_t at) {
    std::vector<ValueId> defined;
    std::vector<Symbol> symbols;
    for (std::size_t i = 0; i < at; ++i) {
        ir::for_each_result(body[i], [&](const ValueId& v) { defined.push_back(v); });
        ir::for_each_symbol(body[i], [&](Symbol x, ir::SymbolRole) { symbols.push_back(x); });
    }
    const auto& reduce = std::get<ir::Reduce>(body[at].node);
    bool feeds = false;
    const auto uses = [&](ValueId v) { feeds = feeds || std::ranges::find(defined, v) != defined.end(); };
    ir::for_each_use(body[at], uses);
    for (const ir::Stmt& s : reduce.body) {
        ir::for_each_use(s, uses);
        feeds = feeds || ir::body_of(s) != nullptr;
        ir::for_each_dim(s, [&](const Dim& d) {
            for (Symbol x : symbols) feeds = feeds || d.depends_on(x);
        });
    }
    return feeds;
}

void tile_kernel(ir::Program::Kernel& kernel, const ir::Program& program, const LoopTarget& target) {
    // Scalars that the epilogue uses stand before the loops: they belong to every tile.
    ir::Program::Kernel moved = kernel;
    Block* block = &moved.nest.body;
    while (!block->empty() && std::holds_alternative<ir::Loop>(block->back().node)) {
        Block before(block->begin(), block->end() - 1);
        if (std::ranges::any_of(before, [](const ir::Stmt& s) { return ir::body_of(s) != nullptr; })) return;
        block->erase(block->begin(), block->end() - 1);
        Block& body = std::get<ir::Loop>(block->front().node).body;
        body.insert(body.begin(), before.begin(), before.end());
        block = &body;
    }
    const std::optional<Contraction> contraction = find_contraction(moved.nest);
    if (!contraction || feeds_reduce(*contraction->body, contraction->at)) return;
    if (can_pack(*contraction)) {
        PackedBlocks blocks = packed_blocks(moved.nest, *contraction, target);
        const std::optional<std::int64_t> depth = program.typical(moved.over_program(contraction->reduce->extent));
        blocks.copies_rows = depth && *depth >= copied_depth;
        const Dim second = contraction->reduce->extent * contraction->columns->extent;
        const auto element = static_cast<std::int64_t>(size_of(contraction->reduce->elements[1]));
        const std::optional<std::int64_t> count = program.typical(moved.over_program(second));
        if (count && *count >= far_bytes / element) blocks.packed_rows = packed_rows_of_far;
        ir::Program::Kernel packed = moved;
        for (Dim* size : {&blocks.row_blocks, &blocks.rows, &blocks.column_groups, &blocks.panels})
            if (!size->is_constant()) *size = Dim::symbol(packed.add_extent(packed.over_program(*size)));
        packed.nest.body = tile_packed(packed.nest, *find_contraction(packed.nest), target, blocks);
        if (ir::statement_count(packed.nest.body) <= ir::max_statements) {
            kernel = std::move(packed);
            return;
        }
    }
    ir::LoopNest& nest = moved.nest;
    nest.body = tile_in_place(nest, *contraction, target);
    kernel = std::move(moved);
}

}  // namespace

void tile(ir::Program& program, const LoopTarget& target) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) { tile_kernel(kernel, program, target); });
}

}  // namespace lathe::passes
