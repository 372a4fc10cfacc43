// One parallel loop over panels of columns and blocks of rows. Rows and columns that fill no whole tile run in narrower
// ones. A single row takes wide tiles, for it reads every element of the second operand just once: what counts is that
// it reads long runs, with enough accumulators that none waits for itself.
#include "passes/loops/register_tile.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::LoopKind;
using ir::Statements;
using ir::Symbol;

constexpr std::int64_t tile_rows = 6;  // measured: 6 rows x 4 vectors fill 32 registers, 6 x 2 fill 16
constexpr std::int64_t row_block =
    tile_rows * 16;  // rows that a task runs through while its panel of columns is in cache

Statements one_row(ir::LoopNest& nest, const Contraction& contraction, TileWriter& tiles) {
    const Dim n = contraction.columns->extent;
    const std::int64_t wide = tiles.tile_columns(), width = tiles.width(), panel = wide * 4;
    const Symbol task = nest.add_symbol(ir::SymbolRole::loop, "task");
    const Dim column0 = Dim::symbol(task) * panel, columns = n - column0;
    const Dim whole = min(1, floordiv(columns, panel));  // 1: the panel is whole
    Statements inside;
    inside.push_back(tiles.when("whole", whole, [&] { return tiles.in_place(0, 1, column0, panel, false); }));
    inside.push_back(tiles.when("part", 1 - whole, [&] {
        Statements b;
        const Dim tiled = floordiv(columns, wide) * wide;
        b.push_back(tiles.stretches("c", floordiv(columns, wide), wide, LoopKind::serial,
                                    [&](Dim c) { return tiles.in_place(0, 1, column0 + c, wide, false); }));
        b.push_back(tiles.vectors(columns - tiled,
                                  [&](Dim c) { return tiles.in_place(0, 1, column0 + tiled + c, width, true); }));
        return b;
    }));
    Statements out;
    out.push_back({ir::Loop{task, ceildiv(n, panel), 1, LoopKind::parallel, 1, std::move(inside)}});
    return out;
}

Statements many_rows(ir::LoopNest& nest, const Contraction& contraction, TileWriter& tiles) {
    const Dim m = contraction.rows->extent, n = contraction.columns->extent;
    const std::int64_t wide = tiles.tile_columns(), width = tiles.width();
    const Symbol task = nest.add_symbol(ir::SymbolRole::loop, "task");
    TaskDigits digits(Dim::symbol(task));
    const Dim row0 = digits.take(ceildiv(m, row_block)) * row_block;
    const Dim column0 = digits.take_columns_and_outer(ceildiv(n, wide), contraction, tiles) * wide;

    const Dim rows = min(row_block, m - row0);
    const auto row_tiles = [&](Dim column, std::int64_t columns, bool masked) {
        const Dim tiled = floordiv(rows, tile_rows) * tile_rows;
        Statements out;
        out.push_back(tiles.loop("m", tiled, tile_rows, LoopKind::serial,
                                 [&](Dim r) { return tiles.in_place(row0 + r, tile_rows, column, columns, masked); }));
        out.push_back(tiles.loop("m", rows - tiled, 1, LoopKind::serial,
                                 [&](Dim r) { return tiles.in_place(row0 + tiled + r, 1, column, columns, masked); }));
        return out;
    };
    Statements inside;
    const Dim whole = min(1, floordiv(n - column0, wide));  // 1: the panel is a whole tile wide
    inside.push_back(tiles.when("whole", whole, [&] { return row_tiles(column0, wide, false); }));
    inside.push_back(tiles.when("part", 1 - whole, [&] {
        Statements b;
        b.push_back(tiles.vectors(n - column0, [&](Dim c) { return row_tiles(column0 + c, width, true); }));
        return b;
    }));
    Statements out;
    out.push_back({ir::Loop{task, digits.count(), 1, LoopKind::parallel, 1, std::move(inside)}});
    return out;
}

}  // namespace

Statements tile_in_place(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target) {
    TileWriter tiles(nest, contraction, target);
    return contraction.rows == nullptr ? one_row(nest, contraction, tiles) : many_rows(nest, contraction, tiles);
}

}  // namespace lathe::passes
