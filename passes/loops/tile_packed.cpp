// A task computes a group of column panels for a block of rows. For each block of k it packs what the group reads of
// the second operand, panel after panel as the tiles read it, columns beyond the last as zeros: rows of a matrix lie
// far apart, on pages and in cache sets that conflict, and what is packed is read once for every tile of rows. Then all
// its tiles of rows run through the group, so that the first operand's rows stay in the nearest cache meanwhile. Sums
// of blocks before the last one lie in the workspace.
//
// Rows are cut into tiles of six and five, which together fit any number from 20 on; below that a tile of five may
// reach beyond the last row, which it computes again and does not store. Columns that fill no panel run in tiles of six
// rows and one vector. Fewer than five rows read the second operand just once each: they do without packing.
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

constexpr std::int64_t tile_rows = 6;      // measured: 6 rows x 4 vectors fill 32 registers, 6 x 2 fill 16
constexpr std::int64_t group_bytes = 256;  // of a row of the second operand; times 1,024 rows half of a small L2 cache
constexpr std::int64_t row_block = 384;    // rows of a task: what it packs is little beside its work

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

class Packing {
public:
    Packing(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target)
        : nest_(nest),
          contraction_(contraction),
          reduce_(*contraction.reduce),
          tiles_(nest, contraction, target),
          wide_(tiles_.tile_columns()),
          group_(std::max<std::int64_t>(group_bytes / static_cast<std::int64_t>(size_of(tiles_.accumulator())) / wide_,
                                        1)) {}

    bool fits() {
        if (contraction_.rows == nullptr || reduce_.element.size() != 2) return false;
        if (std::ranges::any_of(reduce_.body, [](const ir::Stmt& s) {
                return ir::body_of(s) != nullptr || std::holds_alternative<ir::BindIndex>(s.node);
            }))
            return false;
        // The sum of no blocks must be what a load that does not happen gives.
        const ir::ScalarProgram& init = program_of(reduce_, ir::ReducerPart::init);
        if (init.insts.size() != 1 || init.insts[0].prim != ir::Prim::constant || init.insts[0].imm != 0) return false;
        first_ = slice(reduce_.body, reduce_.element[0]);
        second_ = slice(reduce_.body, reduce_.element[1]);
        return !second_.empty() && !depends_on(reduce_.body, second_, contraction_.rows->var) &&
               depends_on(reduce_.body, second_, contraction_.columns->var) &&
               !depends_on(reduce_.body, first_, contraction_.columns->var);
    }

    Block run() {
        const Dim m = contraction_.rows->extent, n = contraction_.columns->extent;
        const Dim few_rows = min(1, max(0, few - m));  // 1: no packing
        const Symbol task = nest_.add_symbol(ir::SymbolRole::loop, "task");
        TaskDigits digits(Dim::symbol(task));
        row0_ = digits.take(ceildiv(m, row_block)) * row_block;
        column0_ = digits.take(ceildiv(n, group_ * wide_)) * group_ * wide_;
        digits.take_outer(contraction_, tiles_);
        rows_ = min(row_block, m - row0_);
        columns_ = min(group_ * wide_, n - column0_);

        Block inside;
        inside.push_back(tiles_.when("few", few_rows, [&] { return without_packing(); }));
        inside.push_back(tiles_.when("many", 1 - few_rows, [&] { return with_packing(); }));
        Block out;
        out.push_back({ir::Loop{task, digits.count(), 1, LoopKind::parallel, 1, std::move(inside)}});
        return out;
    }

private:
    static constexpr std::int64_t few = tile_rows - 1;  // rows: fewer run one by one

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

    Block with_packing() {
        const Dim k = reduce_.extent;
        const ir::Dtype packed = nest_.value_dtypes[static_cast<std::size_t>(reduce_.element[1])];
        Block out;
        pack_ = tiles_.scratch("pack", packed, {group_, min(reduce_.block, max(k, 1)), wide_}, out);
        // Rows of blocks of k before the last one.
        sums_ = tiles_.scratch("sums", tiles_.accumulator(),
                               {row_block * min(1, floordiv(max(k, 1) - 1, reduce_.block)), group_ * wide_}, out);
        out.push_back(tiles_.loop("kb", max(k, 1), reduce_.block, LoopKind::serial, [&](Dim kb) {
            kb_ = kb;
            depth_ = min(reduce_.block, k - kb);
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
        const Dim whole = floordiv(columns_, wide_);
        return tiles_.loop("k", depth_, 1, LoopKind::serial, [&](Dim k) {
            Block b;
            b.push_back(tiles_.loop("p", whole, 1, LoopKind::serial, [&](Dim p) { return panel(p, k, false); }));
            b.push_back(tiles_.when("edge", columns_ - whole * wide_, [&] { return panel(whole, k, true); }));
            return b;
        });
    }

    Block whole_panels(Dim r, std::int64_t rows) {
        Block b;
        b.push_back(tiles_.loop("p", floordiv(columns_, wide_), 1, LoopKind::serial,
                                [&](Dim p) { return tile(r, rows, rows < tile_rows, p, 0, wide_, false); }));
        return b;
    }
    // Columns that fill no panel, vector by vector.
    ir::Stmt last_panel() {
        const Dim whole = floordiv(columns_, wide_);
        return tiles_.loop("c", columns_ - whole * wide_, tiles_.width(), LoopKind::serial, [&](Dim c) {
            Block b;
            b.push_back(tiles_.loop("m", rows_, tile_rows, LoopKind::serial,
                                    [&](Dim r) { return tile(r, tile_rows, true, whole, c, tiles_.width(), true); }));
            return b;
        });
    }

    // A tile at row r of the block and column c of panel p; if it overhangs, rows beyond the block's last one repeat
    // that and store nothing.
    Block tile(Dim r, std::int64_t rows, bool overhangs, Dim p, Dim c, std::int64_t columns, bool masked) {
        const Dim column = p * wide_ + c;  // in the group
        const Dim lanes = masked ? min(tiles_.width(), columns_ - column) : Dim(tiles_.width());
        const auto row = [&](Dim i) { return overhangs ? min(r + i, rows_ - 1) : r + i; };
        Block out;
        const ir::BufferId acc = tiles_.scratch("acc", tiles_.accumulator(), {rows, columns}, out);
        out.push_back(tiles_.fill_with_init(acc, rows, columns));
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
        // Row by row, for some may not exist.
        const auto each = [&](const auto& body) {
            if (!overhangs) return tiles_.elements(rows, columns, lanes, body);
            return tiles_.loop("r", rows, 1, LoopKind::unroll, [&](Dim i) {
                Block b;
                b.push_back(tiles_.when("exists", rows_ - r - i, [&] {
                    Block inner;
                    inner.push_back(tiles_.elements(1, columns, lanes, [&](Dim, Dim j) { return body(i, j); }));
                    return inner;
                }));
                return b;
            });
        };
        const auto sum = [&](Dim i, Dim j, Block& b) {
            const ValueId earlier = nest_.add_value(tiles_.accumulator());
            b.push_back({ir::Load{earlier, sums_, {r + i, column + j}, {kb_ - 1}}});
            const ValueId later = tiles_.load(acc, {i, j}, b);
            return tiles_.combine(earlier, later, b);
        };
        const Dim rest = reduce_.extent - reduce_.block - kb_;  // behind this block
        out.push_back(tiles_.when("last", 1 - rest, [&] {
            Block b;
            b.push_back(each([&](Dim i, Dim j) {
                Block s;
                const ValueId total = sum(i, j, s);
                tiles_.epilogue(row0_ + r + i, column0_ + column + j, total, s);
                return s;
            }));
            return b;
        }));
        out.push_back(tiles_.when("earlier", rest, [&] {
            Block b;
            b.push_back(each([&](Dim i, Dim j) {
                Block s;
                const ValueId total = sum(i, j, s);
                s.push_back({ir::Store{sums_, {r + i, column + j}, total, {}, false}});
                return s;
            }));
            return b;
        }));
        return out;
    }

    ir::LoopNest& nest_;
    const Contraction& contraction_;
    const ir::Reduce& reduce_;
    TileWriter tiles_;
    std::int64_t wide_, group_;                // columns of a panel, panels of a group at most
    std::vector<std::size_t> first_, second_;  // statements of the reduction that give its elements
    Dim row0_, column0_, rows_, columns_;      // of the task
    Dim kb_, depth_;                           // the block of k
    ir::BufferId pack_ = -1, sums_ = -1;
};

}  // namespace

std::optional<Block> tile_packed(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target) {
    Packing packing(nest, contraction, target);
    if (!packing.fits()) return std::nullopt;
    return packing.run();
}

}  // namespace lathe::passes
