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

using ir::Dim;
using ir::Statements;
using ir::Symbol;
using ir::ValueId;

// From this length of k on, reading transposed rows where they lie costs more than a copy (measured).
constexpr std::int64_t copied_depth = 384;
// A second operand of this size comes from far away: to read it for each of so many rows costs more than to pack it
// (measured).
constexpr std::int64_t far_bytes = std::int64_t{4} << 20, packed_rows_of_far = 3;

// Arrays of the nest that lie in blocks.
std::vector<ir::BufferId> arrays_in_blocks(const ir::Program::Kernel& kernel, const ir::Program& program) {
    std::vector<ir::BufferId> out;
    for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
        if (!program.buffers[kernel.arguments[i]].layout.blocks.empty()) out.push_back(static_cast<ir::BufferId>(i));
    return out;
}

// Whether the reduction's second operand is an element of one of the arrays, and its columns lie side by side in whole
// panels. Blocks of other dimensions and sizes are memory like any other.
bool reads_panels(const ir::LoopNest& nest, const ir::Reduce& reduce, Symbol column,
                  const std::vector<ir::BufferId>& arrays) {
    const auto panel = static_cast<Symbol>(nest.symbols.size()), within = static_cast<Symbol>(panel + 1);
    const std::int64_t columns = ir::panel_columns(reduce.op->reducer.accumulator(reduce.elements[0]));
    return std::ranges::any_of(reduce.body, [&](const ir::Stmt& s) {
        const auto* load = std::get_if<ir::Load>(&s.node);
        if (load == nullptr || load->result != reduce.element.back() ||
            std::ranges::find(arrays, load->buffer) == arrays.end())
            return false;
        const ir::Shape& shape = nest.buffers[static_cast<std::size_t>(load->buffer)].type.shape;
        const Dim at = ir::linear_offset(shape, load->index).substitute([&](Symbol x) {
            return x == column ? columns * Dim::symbol(panel) + Dim::symbol(within) : Dim::symbol(x);
        });
        const auto along = at.fold([&](Symbol x) {
                                 return Dim::Bounds{0, x == within ? std::optional(columns - 1) : std::nullopt};
                             }).affine_in(within);
        return along && along->coefficient == Dim(1);
    });
}

std::optional<Contraction> find_contraction(const ir::LoopNest& nest, const std::vector<ir::BufferId>& in_blocks) {
    std::vector<const ir::Loop*> loops;
    const Statements* statements = &nest.body;
    while (true) {
        const ir::Loop* loop = nullptr;
        for (std::size_t i = 0; i < statements->size(); ++i) {
            if (const auto* reduce = std::get_if<ir::Reduce>(&(*statements)[i].node)) {
                if (reduce->op->contraction == nullptr || reduce->lanes != 1 || loop != nullptr) return std::nullopt;
                if (loops.empty()) return std::nullopt;
                Contraction found{{},
                                  nullptr,
                                  loops.back(),
                                  statements,
                                  i,
                                  reduce,
                                  reads_panels(nest, *reduce, loops.back()->var, in_blocks)};
                loops.pop_back();
                if (!loops.empty()) {
                    found.rows = loops.back();
                    loops.pop_back();
                }
                found.outer = std::move(loops);
                return found;
            }
            if (const auto* inner = std::get_if<ir::Loop>(&(*statements)[i].node)) loop = inner;
        }
        // Outer statements (scalars of the epilogue) would have to move inside.
        if (loop == nullptr || statements->size() != 1) return std::nullopt;
        loops.push_back(loop);
        statements = &loop->body;
    }
}

// Statements around the innermost reduction may not feed it: a tile runs it before them.
bool feeds_reduce(const Statements& body, std::size_t at) {
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

// Within a tile it is known which panel a column belongs to, and its place there.
class BlockIndices {
public:
    BlockIndices(const ir::LoopNest& nest, const std::vector<ir::BufferId>& arrays)
        : arrays_(arrays), bounds_(nest.symbols.size(), {0, std::nullopt}) {}

    void fold(Statements& statements) {
        for (ir::Stmt& s : statements) {
            if (auto* load = std::get_if<ir::Load>(&s.node);
                load != nullptr && std::ranges::find(arrays_, load->buffer) != arrays_.end())
                for (Dim& d : load->index) d = d.fold([this](Symbol x) { return bounds_[x]; });
            if (auto* loop = std::get_if<ir::Loop>(&s.node)) enter(*loop);
            if (Statements* inner = ir::body_of(s)) fold(*inner);
        }
    }

private:
    void enter(const ir::Loop& loop) {
        Dim::Bounds& bounds = bounds_[loop.var];
        const auto extent = loop.extent.bounds([this](Symbol x) { return bounds_[x]; });
        if (extent.high) bounds.high = std::max<std::int64_t>((*extent.high - 1) / loop.step * loop.step, 0);
        if (loop.kind == ir::LoopKind::vector) bounds.high = loop.width - 1;
    }

    const std::vector<ir::BufferId>& arrays_;
    std::vector<Dim::Bounds> bounds_;  // by symbol
};

void tile_kernel(ir::Program::Kernel& kernel, const ir::Program& program, const LoopTarget& target) {
    // Scalars that the epilogue uses stand before the loops: they belong to every tile.
    ir::Program::Kernel moved = kernel;
    Statements* statements = &moved.nest.body;
    while (!statements->empty() && std::holds_alternative<ir::Loop>(statements->back().node)) {
        Statements before(statements->begin(), statements->end() - 1);
        if (std::ranges::any_of(before, [](const ir::Stmt& s) { return ir::body_of(s) != nullptr; })) return;
        statements->erase(statements->begin(), statements->end() - 1);
        Statements& body = std::get<ir::Loop>(statements->front().node).body;
        body.insert(body.begin(), before.begin(), before.end());
        statements = &body;
    }
    const std::vector<ir::BufferId> in_blocks = arrays_in_blocks(moved, program);
    const std::optional<Contraction> contraction = find_contraction(moved.nest, in_blocks);
    if (!contraction || feeds_reduce(*contraction->body, contraction->at)) return;
    if (can_pack(*contraction)) {
        const std::optional<std::int64_t> depth = program.typical(moved.over_program(contraction->reduce->extent));
        PackedBlocks blocks = packed_blocks(moved.nest, *contraction, target, depth && *depth >= copied_depth);
        const Dim second = contraction->reduce->extent * contraction->columns->extent;
        const auto element = static_cast<std::int64_t>(size_of(contraction->reduce->elements[1]));
        const std::optional<std::int64_t> count = program.typical(moved.over_program(second));
        if (count && *count >= far_bytes / element) blocks.packed_rows = packed_rows_of_far;
        if (contraction->reads_panels) {
            const Dim k = moved.over_program(contraction->reduce->extent);
            const Dim n = moved.over_program(contraction->columns->extent);
            blocks.is_one_block = k.is_constant() && k.constant() <= contraction->reduce->block;
            if (n.is_constant()) blocks.known_columns = n.constant();
            const Dim m = moved.over_program(contraction->rows->extent);
            if (m.is_constant()) blocks.known_rows = m.constant();
        }
        ir::Program::Kernel packed = moved;
        for (Dim* size : {&blocks.row_blocks, &blocks.rows, &blocks.column_groups, &blocks.panels})
            if (!size->is_constant()) *size = Dim::symbol(packed.add_extent(packed.over_program(*size)));
        packed.nest.body = tile_packed(packed.nest, *find_contraction(packed.nest, in_blocks), target, blocks);
        if (ir::statement_count(packed.nest.body) <= ir::max_statements) {
            BlockIndices(packed.nest, in_blocks).fold(packed.nest.body);
            kernel = std::move(packed);
            return;
        }
    }
    // A long epilogue, once in every kind of tile, may be more than a nest holds: it stays as it is.
    ir::LoopNest& nest = moved.nest;
    nest.body = tile_in_place(nest, *contraction, target);
    if (ir::statement_count(nest.body) > ir::max_statements) return;
    BlockIndices(nest, in_blocks).fold(nest.body);
    kernel = std::move(moved);
}

}  // namespace

void tile(ir::Program& program, const LoopTarget& target) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) { tile_kernel(kernel, program, target); });
}

}  // namespace lathe::passes
