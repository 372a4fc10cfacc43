// Register tiles of contractions: rows x columns of a result whose accumulators are scratch with constant indices,
// which code generation keeps in registers over the contracted loop.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/loops/loops.h"
#include "ir/program/layout.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {

// The plain nest of a contraction:
//   for ... for i in rows for j in columns { r = reduce k {...}; epilogue; store }
struct Contraction {
    std::vector<const ir::Loop*> outer;  // outermost first
    const ir::Loop* rows = nullptr;      // null: the result has one dimension only
    const ir::Loop* columns = nullptr;
    const ir::Statements* body = nullptr;  // of the innermost loop
    std::size_t at = 0;                    // of the reduction in the body
    const ir::Reduce* reduce = nullptr;
    bool reads_panels = false;  // the second operand lies in panels
};

// Writes tiles of one contraction as statements of a nest.
class TileWriter {
public:
    TileWriter(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target);

    // Lanes of a vector of accumulators, the columns of a panel in memory, and those of a tile of several rows.
    std::int64_t width() const { return width_; }
    std::int64_t panel_columns() const { return panel_columns_; }
    std::int64_t tile_columns() const { return tile_columns_; }
    ir::Dtype accumulator() const { return accumulator_; }

    // The index of a loop around rows and columns.
    void place_outer(ir::Symbol var, ir::Dim value) { outer_[var] = value; }

    template <class Body>
    ir::Stmt loop(const std::string& name, ir::Dim extent, std::int64_t step, ir::LoopKind kind, const Body& body) {
        const ir::Symbol s = nest_.add_symbol(ir::SymbolRole::loop, name);
        ir::Loop l{s, extent, step, kind, 1, {}};
        l.body = body(ir::Dim::symbol(s));
        return {std::move(l)};
    }
    // if (count > 0) body; where count may be anything.
    template <class Body>
    ir::Stmt when(const std::string& name, ir::Dim count, const Body& body) {
        return loop(name, min(1, count), 1, ir::LoopKind::serial, [&](ir::Dim) { return body(); });
    }
    // body(begin) for `count` stretches of some length.
    template <class Body>
    ir::Stmt stretches(const std::string& name, ir::Dim count, std::int64_t length, ir::LoopKind kind,
                       const Body& body) {
        return loop(name, count, 1, kind, [&](ir::Dim i) { return body(i * length); });
    }
    // body(column) for every vector of `columns`, the last of which may be part of one. As every index of columns it
    // says which panel it is in.
    template <class Body>
    ir::Stmt vectors(ir::Dim columns, const Body& body) {
        if (!splits_panels()) return stretches("c", ceildiv(columns, width_), width_, ir::LoopKind::serial, body);
        return stretches("p", ceildiv(columns, panel_columns_), panel_columns_, ir::LoopKind::serial, [&](ir::Dim p) {
            ir::Statements b;
            b.push_back(stretches("c", min(panel_columns_ / width_, ceildiv(columns - p, width_)), width_,
                                  ir::LoopKind::serial, [&](ir::Dim c) { return body(p + c); }));
            return b;
        });
    }
    // body(row, column) for every element of a tile, columns in vectors, of which `lanes` are active.
    template <class Body>
    ir::Stmt elements(std::int64_t rows, std::int64_t columns, ir::Dim lanes, const Body& body) {
        const auto across = [&](ir::Dim r) {
            const auto vector = [&](ir::Dim c) {
                const ir::Symbol s = nest_.add_symbol(ir::SymbolRole::loop, "v");
                ir::Loop l{s, lanes, 1, ir::LoopKind::vector, static_cast<int>(width_), {}};
                l.body = body(r, c + ir::Dim::symbol(s));
                ir::Statements inner;
                inner.push_back({std::move(l)});
                return inner;
            };
            if (columns == width_) return vector(0);
            const auto within = [&](ir::Dim first, std::int64_t count) {
                ir::Statements b;
                b.push_back(stretches("c", count / width_, width_, ir::LoopKind::unroll,
                                      [&](ir::Dim c) { return vector(first + c); }));
                return b;
            };
            if (!splits_panels() || columns <= panel_columns_) return within(0, columns);
            ir::Statements b;
            b.push_back(stretches("p", columns / panel_columns_, panel_columns_, ir::LoopKind::unroll,
                                  [&](ir::Dim p) { return within(p, panel_columns_); }));
            return b;
        };
        if (rows == 1) return std::move(across(0).front());
        return loop("r", rows, 1, ir::LoopKind::unroll, across);
    }

    ir::BufferId scratch(const char* name, ir::Dtype dtype, ir::Shape shape, ir::Statements& into);
    ir::ValueId load(ir::BufferId b, std::vector<ir::Dim> index, ir::Statements& into);
    ir::ValueId init(ir::Statements& into);
    ir::Stmt fill_with_init(ir::BufferId b, std::int64_t rows, std::int64_t columns);
    // combine(earlier, later)
    ir::ValueId combine(ir::ValueId earlier, ir::ValueId later, ir::Statements& into);
    // Copies statements as they are for an element of the result.
    StatementCopy at(ir::Dim row, ir::Dim column) const;
    // acc[r, c] takes the elements of `operands`, where k is the index of the contraction.
    void fold(const std::vector<ir::ValueId>& operands, ir::Dim k, ir::BufferId acc, ir::Dim r, ir::Dim c,
              ir::Statements& into);
    // The statements that follow the reduction, for an element whose sum is given.
    void epilogue(ir::Dim row, ir::Dim column, ir::ValueId sum, ir::Statements& into);

    // A tile that reads its operands where they lie and runs over all of k. Of its last vector, or its only one, lanes
    // beyond the columns are masked if `masked`.
    ir::Statements in_place(ir::Dim row, std::int64_t rows, ir::Dim column, std::int64_t columns, bool masked);

private:
    // Whether it has to be told which panel a vector is in.
    bool splits_panels() const { return contraction_.reads_panels && width_ < panel_columns_; }
    ir::Statements step(ir::Dim row, ir::Dim column, ir::Dim k, ir::BufferId acc, ir::Dim r, ir::Dim c);

    ir::LoopNest& nest_;
    const Contraction& contraction_;
    const ir::Reduce& reduce_;
    std::map<ir::Symbol, ir::Dim> outer_;
    ir::Dtype accumulator_ = ir::Dtype::f32;
    std::int64_t width_ = 1, panel_columns_ = 1, tile_columns_ = 1;
};

// Takes the number of a task apart into the numbers of what it works on, the last of which is what is left.
class TaskDigits {
public:
    explicit TaskDigits(ir::Dim task) : rest_(task) {}
    ir::Dim take(ir::Dim extent) {
        const ir::Dim quotient = floordiv(rest_, extent), digit = rest_ - extent * quotient;
        rest_ = quotient;
        count_ *= extent;
        return digit;
    }
    // Columns, and the loops around rows and columns.
    ir::Dim take_columns_and_outer(ir::Dim column_blocks, const Contraction& contraction, TileWriter& tiles) {
        const auto take_one = [this](ir::Dim extent, bool last) {
            if (!last) return take(extent);
            count_ *= extent;
            return rest_;
        };
        const ir::Dim column = take_one(column_blocks, contraction.outer.empty());
        for (std::size_t i = contraction.outer.size(); i-- > 0;)
            tiles.place_outer(contraction.outer[i]->var, take_one(contraction.outer[i]->extent, i == 0));
        return column;
    }
    ir::Dim count() const { return count_; }  // of tasks

private:
    ir::Dim rest_, count_ = 1;
};

// The plain schedule: tiles read their operands where they lie.
ir::Statements tile_in_place(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target);
// Tiles of several rows read their second operand from panels in scratch. Not every contraction can.
bool can_pack(const Contraction& contraction);
// How rows and columns are cut into tasks.
struct PackedBlocks {
    bool copies_rows = false;       // of a first operand that lies transposed
    ir::Dim row_blocks, rows;       // how many; of each at most
    ir::Dim column_groups, panels;  // likewise
    std::int64_t packed_rows = 0;   // with fewer, the second operand is not packed
    // What is known of a second operand that lies in panels, and so is the same in most runs: the kernel is for no
    // other.
    bool is_one_block = false;  // of k
    std::optional<std::int64_t> known_rows = {}, known_columns = {};
};
// Over the nest's extents; within a nest they are extents of their own, for they are long.
PackedBlocks packed_blocks(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target,
                           bool copies_rows);
ir::Statements tile_packed(ir::LoopNest& nest, const Contraction& contraction, const LoopTarget& target,
                           const PackedBlocks& blocks);

}  // namespace lathe::passes
