// A task computes a group of column panels for a block of rows. For each block of k it packs what the group reads of
// the second operand, panel after panel as the tiles read it, columns beyond the last as zeros: rows of a matrix lie
// far apart, on pages and in cache sets that conflict, and what is packed is read once for every tile of rows. Then all
// its tiles of rows run through the group, so that the first operand's rows stay in the nearest cache meanwhile. Sums
// of the blocks before the last one lie in the workspace. Shorter blocks whose chains go on from one to the next, with
// more panels in a group, were measured slower.
//
// Where the first operand lies transposed, its rows are side by side, and what a tile reads of it is far apart. If k is
// long, some rows at a time are copied next to each other for each k.
//
// Rows are cut into tiles of six and five, which together fit any number from 20 on; below that a tile of five may
// reach beyond the last row, which it computes again and does not store. Columns that fill no panel run in tiles of one
// vector and eight rows, or, if their number is known, of all their vectors and as many rows as registers hold. Few
// rows read the second operand just once each: they do without packing, but where its columns lie side by side along k,
// which a tile cannot read in vectors.
#include <set>

#include "ir/loops/walk.h"
#include "passes/loops/register_tile.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::LoopKind;
using ir::Statements;
using ir::Symbol;
using ir::ValueId;

constexpr std::int64_t tile_rows = 6;    // measured: 6 rows x 4 vectors fill 32 registers, 6 x 2 fill 16
constexpr std::int64_t narrow_rows = 8;  // of a tile of one vector: so many chains hide the latency of an addition
constexpr std::int64_t most_narrow_rows = 12, few_tiles = 8;
constexpr std::int64_t few_rows = tile_rows - 1;                   // fewer run one by one, usually
constexpr std::int64_t most_rows = 2048;                           // of a task, which packs once for all of them
constexpr std::int64_t packed_bytes = std::int64_t{256} * 1024;    // half of a small second cache
constexpr std::int64_t packed_bytes_of_copied = 2 * packed_bytes;  // rows are copied again for each group
constexpr std::int64_t copied_rows = 48;                           // at a time: whole tiles, whole vectors
constexpr std::int64_t most_panels = 16;                           // of a group
constexpr std::int64_t wanted_tasks = 4;  // for the threads; with no fewer rows than `least_rows`
// The same where nothing is packed, so that another block of rows costs little: threads share unequal panels evenly.
constexpr std::int64_t wanted_tasks_of_panels = 8;
constexpr std::int64_t least_rows = 96;

// The statements of a body that a value needs, in order.
std::vector<std::size_t> slice(const Statements& body, ValueId wanted) {
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

bool depends_on(const Statements& body, const std::vector<std::size_t>& statements, Symbol s) {
    return std::ranges::any_of(statements, [&](std::size_t i) {
        bool found = false;
        ir::for_each_dim(body[i], [&](const Dim& d) { found = found || d.depends_on(s); });
        return found;
    });
}

// Whether one load gives the value, and reads elements that lie side by side for neighbouring values of a symbol.
bool runs_along(const Statements& body, const std::vector<std::size_t>& statements, Symbol s) {
    if (statements.size() != 1) return false;
    const auto* load = std::get_if<ir::Load>(&body[statements.front()].node);
    if (load == nullptr || load->index.empty() || !load->guards.empty()) return false;
    for (std::size_t i = 0; i + 1 < load->index.size(); ++i)
        if (load->index[i].depends_on(s)) return false;
    const auto affine = load->index.back().affine_in(s);
    return affine && affine->coefficient == Dim(1);
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

    Statements run(const PackedBlocks& blocks) {
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

        Statements inside;
        if (runs_along(reduce_.body, second_, reduce_.var)) {
            inside = with_packing(blocks);
        } else {
            const Dim few = positive(blocks.packed_rows - m);  // 1: no packing
            inside.push_back(tiles_.when("few", few, [&] { return without_packing(); }));
            inside.push_back(tiles_.when("many", 1 - few, [&] { return with_packing(blocks); }));
        }
        Statements out;
        out.push_back({ir::Loop{task, digits.count(), 1, LoopKind::parallel, 1, std::move(inside)}});
        return out;
    }

private:
    Statements without_packing() {
        const std::int64_t run = tiles_.width() * 4;
        Statements out;
        out.push_back(tiles_.loop("m", rows_, 1, LoopKind::serial, [&](Dim r) {
            const Dim tiled = floordiv(columns_, run) * run;
            Statements b;
            b.push_back(tiles_.stretches("c", floordiv(columns_, run), run, LoopKind::serial, [&](Dim c) {
                return tiles_.in_place(row0_ + r, 1, column0_ + c, run, false);
            }));
            b.push_back(tiles_.vectors(columns_ - tiled, [&](Dim c) {
                return tiles_.in_place(row0_ + r, 1, column0_ + tiled + c, tiles_.width(), true);
            }));
            return b;
        }));
        return out;
    }

    Statements with_packing(const PackedBlocks& blocks) {
        const Dim k = reduce_.extent;
        const ir::Dtype packed = nest_.value_dtypes[static_cast<std::size_t>(reduce_.element[1])];
        Statements out;
        if (!contraction_.reads_panels)
            pack_ = tiles_.scratch("pack", packed, {blocks.panels, min(reduce_.block, max(k, 1)), wide_}, out);
        if (blocks.known_columns) {
            has_whole_ = *blocks.known_columns >= wide_;
            last_vectors_ = (*blocks.known_columns % wide_ + tiles_.width() - 1) / tiles_.width();
            last_rows_ = balanced(*last_vectors_, blocks.known_rows);
        }
        if (!blocks.is_one_block)
            sums_ = tiles_.scratch("sums", tiles_.accumulator(),
                                   {blocks.rows * positive(k - reduce_.block), group_columns_}, out);
        tile_ = tiles_.scratch("tile", tiles_.accumulator(), {std::max(narrow_rows, last_rows_), wide_}, out);
        const Dim all = blocks.is_one_block ? Dim(1) : max(k, 1);
        out.push_back(tiles_.loop("kb", all, reduce_.block, LoopKind::serial, [&](Dim kb) {
            kb_ = blocks.is_one_block ? Dim(0) : kb;
            depth_ = blocks.is_one_block ? k : min(reduce_.block, k - kb);
            last_ = blocks.is_one_block ? Dim(1) : 1 - positive(k - reduce_.block - kb);
            Statements b;
            if (!contraction_.reads_panels) b = pack();
            if (!blocks.copies_rows || !runs_along(reduce_.body, first_, contraction_.rows->var)) {
                stretch_of_rows(0, rows_, b);
                return b;
            }
            b.push_back(tiles_.loop("copied", rows_, copied_rows, LoopKind::serial, [&](Dim r) {
                Statements inner;
                const Dim count = min(copied_rows, rows_ - r);
                copy_rows(r, count, inner);
                stretch_of_rows(r, count, inner);
                return inner;
            }));
            return b;
        }));
        return out;
    }
    void stretch_of_rows(Dim begin, Dim count, Statements& out) {
        begin_ = begin;
        end_ = begin + count;
        if (has_whole_) {
            const Dim tiles = ceildiv(count, tile_rows), sixes = max(0, count - (tile_rows - 1) * tiles);
            out.push_back(tiles_.loop("m", sixes * tile_rows, tile_rows, LoopKind::serial,
                                      [&](Dim r) { return whole_panels(begin + r, tile_rows); }));
            out.push_back(
                tiles_.loop("m", (tiles - sixes) * (tile_rows - 1), tile_rows - 1, LoopKind::serial,
                            [&](Dim r) { return whole_panels(begin + sixes * tile_rows + r, tile_rows - 1); }));
        }
        if (!last_vectors_)
            out.push_back(last_vectors_one_by_one());
        else if (*last_vectors_ > 0)
            out.push_back(tiles_.when("last", columns_ - whole_ * wide_, [&] {  // other groups have none
                Statements b;
                b.push_back(rows_of_last_vectors(0, *last_vectors_, last_rows_));
                return b;
            }));
    }
    // Copies of the first operand: of all rows for each k of the block.
    void copy_rows(Dim begin, Dim count, Statements& out) {
        const ir::Dtype dtype = nest_.value_dtypes[static_cast<std::size_t>(reduce_.element[0])];
        copy_ = tiles_.scratch("rows", dtype, {min(reduce_.block, max(reduce_.extent, 1)), copied_rows}, out);
        const auto rows = [&](Dim k, bool edge) {
            Statements b;
            b.push_back(tiles_.elements(1, copied_rows, tiles_.width(), [&](Dim, Dim r) {
                StatementCopy copy = tiles_.at(row0_ + begin + r, 0);
                copy.replace_symbol(reduce_.var, kb_ + k);
                Statements s;
                for (const std::size_t i : first_) {
                    s.push_back(copy.copy(reduce_.body[i]));
                    if (edge) std::get<ir::Load>(s.back().node).guards.push_back(count - 1 - r);
                }
                s.push_back({ir::Store{*copy_, {k, r}, copy.copy(reduce_.element[0]), {}, false}});
                return s;
            }));
            return b;
        };
        const Dim whole = positive(count - copied_rows + 1);
        for (const bool edge : {false, true})
            out.push_back(tiles_.loop("k", depth_ * (edge ? 1 - whole : whole), 1, LoopKind::serial,
                                      [&](Dim k) { return rows(k, edge); }));
    }

    // An element of the second operand goes to its place in panel p. Beyond the last column there are zeros.
    Statements pack_element(Dim p, Dim k, Dim c, bool edge) {
        const Dim column = column0_ + p * wide_ + c;
        StatementCopy copy = tiles_.at(0, column);
        copy.replace_symbol(reduce_.var, kb_ + k);
        Statements b;
        for (const std::size_t i : second_) {
            ir::Stmt s = copy.copy(reduce_.body[i]);
            if (auto* l = std::get_if<ir::Load>(&s.node); l != nullptr && edge)
                l->guards.push_back(contraction_.columns->extent - 1 - column);
            b.push_back(std::move(s));
        }
        b.push_back({ir::Store{pack_, {p, k, c}, copy.copy(reduce_.element[1]), {}, false}});
        return b;
    }
    Statements pack() { return runs_along(reduce_.body, second_, reduce_.var) ? pack_transposed() : pack_rows(); }
    Statements pack_rows() {
        const auto panel = [&](Dim p, Dim k, Dim first, std::int64_t count, bool edge) {
            Statements b;
            b.push_back(tiles_.elements(1, count, tiles_.width(),
                                        [&](Dim, Dim c) { return pack_element(p, k, first + c, edge); }));
            return b;
        };
        Statements out;
        out.push_back(tiles_.loop("k", depth_, 1, LoopKind::serial, [&](Dim k) {
            Statements b;
            b.push_back(
                tiles_.loop("p", whole_, 1, LoopKind::serial, [&](Dim p) { return panel(p, k, 0, wide_, false); }));
            b.push_back(tiles_.vectors(columns_ - whole_ * wide_,
                                       [&](Dim c) { return panel(whole_, k, c, tiles_.width(), true); }));
            return b;
        }));
        return out;
    }
    // Where columns lie side by side along k: tiles as high as a vector is wide, which code generation transposes in
    // registers, and what is left of k element by element.
    Statements pack_transposed() {
        const std::int64_t width = tiles_.width();
        const Dim whole = floordiv(depth_, width) * width;
        const auto rows = [&](Dim p, Dim k, std::int64_t count) {
            Statements b;
            b.push_back(tiles_.loop("c", wide_, width, LoopKind::serial, [&](Dim c) {
                Statements tile;
                tile.push_back(tiles_.elements(count, width, width,
                                               [&](Dim i, Dim j) { return pack_element(p, k + i, c + j, true); }));
                return tile;
            }));
            return b;
        };
        Statements out;
        out.push_back(tiles_.loop("p", ceildiv(columns_, wide_), 1, LoopKind::serial, [&](Dim p) {
            Statements b;
            b.push_back(tiles_.loop("k", whole, width, LoopKind::serial, [&](Dim k) { return rows(p, k, width); }));
            b.push_back(
                tiles_.loop("k", depth_ - whole, 1, LoopKind::serial, [&](Dim k) { return rows(p, whole + k, 1); }));
            return b;
        }));
        return out;
    }

    Statements whole_panels(Dim r, std::int64_t rows) {
        const bool overhangs = rows < tile_rows;
        Statements b;
        b.push_back(tiles_.loop("p", whole_, 1, LoopKind::serial, [&](Dim p) {
            Statements out;
            const ir::BufferId acc = chains(r, rows, overhangs, p, 0, wide_, out);
            finish(acc, r, rows, overhangs, p * wide_, wide_, tiles_.width(), out);
            return out;
        }));
        return b;
    }
    // Straight from registers where there are so many rows and k is one block; so many lanes of the last vector are
    // active.
    void finish(ir::BufferId acc, Dim r, std::int64_t rows, bool overhangs, Dim column, std::int64_t columns, Dim lanes,
                Statements& out) {
        const Dim direct = last_ * (1 - positive(kb_)) * (overhangs ? 1 - positive(r + rows - end_) : Dim(1));
        out.push_back(tiles_.when("direct", direct, [&] {
            Statements s;
            const auto part = [&](std::int64_t first, std::int64_t count, Dim active) {
                s.push_back(tiles_.elements(rows, count, active, [&](Dim i, Dim j) {
                    Statements e;
                    const ValueId sum = tiles_.combine(tiles_.init(e), tiles_.load(acc, {i, first + j}, e), e);
                    tiles_.epilogue(row0_ + r + i, column0_ + column + first + j, sum, e);
                    return e;
                }));
            };
            const std::int64_t last = columns - tiles_.width();
            const bool is_whole = lanes == Dim(tiles_.width());
            if (is_whole || last > 0) part(0, is_whole ? columns : last, tiles_.width());
            if (!is_whole) part(last, tiles_.width(), lanes);
            return s;
        }));
        if (direct == Dim(1)) return;
        out.push_back(tiles_.when("stored", 1 - direct, [&] {
            const Dim existing = overhangs ? min(rows, end_ - r) : Dim(rows);
            return finish_stored(acc, r, rows, existing, column, columns);
        }));
    }
    // Columns that fill no panel, vector by vector.
    ir::Stmt last_vectors_one_by_one() {
        return tiles_.vectors(columns_ - whole_ * wide_, [&](Dim c) {
            Statements b;
            b.push_back(rows_of_last_vectors(c, 1, narrow_rows));
            return b;
        });
    }
    // So many vectors of them from c on, the last of which may be part of one.
    ir::Stmt rows_of_last_vectors(Dim c, std::int64_t vectors, std::int64_t rows) {
        return tiles_.loop("m", end_ - begin_, rows, LoopKind::serial, [&](Dim m) {
            const Dim r = begin_ + m, column = whole_ * wide_ + c;
            const std::int64_t columns = vectors * tiles_.width();
            Statements out;
            const ir::BufferId acc = chains(r, rows, true, whole_, c, columns, out);
            finish(acc, r, rows, true, column, columns,
                   min(tiles_.width(), columns_ - column - columns + tiles_.width()), out);
            return out;
        });
    }
    // Rows of a tile of so many vectors: as many as registers hold, or, where all rows are known and not many, such
    // that its tiles have equally many.
    std::int64_t balanced(std::int64_t vectors, std::optional<std::int64_t> all) const {
        if (vectors == 0) return 0;
        const std::int64_t most = std::min(most_narrow_rows, tile_rows * (wide_ / tiles_.width()) / vectors);
        if (!all || *all > few_tiles * most || *all == 0) return most;
        const std::int64_t tiles = (*all + most - 1) / most;
        return (*all + tiles - 1) / tiles;
    }

    // The chains of a tile at row r of the block and column c of panel p over the block of k, in registers. If the tile
    // overhangs, rows beyond the last one repeat that.
    ir::BufferId chains(Dim r, std::int64_t rows, bool overhangs, Dim p, Dim c, std::int64_t columns, Statements& out) {
        const ir::BufferId acc = tiles_.scratch("acc", tiles_.accumulator(), {rows, columns}, out);
        out.push_back(tiles_.fill_with_init(acc, rows, columns));
        const auto row = [&](Dim i) { return overhangs ? min(r + i, end_ - 1) : r + i; };
        out.push_back(tiles_.loop("k", depth_, 1, LoopKind::serial, [&](Dim k) {
            Statements b;
            b.push_back(tiles_.elements(rows, columns, tiles_.width(), [&](Dim i, Dim j) {
                Statements s;
                const ValueId first = load_first(row(i), k, s), second = load_second(p, k, c + j, s);
                tiles_.fold({first, second}, kb_ + k, acc, i, j, s);
                return s;
            }));
            return b;
        }));
        return acc;
    }

    ValueId load_first(Dim row, Dim k, Statements& into) {
        if (copy_) return tiles_.load(*copy_, {k, row - begin_}, into);
        StatementCopy copy = tiles_.at(row0_ + row, 0);
        copy.replace_symbol(reduce_.var, kb_ + k);
        for (const std::size_t x : first_) into.push_back(copy.copy(reduce_.body[x]));
        return copy.copy(reduce_.element[0]);
    }

    ValueId load_second(Dim p, Dim k, Dim c, Statements& into) {
        if (!contraction_.reads_panels) return tiles_.load(pack_, {p, k, c}, into);
        StatementCopy copy = tiles_.at(0, column0_ + p * wide_ + c);
        copy.replace_symbol(reduce_.var, kb_ + k);
        for (const std::size_t x : second_) into.push_back(copy.copy(reduce_.body[x]));
        return copy.copy(reduce_.element[1]);
    }

    // The sum of all blocks of k up to this one, given the chain of this one.
    ValueId total(Dim r, Dim column, ValueId chain, Statements& into) {
        if (kb_ == Dim(0)) return tiles_.combine(tiles_.init(into), chain, into);
        const ValueId earlier = nest_.add_value(tiles_.accumulator());
        into.push_back({ir::Load{earlier, sums_, {r, column}, {kb_ - 1}}});
        return tiles_.combine(earlier, chain, into);
    }
    // A tile's chains by way of memory, in loops: rows may be fewer, columns masked, blocks of k follow.
    Statements finish_stored(ir::BufferId acc, Dim r, std::int64_t rows, Dim existing, Dim column,
                             std::int64_t columns) {
        Statements out;
        out.push_back(tiles_.elements(rows, columns, tiles_.width(), [&](Dim i, Dim j) {
            Statements s;
            const ValueId chain = tiles_.load(acc, {i, j}, s);
            s.push_back({ir::Store{tile_, {i, j}, chain, {}, false}});
            return s;
        }));
        const auto each = [&](const auto& body) {
            Statements b;
            b.push_back(tiles_.loop("r", existing, 1, LoopKind::serial, [&](Dim i) {
                Statements vectors;
                vectors.push_back(tiles_.loop("c", columns, tiles_.width(), LoopKind::serial, [&](Dim c) {
                    Statements inner;
                    const Dim lanes = min(tiles_.width(), columns_ - column - c);
                    inner.push_back(tiles_.elements(1, tiles_.width(), lanes, [&](Dim, Dim j) {
                        Statements s;
                        const ValueId chain = tiles_.load(tile_, {i, c + j}, s);
                        body(r + i, column + c + j, total(r + i, column + c + j, chain, s), s);
                        return s;
                    }));
                    return inner;
                }));
                return vectors;
            }));
            return b;
        };
        out.push_back(tiles_.when("last", last_, [&] {
            return each([&](Dim row, Dim c, ValueId sum, Statements& s) {
                tiles_.epilogue(row0_ + row, column0_ + c, sum, s);
            });
        }));
        if (last_ == Dim(1)) return out;
        out.push_back(tiles_.when("earlier", 1 - last_, [&] {
            return each([&](Dim row, Dim c, ValueId sum, Statements& s) {
                s.push_back({ir::Store{sums_, {row, c}, sum, {}, false}});
            });
        }));
        return out;
    }

    ir::LoopNest& nest_;
    const Contraction& contraction_;
    const ir::Reduce& reduce_;
    TileWriter tiles_;
    std::int64_t wide_;                         // columns of a panel
    std::vector<std::size_t> first_, second_;   // statements of the reduction that give its elements
    Dim group_columns_;                         // at most
    Dim row0_, column0_, rows_, columns_;       // of the task
    Dim whole_;                                 // panels of it
    Dim kb_, depth_, last_;                     // of the block of k: begin, length, 1: there is no later one
    Dim begin_, end_;                           // rows that are being written
    bool has_whole_ = true;                     // panels
    std::optional<std::int64_t> last_vectors_;  // of columns that fill no panel, if known
    std::int64_t last_rows_ = 0;                // of tiles of those
    ir::BufferId pack_ = -1, sums_ = -1, tile_ = -1;
    std::optional<ir::BufferId> copy_;  // of the first operand's rows
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
    const ir::ScalarProgram& init = program_of(reduce, ir::ReducerPart::init);
    if (init.insts.size() != 1 || init.insts[0].prim != ir::Prim::constant || init.insts[0].imm != 0) return false;
    const std::vector<std::size_t> first = slice(reduce.body, reduce.element[0]);
    const std::vector<std::size_t> second = slice(reduce.body, reduce.element[1]);
    return !second.empty() && !depends_on(reduce.body, second, contraction.rows->var) &&
           depends_on(reduce.body, second, contraction.columns->var) &&
           !depends_on(reduce.body, first, contraction.columns->var);
}

PackedBlocks packed_blocks(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target,
                           bool copies_rows) {
    const TileWriter tiles(nest, contraction, target);
    const std::int64_t wide = tiles.tile_columns();
    const std::int64_t panel_bytes = wide * static_cast<std::int64_t>(size_of(tiles.accumulator()));
    const Dim m = contraction.rows->extent, k = contraction.reduce->extent;
    const Dim panels = ceildiv(contraction.columns->extent, wide);
    const Dim at_most = floordiv((copies_rows ? packed_bytes_of_copied : packed_bytes) / panel_bytes,
                                 max(1, min(contraction.reduce->block, k)));
    const std::int64_t wanted = contraction.reads_panels ? wanted_tasks_of_panels : wanted_tasks;
    const Dim row_blocks =
        max(ceildiv(m, most_rows), min(floordiv(m, least_rows), floordiv(wanted - 1, max(1, panels))));
    const Dim in_group = max(1, min(min(most_panels, at_most), floordiv(panels * row_blocks, wanted_tasks)));
    return {.copies_rows = copies_rows,
            .row_blocks = row_blocks,
            .rows = max(1, ceildiv(m, max(1, row_blocks))),
            .column_groups = ceildiv(panels, in_group),
            .panels = in_group,
            .packed_rows = few_rows};
}

Statements tile_packed(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target,
                       const PackedBlocks& blocks) {
    return Packing(nest, contraction, target).run(blocks);
}

}  // namespace lathe::passes
