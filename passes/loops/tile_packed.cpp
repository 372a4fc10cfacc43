// A task computes a group of column panels for a block of rows. For each block of k it packs what the group reads of
// the second operand, panel after panel as the tiles read it, columns beyond the last as zeros: rows of a matrix lie
// far apart, on pages and in cache sets that conflict, and what is packed is read once for every tile of rows. Then all
// its tiles of rows run through the group, so that the first operand's rows stay in the nearest cache meanwhile. Sums
// of the blocks before the last one lie in the workspace. Shorter blocks whose chains go on from one to the next, with
// more panels in a group, were measured slower.
//
// Rows are cut into tiles of six and five, which together fit any number from 20 on; below that a tile of five may
// reach beyond the last row, which it computes again and does not store. Columns that fill no panel run in tiles of one
// vector and twelve rows. Fewer than five rows read the second operand just once each: they do without packing.
#include <set>

#include "ir/loops/walk.h"
#include "passes/loops/register_tile.h"

namespace lathe::passes {
namespace {

using ir::Block;
using ir::Dim;
using ir::LoopKind;
using ir::Symbol;
using ir::ValueId;

constexpr std::int64_t tile_rows = 6;     // measured: 6 rows x 4 vectors fill 32 registers, 6 x 2 fill 16
constexpr std::int64_t narrow_rows = 12;  // of a tile of one vector: so many chains hide the latency of an addition
constexpr std::int64_t few_rows = tile_rows - 1;   // fewer run one by one
constexpr std::int64_t most_rows = 384;            // of a task: what it packs is little beside its work
constexpr std::int64_t packed_bytes = 256 * 1024;  // half of a small second cache
constexpr std::int64_t most_panels = 16;           // of a group
constexpr std::int64_t least_rows = 96;            // where there are rows for two tasks

// The statements of a block that a value needs, in order.
std::vector<std::size_t> slice(const Block& body, ValueId wanted) {
    std::set<ValueId> needed{wanted};
    std::vector<std::size_t> out;
    for (std::size_t i = body.size(); i-- > 0;) {
        bool defines = false;
        ir::for_each_result(body[i], [&](ValueId v) { defines = defines || needed.contains(v); });
        if (!defines) continue;
        out.insert(out.begin(), i);
        ir::for_each_use(body[i], [&](ValueId v) { needed.insert(v); });
    }
    return out;
}

bool depends_on(const Block& body, const std::vector<std::size_t>& statements, Symbol s) {
    return std::ranges::any_of(statements, [&](std::size_t i) {
        bool found = false;
        ir::for_each_dim(body[i], [&](const Dim& d) { found = found || d.depends_on(s); });
        return found;
    });
}

// 1 where x > 0, else 0.
Dim positive(const Dim& x) { return min(1, max(0, x)); }

class Packing {
public:
    Packing(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target)
        : nest_(nest),
          contraction_(contraction),
          reduce_(*contraction.reduce),
          tiles_(nest, contraction, target),
          wide_(tiles_.tile_columns()) {}

    Block run(const PackedBlocks& blocks) {
        const Dim m = contraction_.rows->extent, n = contraction_.columns->extent;
        group_columns_ = blocks.panels * wide_;
        const Symbol task = nest_.add_symbol(ir::SymbolRole::loop, "task");
        TaskDigits digits(Dim::symbol(task));
        row0_ = digits.take(blocks.row_blocks) * blocks.rows;
        const Dim group = digits.take_columns_and_outer(blocks.column_groups, contraction_, tiles_);
        column0_ = group * group_columns_;
        rows_ = min(blocks.rows, m - row0_);
        columns_ = min(group_columns_, n - column0_);
        whole_ = min(blocks.panels, floordiv(n, wide_) - group * blocks.panels);
        first_ = slice(reduce_.body, reduce_.element[0]);
        second_ = slice(reduce_.body, reduce_.element[1]);

        const Dim few = positive(few_rows - m);  // 1: no packing
        Block inside;
        inside.push_back(tiles_.when("few", few, [&] { return without_packing(); }));
        inside.push_back(tiles_.when("many", 1 - few, [&] { return with_packing(blocks); }));
        Block out;
        out.push_back({ir::Loop{task, digits.count(), 1, LoopKind::parallel, 1, std::move(inside)}});
        return out;
    }

private:
    Block without_packing() {
        const std::int64_t run = tiles_.width() * 4;
        Block out;
        out.push_back(tiles_.loop("m", rows_, 1, LoopKind::serial, [&](Dim r) {
            const Dim tiled = floordiv(columns_, run) * run;
            Block b;
            b.push_back(tiles_.loop("c", tiled, run, LoopKind::serial,
                                    [&](Dim c) { return tiles_.in_place(row0_ + r, 1, column0_ + c, run, false); }));
            b.push_back(tiles_.loop("c", columns_ - tiled, tiles_.width(), LoopKind::serial, [&](Dim c) {
                return tiles_.in_place(row0_ + r, 1, column0_ + tiled + c, tiles_.width(), true);
            }));
            return b;
        }));
        return out;
    }

    Block with_packing(const PackedBlocks& blocks) {
        const Dim k = reduce_.extent;
        const ir::Dtype packed = nest_.value_dtypes[static_cast<std::size_t>(reduce_.element[1])];
        Block out;
        pack_ = tiles_.scratch("pack", packed, {blocks.panels, min(reduce_.block, max(k, 1)), wide_}, out);
        sums_ = tiles_.scratch("sums", tiles_.accumulator(),
                               {blocks.rows * positive(k - reduce_.block), group_columns_}, out);
        tile_ = tiles_.scratch("tile", tiles_.accumulator(), {narrow_rows, wide_}, out);
        out.push_back(tiles_.loop("kb", max(k, 1), reduce_.block, LoopKind::serial, [&](Dim kb) {
            kb_ = kb;
            depth_ = min(reduce_.block, k - kb);
            last_ = 1 - positive(k - reduce_.block - kb);
            Block b;
            b.push_back(pack());
            const Dim tiles = ceildiv(rows_, tile_rows), sixes = max(0, rows_ - (tile_rows - 1) * tiles);
            b.push_back(tiles_.loop("m", sixes * tile_rows, tile_rows, LoopKind::serial,
                                    [&](Dim r) { return whole_panels(r, tile_rows); }));
            b.push_back(tiles_.loop("m", (tiles - sixes) * (tile_rows - 1), tile_rows - 1, LoopKind::serial,
                                    [&](Dim r) { return whole_panels(sixes * tile_rows + r, tile_rows - 1); }));
            b.push_back(last_panel());
            return b;
        }));
        return out;
    }

    ir::Stmt pack() {
        const auto panel = [&](Dim p, Dim k, bool edge) {
            Block b;
            b.push_back(tiles_.elements(1, wide_, tiles_.width(), [&](Dim, Dim c) {
                const Dim column = column0_ + p * wide_ + c;
                BlockCopy copy = tiles_.at(0, column);
                copy.replace_symbol(reduce_.var, kb_ + k);
                Block inner;
                for (const std::size_t i : second_) {
                    ir::Stmt s = copy.copy(reduce_.body[i]);
                    if (auto* l = std::get_if<ir::Load>(&s.node); l != nullptr && edge)
                        l->guards.push_back(contraction_.columns->extent - 1 - column);
                    inner.push_back(std::move(s));
                }
                inner.push_back({ir::Store{pack_, {p, k, c}, copy.copy(reduce_.element[1]), {}, false}});
                return inner;
            }));
            return b;
        };
        return tiles_.loop("k", depth_, 1, LoopKind::serial, [&](Dim k) {
            Block b;
            b.push_back(tiles_.loop("p", whole_, 1, LoopKind::serial, [&](Dim p) { return panel(p, k, false); }));
            b.push_back(tiles_.when("edge", columns_ - whole_ * wide_, [&] { return panel(whole_, k, true); }));
            return b;
        });
    }

    Block whole_panels(Dim r, std::int64_t rows) {
        const bool overhangs = rows < tile_rows;
        Block b;
        b.push_back(tiles_.loop("p", whole_, 1, LoopKind::serial, [&](Dim p) {
            Block out;
            const ir::BufferId acc = chains(r, rows, overhangs, p, 0, wide_, out);
            // Straight from registers where all is regular.
            const Dim direct = last_ * (overhangs ? 1 - positive(r + rows - rows_) : Dim(1));
            out.push_back(tiles_.when("direct", direct, [&] {
                Block s;
                s.push_back(tiles_.elements(rows, wide_, tiles_.width(), [&](Dim i, Dim j) {
                    Block e;
                    finish(r + i, p * wide_ + j, tiles_.load(acc, {i, j}, e), e);
                    return e;
                }));
                return s;
            }));
            out.push_back(tiles_.when("stored", 1 - direct, [&] {
                const Dim existing = overhangs ? min(rows, rows_ - r) : Dim(rows);
                return finish_stored(acc, r, rows, existing, p * wide_, wide_, overhangs);
            }));
            return out;
        }));
        return b;
    }
    // Columns that fill no panel, vector by vector.
    ir::Stmt last_panel() {
        return tiles_.loop("c", columns_ - whole_ * wide_, tiles_.width(), LoopKind::serial, [&](Dim c) {
            Block b;
            b.push_back(tiles_.loop("m", rows_, narrow_rows, LoopKind::serial, [&](Dim r) {
                Block out;
                const ir::BufferId acc = chains(r, narrow_rows, true, whole_, c, tiles_.width(), out);
                for (ir::Stmt& s : finish_stored(acc, r, narrow_rows, min(narrow_rows, rows_ - r), whole_ * wide_ + c,
                                                 tiles_.width(), true))
                    out.push_back(std::move(s));
                return out;
            }));
            return b;
        });
    }

    // The chains of a tile at row r of the block and column c of panel p over the block of k, in registers. If the tile
    // overhangs, rows beyond the last one repeat that.
    ir::BufferId chains(Dim r, std::int64_t rows, bool overhangs, Dim p, Dim c, std::int64_t columns, Block& out) {
        const ir::BufferId acc = tiles_.scratch("acc", tiles_.accumulator(), {rows, columns}, out);
        out.push_back(tiles_.fill_with_init(acc, rows, columns));
        const auto row = [&](Dim i) { return overhangs ? min(r + i, rows_ - 1) : r + i; };
        out.push_back(tiles_.loop("k", depth_, 1, LoopKind::serial, [&](Dim k) {
            Block b;
            b.push_back(tiles_.elements(rows, columns, tiles_.width(), [&](Dim i, Dim j) {
                Block s;
                BlockCopy copy = tiles_.at(row0_ + row(i), 0);
                copy.replace_symbol(reduce_.var, kb_ + k);
                for (const std::size_t x : first_) s.push_back(copy.copy(reduce_.body[x]));
                const ValueId second = tiles_.load(pack_, {p, k, c + j}, s);
                tiles_.fold({copy.copy(reduce_.element[0]), second}, kb_ + k, acc, i, j, s);
                return s;
            }));
            return b;
        }));
        return acc;
    }

    // The sum of all blocks, given the chain of the last one.
    ValueId total(Dim r, Dim column, ValueId chain, Block& into) {
        const ValueId earlier = nest_.add_value(tiles_.accumulator());
        into.push_back({ir::Load{earlier, sums_, {r, column}, {kb_ - 1}}});
        return tiles_.combine(earlier, chain, into);
    }
    void finish(Dim r, Dim column, ValueId chain, Block& into) {
        const ValueId sum = total(r, column, chain, into);
        tiles_.epilogue(row0_ + r, column0_ + column, sum, into);
    }
    // The same by way of memory, in loops: rows may be fewer, columns masked, blocks of k follow.
    Block finish_stored(ir::BufferId acc, Dim r, std::int64_t rows, Dim existing, Dim column, std::int64_t columns,
                        bool may_be_last) {
        Block out;
        out.push_back(tiles_.elements(rows, columns, tiles_.width(), [&](Dim i, Dim j) {
            Block s;
            const ValueId chain = tiles_.load(acc, {i, j}, s);
            s.push_back({ir::Store{tile_, {i, j}, chain, {}, false}});
            return s;
        }));
        const auto each = [&](const auto& body) {
            Block b;
            b.push_back(tiles_.loop("r", existing, 1, LoopKind::serial, [&](Dim i) {
                Block vectors;
                vectors.push_back(tiles_.loop("c", columns, tiles_.width(), LoopKind::serial, [&](Dim c) {
                    Block inner;
                    const Dim lanes = min(tiles_.width(), columns_ - column - c);
                    inner.push_back(tiles_.elements(1, tiles_.width(), lanes, [&](Dim, Dim j) {
                        Block s;
                        const ValueId chain = tiles_.load(tile_, {i, c + j}, s);
                        body(r + i, column + c + j, chain, s);
                        return s;
                    }));
                    return inner;
                }));
                return vectors;
            }));
            return b;
        };
        if (may_be_last)
            out.push_back(tiles_.when("last", last_, [&] {
                return each([&](Dim row, Dim c, ValueId chain, Block& s) { finish(row, c, chain, s); });
            }));
        out.push_back(tiles_.when("earlier", 1 - last_, [&] {
            return each([&](Dim row, Dim c, ValueId chain, Block& s) {
                s.push_back({ir::Store{sums_, {row, c}, total(row, c, chain, s), {}, false}});
            });
        }));
        return out;
    }

    ir::LoopNest& nest_;
    const Contraction& contraction_;
    const ir::Reduce& reduce_;
    TileWriter tiles_;
    std::int64_t wide_;                        // columns of a panel
    std::vector<std::size_t> first_, second_;  // statements of the reduction that give its elements
    Dim group_columns_;                        // at most
    Dim row0_, column0_, rows_, columns_;      // of the task
    Dim whole_;                                // panels of it
    Dim kb_, depth_, last_;                    // of the block of k: begin, length, 1: there is no later one
    ir::BufferId pack_ = -1, sums_ = -1, tile_ = -1;
};

}  // namespace

bool can_pack(const Contraction& contraction) {
    const ir::Reduce& reduce = *contraction.reduce;
    if (contraction.rows == nullptr || reduce.element.size() != 2) return false;
    if (std::ranges::any_of(reduce.body, [](const ir::Stmt& s) {
            return ir::body_of(s) != nullptr || std::holds_alternative<ir::BindIndex>(s.node);
        }))
        return false;
    // The sum of nothing must be what a load that does not happen gives.
    const ir::ScalarProgram& init = ir::reducer_program(*reduce.op, ir::ReducerPart::init, reduce.elements);
    if (init.insts.size() != 1 || init.insts[0].prim != ir::Prim::constant || init.insts[0].imm != 0) return false;
    const std::vector<std::size_t> first = slice(reduce.body, reduce.element[0]);
    const std::vector<std::size_t> second = slice(reduce.body, reduce.element[1]);
    return !second.empty() && !depends_on(reduce.body, second, contraction.rows->var) &&
           depends_on(reduce.body, second, contraction.columns->var) &&
           !depends_on(reduce.body, first, contraction.columns->var);
}

PackedBlocks packed_blocks(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target) {
    const TileWriter tiles(nest, contraction, target);
    const std::int64_t wide = tiles.tile_columns();
    const std::int64_t panel_bytes = wide * static_cast<std::int64_t>(size_of(tiles.accumulator()));
    const Dim m = contraction.rows->extent, k = contraction.reduce->extent;
    const Dim panels = ceildiv(contraction.columns->extent, wide);
    const Dim at_most = floordiv(packed_bytes / panel_bytes, max(1, min(contraction.reduce->block, k)));
    const Dim in_group = max(1, min(min(most_panels, at_most), floordiv(panels, 2)));
    const Dim row_blocks = max(ceildiv(m, most_rows), min(floordiv(m, least_rows), 2));
    return {row_blocks, max(1, ceildiv(m, max(1, row_blocks))), ceildiv(panels, in_group), in_group};
}

Block tile_packed(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target,
                  const PackedBlocks& blocks) {
    return Packing(nest, contraction, target).run(blocks);
}

}  // namespace lathe::passes
