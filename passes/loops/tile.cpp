// Register tiling of contractions. The plain nest
//
//   for ... for i in M for j in N { r = reduce k in K {a = load A[.., i, k]; b = load B[.., k, j]}; epilogue; store }
//
// becomes one parallel loop over panels of columns and blocks of rows, and inside it tiles of rows x columns whose
// accumulators are scratch with constant indices, which code generation keeps in registers. Rows and columns that fill
// no whole tile run in narrower ones. A single row takes wide tiles, for it reads every element of B just once: what
// counts is that it reads long runs, with enough accumulators that none waits for itself. The contracted loop goes in
// blocks as the reduction's order says: the chain of a block starts from init, and block results are combined in
// ascending order.
#include <algorithm>
#include <optional>

#include "ir/loops/walk.h"
#include "passes/loops/block_copy.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {
namespace {

using ir::Block;
using ir::Dim;
using ir::Dtype;
using ir::LoopKind;
using ir::Symbol;
using ir::SymbolRole;
using ir::ValueId;

constexpr std::int64_t tile_rows = 6;  // measured: 6 rows x 4 vectors fill 32 registers, 6 x 2 fill 16
constexpr std::int64_t row_block =
    tile_rows * 16;  // rows that a task runs through while its panel of columns is in cache

struct Site {
    std::vector<const ir::Loop*>
        loops;               // outermost first; the last two are the tile's rows and columns; or columns only
    std::size_t reduce = 0;  // position in the innermost body
};

std::optional<Site> find_site(const ir::LoopNest& nest) {
    Site site;
    const Block* block = &nest.body;
    while (true) {
        std::size_t loops = 0;
        const ir::Loop* loop = nullptr;
        for (std::size_t i = 0; i < block->size(); ++i) {
            if (const auto* reduce = std::get_if<ir::Reduce>(&(*block)[i].node)) {
                if (reduce->op->contraction == nullptr || reduce->lanes != 1 || loop != nullptr) return std::nullopt;
                if (site.loops.empty()) return std::nullopt;
                site.reduce = i;
                return site;
            }
            if ((loop = std::get_if<ir::Loop>(&(*block)[i].node)) != nullptr) ++loops;
        }
        // Outer statements (scalars of the epilogue) would have to move inside.
        if (loops != 1 || block->size() != 1) return std::nullopt;
        loop = std::get_if<ir::Loop>(&block->front().node);
        site.loops.push_back(loop);
        block = &loop->body;
    }
}

class Tiler {
public:
    Tiler(ir::LoopNest& nest, const Site& site, const LoopTarget& target) : nest_(nest), site_(site) {
        body_ = &site.loops.back()->body;
        reduce_ = &std::get<ir::Reduce>((*body_)[site.reduce].node);
        if (site.loops.size() > 1) rows_ = site.loops[site.loops.size() - 2];
        columns_ = site.loops.back();
        const ir::ScalarProgram& init = ir::reducer_program(*reduce_->op, ir::ReducerPart::init, reduce_->elements);
        accumulator_ = init.dtype_of(init.results[0]);
        width_ = target.vector_bytes / static_cast<std::int64_t>(size_of(accumulator_));
        tile_columns_ = width_ * (target.vector_registers >= 32 ? 4 : 2);
    }

    Block run() { return rows_ == nullptr ? one_row() : many_rows(); }

private:
    Block one_row() {
        const Dim n = columns_->extent;
        const std::int64_t panel = tile_columns_ * 4;
        const Symbol task = nest_.add_symbol(SymbolRole::loop, "task");
        const Dim column0 = Dim::symbol(task) * panel, columns = n - column0;
        const Dim whole = min(1, floordiv(columns, panel));  // 1: the panel is whole
        Block inside;
        inside.push_back(
            loop("whole", whole, 1, LoopKind::serial, [&](Dim) { return tile(0, 1, column0, panel, false); }));
        inside.push_back(loop("part", 1 - whole, 1, LoopKind::serial, [&](Dim) {
            Block b;
            const Dim tiled = floordiv(columns, tile_columns_) * tile_columns_;
            b.push_back(loop("c", tiled, tile_columns_, LoopKind::serial,
                             [&](Dim c) { return tile(0, 1, column0 + c, tile_columns_, false); }));
            b.push_back(loop("c", columns - tiled, width_, LoopKind::serial,
                             [&](Dim c) { return tile(0, 1, column0 + tiled + c, width_, true); }));
            return b;
        }));
        Block out;
        out.push_back({ir::Loop{task, ceildiv(n, panel), 1, LoopKind::parallel, 1, std::move(inside)}});
        return out;
    }

    Block many_rows() {
        const Dim m = rows_->extent;
        const Dim n = columns_->extent;
        const Dim panels = ceildiv(n, tile_columns_);
        const Dim blocks = ceildiv(m, row_block);
        const Symbol task = nest_.add_symbol(SymbolRole::loop, "task");
        Dim rest = Dim::symbol(task);
        const auto take = [&rest](Dim extent) {
            const Dim quotient = floordiv(rest, extent);
            const Dim digit = rest - extent * quotient;
            rest = quotient;
            return digit;
        };
        Dim tasks = blocks * panels;
        const Dim row0 = take(blocks) * row_block;
        const bool batched = site_.loops.size() > 2;
        const Dim column0 = (batched ? take(panels) : rest) * tile_columns_;
        for (std::size_t i = site_.loops.size() - 2; i-- > 0;) {
            tasks *= site_.loops[i]->extent;
            outer_[site_.loops[i]->var] = i == 0 ? rest : take(site_.loops[i]->extent);
        }

        Block inside;
        const Dim whole = min(1, floordiv(n - column0, tile_columns_));  // 1: the panel is a whole tile wide
        inside.push_back(loop("whole", whole, 1, LoopKind::serial, [&](Dim) {
            return row_tiles(row0, min(row_block, m - row0), column0, tile_columns_, false);
        }));
        inside.push_back(loop("part", 1 - whole, 1, LoopKind::serial, [&](Dim) {
            Block b;
            b.push_back(loop("c", n - column0, width_, LoopKind::serial, [&](Dim c) {
                return row_tiles(row0, min(row_block, m - row0), column0 + c, width_, true);
            }));
            return b;
        }));
        Block out;
        out.push_back({ir::Loop{task, tasks, 1, LoopKind::parallel, 1, std::move(inside)}});
        return out;
    }

    template <class Body>
    ir::Stmt loop(const std::string& name, Dim extent, std::int64_t step, LoopKind kind, const Body& body) {
        const Symbol s = nest_.add_symbol(SymbolRole::loop, name);
        ir::Loop l{s, extent, step, kind, 1, {}};
        l.body = body(Dim::symbol(s));
        return {std::move(l)};
    }

    Block row_tiles(Dim row0, Dim rows, Dim column0, std::int64_t columns, bool masked) {
        const Dim tiled = floordiv(rows, tile_rows) * tile_rows;
        Block out;
        out.push_back(loop("m", tiled, tile_rows, LoopKind::serial,
                           [&](Dim r) { return tile(row0 + r, tile_rows, column0, columns, masked); }));
        out.push_back(loop("m", rows - tiled, 1, LoopKind::serial,
                           [&](Dim r) { return tile(row0 + tiled + r, 1, column0, columns, masked); }));
        return out;
    }

    // Runs `body(row, column)` for every element of the tile, columns in vectors.
    template <class Body>
    ir::Stmt elements(std::int64_t rows, std::int64_t columns, Dim last_columns, const Body& body) {
        const auto across = [&](Dim r) {
            Block b;
            const auto vector = [&](Dim v) {
                Block inner;
                const Symbol s = nest_.add_symbol(SymbolRole::loop, "v");
                ir::Loop l{s, last_columns, 1, LoopKind::vector, static_cast<int>(width_), {}};
                l.body = body(r, v + Dim::symbol(s));
                inner.push_back({std::move(l)});
                return inner;
            };
            if (columns == width_) return vector(0);
            b.push_back(loop("c", columns, width_, LoopKind::unroll, vector));
            return b;
        };
        if (rows == 1) {
            Block b = across(0);
            return std::move(b.front());
        }
        return loop("r", rows, 1, LoopKind::unroll, across);
    }

    ir::BufferId scratch(const char* name, std::int64_t rows, std::int64_t columns, Block& into) {
        const ir::BufferId b =
            nest_.add_buffer({name, ir::BufferRole::scratch, {accumulator_, ir::Shape{rows, columns}}});
        into.push_back({ir::Alloc{b}});
        return b;
    }

    ir::Stmt fill(ir::BufferId b, std::int64_t rows, std::int64_t columns) {
        return elements(rows, columns, width_, [&](Dim r, Dim c) {
            Block s;
            const ValueId v = nest_.add_value(accumulator_);
            s.push_back({ir::Compute{{v}, reduce_->op, ir::ComputePart::init, {}, {}, reduce_->elements}});
            s.push_back({ir::Store{b, {r, c}, v, {}, false}});
            return s;
        });
    }

    Block tile(Dim row, std::int64_t rows, Dim column, std::int64_t columns, bool masked) {
        const Dim lanes = masked ? min(width_, columns_->extent - column) : Dim(width_);
        Block out;
        const ir::BufferId total = scratch("total", rows, columns, out);
        out.push_back(fill(total, rows, columns));
        const Dim k = reduce_->extent;
        out.push_back(loop("kb", k, reduce_->block, LoopKind::serial, [&](Dim kb) {
            Block block;
            const ir::BufferId acc = scratch("acc", rows, columns, block);
            block.push_back(fill(acc, rows, columns));
            block.push_back(loop("k", min(reduce_->block, k - kb), 1, LoopKind::serial, [&](Dim kk) {
                Block b;
                b.push_back(elements(rows, columns, lanes,
                                     [&](Dim r, Dim c) { return step(row + r, column + c, kb + kk, acc, r, c); }));
                return b;
            }));
            block.push_back(elements(rows, columns, width_, [&](Dim r, Dim c) {
                Block b;
                const ValueId earlier = load(total, r, c, b);
                const ValueId later = load(acc, r, c, b);
                const ValueId sum = nest_.add_value(accumulator_);
                b.push_back({ir::Compute{
                    {sum}, reduce_->op, ir::ComputePart::combine, {}, {earlier, later}, reduce_->elements}});
                b.push_back({ir::Store{total, {r, c}, sum, {}, false}});
                return b;
            }));
            return block;
        }));
        out.push_back(
            elements(rows, columns, lanes, [&](Dim r, Dim c) { return epilogue(row + r, column + c, total, r, c); }));
        return out;
    }

    ValueId load(ir::BufferId b, Dim r, Dim c, Block& into) {
        const ValueId v = nest_.add_value(accumulator_);
        into.push_back({ir::Load{v, b, {r, c}, {}}});
        return v;
    }

    BlockCopy at(Dim row, Dim column) const {
        BlockCopy copy(nest_);
        for (const auto& [s, d] : outer_) copy.replace_symbol(s, d);
        if (rows_ != nullptr) copy.replace_symbol(rows_->var, row);
        copy.replace_symbol(columns_->var, column);
        return copy;
    }

    Block step(Dim row, Dim column, Dim k, ir::BufferId acc, Dim r, Dim c) {
        BlockCopy copy = at(row, column);
        copy.replace_symbol(reduce_->var, k);
        Block b = copy.copy(reduce_->body);
        const ValueId old = load(acc, r, c, b);
        const ValueId index = nest_.add_value(Dtype::i64);
        b.push_back({ir::IndexValue{index, k}});
        const ValueId next = nest_.add_value(accumulator_);
        std::vector<ValueId> operands{old};
        for (ValueId e : reduce_->element) operands.push_back(copy.copy(e));
        operands.push_back(index);
        b.push_back(
            {ir::Compute{{next}, reduce_->op, ir::ComputePart::step, {}, std::move(operands), reduce_->elements}});
        b.push_back({ir::Store{acc, {r, c}, next, {}, false}});
        return b;
    }

    Block epilogue(Dim row, Dim column, ir::BufferId total, Dim r, Dim c) {
        BlockCopy copy = at(row, column);
        Block b;
        const ValueId sum = load(total, r, c, b);
        const ValueId result = nest_.add_value(nest_.value_dtypes[static_cast<std::size_t>(reduce_->results[0])]);
        b.push_back({ir::Compute{{result}, reduce_->op, ir::ComputePart::finish, {}, {sum}, reduce_->elements}});
        copy.replace_value(reduce_->results[0], result);
        for (std::size_t i = 0; i < body_->size(); ++i)
            if (i != site_.reduce) b.push_back(copy.copy((*body_)[i]));
        return b;
    }

    ir::LoopNest& nest_;
    const Site& site_;
    const Block* body_ = nullptr;
    const ir::Reduce* reduce_ = nullptr;
    const ir::Loop* rows_ = nullptr;  // null: there is one row
    const ir::Loop* columns_ = nullptr;
    std::map<Symbol, Dim> outer_;
    Dtype accumulator_ = Dtype::f32;
    std::int64_t width_ = 1, tile_columns_ = 1;
};

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

}  // namespace

void tile(ir::LoopNest& nest, const LoopTarget& target) {
    // Scalars that the epilogue uses stand before the loops: they belong to every tile.
    ir::LoopNest moved = nest;
    Block* block = &moved.body;
    while (!block->empty() && std::holds_alternative<ir::Loop>(block->back().node)) {
        Block before(block->begin(), block->end() - 1);
        if (std::ranges::any_of(before, [](const ir::Stmt& s) { return ir::body_of(s) != nullptr; })) return;
        block->erase(block->begin(), block->end() - 1);
        Block& body = std::get<ir::Loop>(block->front().node).body;
        body.insert(body.begin(), before.begin(), before.end());
        block = &body;
    }
    const std::optional<Site> site = find_site(moved);
    if (!site || feeds_reduce(site->loops.back()->body, site->reduce)) return;
    ir::LoopNest result = moved;
    result.body = Tiler(result, *site, target).run();
    nest = std::move(result);
}

}  // namespace lathe::passes
