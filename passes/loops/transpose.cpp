// A loop may read an array across: the vectors of its innermost loop lie far apart there, while neighbours lie along
// another loop, as in
//
//   for i in M for j in N { a = load A[j, i]; ...; store C[i, j] }
//
// It becomes loops over patches of rows x columns. For a patch, what is read across is first copied to scratch,
// transposed, in square tiles of whole vectors which code generation transposes in registers. Then the loop's body runs
// on rows of scratch, which lie as its results do. Tiles at the edge of an array begin so much earlier that they end
// where it does: what two of them copy is the same. Arrays narrower than a tile are copied element by element, or,
// where that is known, read where they lie.
#include "passes/loops/transpose.h"

#include <algorithm>
#include <vector>

#include "ir/loops/walk.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::LoopKind;
using ir::Statements;
using ir::Symbol;
using ir::ValueId;

// Of a patch: its scratch stays in the nearest cache, and both sides of the copy are runs of whole cache lines.
constexpr std::int64_t patch_columns = 64, row_bytes = 128, most_rows = 64;
// Elements of a side of a tile: wider ones are dear to compile and gain nothing, for memory takes the time.
constexpr std::int64_t side = 4;
constexpr std::int64_t wanted_tasks = 4;  // for the threads

// Serial loops in each other down to one that holds statements alone, whose extents do not depend on each other.
std::vector<const ir::Loop*> loops_in_each_other(const ir::Loop& outermost) {
    std::vector<const ir::Loop*> loops;
    for (const ir::Loop* loop = &outermost; loop != nullptr;) {
        if (loop->kind != LoopKind::serial || loop->step != 1) return {};
        if (std::ranges::any_of(loops, [&](const ir::Loop* l) { return loop->extent.depends_on(l->var); })) return {};
        loops.push_back(loop);
        const bool alone = loop->body.size() == 1;
        loop = alone ? std::get_if<ir::Loop>(&loop->body.front().node) : nullptr;
    }
    const auto holds_more = [](const ir::Stmt& s) {
        return ir::body_of(s) != nullptr || std::holds_alternative<ir::Alloc>(s.node);
    };
    if (std::ranges::any_of(loops.back()->body, holds_more)) return {};
    return loops;
}

bool from_memory(const ir::LoopNest& nest, Dim d) {
    std::vector<Symbol> used;
    d.collect_symbols(used);
    return std::ranges::any_of(used, [&](Symbol s) { return nest.symbols[s].role == ir::SymbolRole::loaded; });
}

Dim offset(const ir::LoopNest& nest, ir::BufferId buffer, const std::vector<Dim>& index) {
    return ir::linear_offset(nest.buffers[static_cast<std::size_t>(buffer)].type.shape, index);
}

// Whether the body writes elements that lie side by side along the loop, and nothing that it reads: then its iterations
// may run in any order.
bool in_any_order(const ir::LoopNest& nest, const ir::Loop& columns) {
    std::vector<ir::BufferId> read, written;
    bool side_by_side = true;
    for (const ir::Stmt& s : columns.body)
        ir::for_each_access(s, [&](ir::BufferId b, ir::Effect effect, const std::vector<Dim>& index) {
            if (effect == ir::Effect::read) {
                read.push_back(b);
                return;
            }
            written.push_back(b);
            const Dim at = offset(nest, b, index);
            const auto affine = at.affine_in(columns.var);
            side_by_side = side_by_side && affine && affine->coefficient == Dim(1) && !from_memory(nest, at);
        });
    return side_by_side && std::ranges::find_first_of(read, written) == read.end();
}

// Whether a load's elements lie side by side along `rows`, and apart along the innermost loop, at places that are known
// in front of the body.
bool runs_across(const ir::LoopNest& nest, const ir::Load& load, const ir::Loop& rows, const ir::Loop& columns) {
    const auto unknown = [&](Dim d) { return from_memory(nest, d); };
    if (std::ranges::any_of(load.index, unknown) || std::ranges::any_of(load.guards, unknown)) return false;
    const auto along = offset(nest, load.buffer, load.index).affine_in(rows.var);
    if (!along || along->coefficient != Dim(1)) return false;
    const auto lanes = along->rest.affine_in(columns.var);
    if (!lanes || lanes->coefficient == Dim(0) || lanes->coefficient == Dim(1)) return false;
    return std::ranges::all_of(load.guards, [&](Dim guard) {
        return !guard.depends_on(rows.var) && guard.affine_in(columns.var).has_value();
    });
}

class Patches {
public:
    Patches(ir::LoopNest& nest, const ir::Loop& rows, const ir::Loop& columns)
        : nest_(nest), rows_(rows), columns_(columns) {
        for (const ir::Stmt& s : columns.body)
            if (const ir::Load* load = across(s)) row_count_ = std::min(row_count_, row_bytes / size(*load));
    }

    // The loops over `loops` and over patches of rows and columns; the outermost one is the first that gives enough
    // tasks to the threads, as far as `trips` knows, or else the one that gives most.
    template <class Trips>
    ir::Loop run(const std::vector<const ir::Loop*>& loops, const Trips& trips) {
        std::vector<ir::Loop> around;
        for (const ir::Loop* l : loops)
            if (l != &rows_ && l != &columns_)
                around.push_back(ir::Loop{l->var, l->extent, 1, LoopKind::serial, 1, {}});
        for (const auto& [l, step] : {std::pair{&rows_, row_count_}, {&columns_, patch_columns}})
            around.push_back(ir::Loop{l->var, l->extent, step, LoopKind::serial, 1, {}});
        const auto tasks = [&](const ir::Loop& l) { return trips(ceildiv(l.extent, l.step)); };
        auto first = std::ranges::find_if(around, [&](const ir::Loop& l) { return tasks(l) >= wanted_tasks; });
        if (first == around.end()) first = std::ranges::max_element(around, {}, tasks);
        std::rotate(around.begin(), first, first + 1);

        Statements body = patch();
        for (std::size_t i = around.size(); i-- > 0;) {
            around[i].body = std::move(body);
            body.clear();
            body.push_back({std::move(around[i])});
        }
        return std::get<ir::Loop>(std::move(body.front().node));
    }

private:
    struct Copy {
        const ir::Load* load;
        ir::BufferId scratch;  // the patch begins a tile behind its edges
    };

    std::int64_t size(const ir::Load& l) const {
        return static_cast<std::int64_t>(size_of(nest_.buffers[static_cast<std::size_t>(l.buffer)].type.dtype));
    }
    const ir::Load* across(const ir::Stmt& s) const {
        const auto* load = std::get_if<ir::Load>(&s.node);
        return load != nullptr && runs_across(nest_, *load, rows_, columns_) ? load : nullptr;
    }

    template <class Body>
    ir::Stmt loop(const char* name, Dim extent, std::int64_t step, LoopKind kind, const Body& body) {
        const Symbol s = nest_.add_symbol(ir::SymbolRole::loop, name);
        ir::Loop l{s, extent, step, kind, 1, {}};
        body(Dim::symbol(s), l.body);
        return {std::move(l)};
    }
    StatementCopy at(Dim row, Dim column) const {
        StatementCopy copy(nest_);
        copy.replace_symbol(rows_.var, row);
        copy.replace_symbol(columns_.var, column);
        return copy;
    }

    Statements patch() {
        const Dim rows = min(row_count_, rows_.extent - row0_),
                  columns = min(patch_columns, columns_.extent - column0_);
        Statements out;
        std::vector<Copy> copies;
        for (const ir::Stmt& s : columns_.body)
            if (across(s) != nullptr) copies.push_back(copy_across(s, rows, columns, out));
        out.push_back(loop("row", rows, 1, LoopKind::serial, [&](Dim row, Statements& b) {
            b.push_back(loop("column", columns, 1, LoopKind::serial,
                             [&](Dim column, Statements& inner) { rest_of_body(copies, row, column, inner); }));
        }));
        return out;
    }

    Copy copy_across(const ir::Stmt& s, Dim rows, Dim columns, Statements& out) {
        const auto& load = std::get<ir::Load>(s.node);
        const Copy to{&load, nest_.add_buffer({"across",
                                               ir::BufferRole::scratch,
                                               {nest_.value_dtypes[static_cast<std::size_t>(load.result)],
                                                {row_count_ + side, patch_columns + side}}})};
        out.push_back({ir::Alloc{to.scratch}});
        const auto element = [&](Dim row, Dim column, Statements& b) {
            StatementCopy copy = at(row, column);
            b.push_back(copy.copy(s));
            b.push_back({ir::Store{
                to.scratch, {row - row0_ + side, column - column0_ + side}, copy.copy(load.result), {}, false}});
        };
        const Dim tiled = min(1, max(0, min(rows_.extent, columns_.extent) - side + 1));  // 1: there is a whole tile
        out.push_back(loop("tiled", tiled, 1, LoopKind::serial, [&](Dim, Statements& b) {
            b.push_back(loop("c", columns, side, LoopKind::serial, [&](Dim c, Statements& by_column) {
                by_column.push_back(loop("r", rows, side, LoopKind::serial, [&](Dim r, Statements& tile) {
                    const Dim row = min(row0_ + r, rows_.extent - side),
                              column = min(column0_ + c, columns_.extent - side);
                    tile.push_back(loop("u", side, 1, LoopKind::unroll, [&](Dim u, Statements& across) {
                        across.push_back(loop("v", side, 1, LoopKind::vector,
                                              [&](Dim v, Statements& e) { element(row + u, column + v, e); }));
                        std::get<ir::Loop>(across.back().node).width = static_cast<int>(side);
                    }));
                }));
            }));
        }));
        out.push_back(loop("narrow", 1 - tiled, 1, LoopKind::serial, [&](Dim, Statements& b) {
            b.push_back(loop("c", columns, 1, LoopKind::serial, [&](Dim c, Statements& by_column) {
                by_column.push_back(loop("r", rows, 1, LoopKind::serial,
                                         [&](Dim r, Statements& e) { element(row0_ + r, column0_ + c, e); }));
            }));
        }));
        return to;
    }

    // The loop's body for an element of the patch.
    void rest_of_body(const std::vector<Copy>& copies, Dim row, Dim column, Statements& into) const {
        StatementCopy copy = at(row0_ + row, column0_ + column);
        for (const ir::Stmt& s : columns_.body) {
            const auto found = std::ranges::find(copies, std::get_if<ir::Load>(&s.node), &Copy::load);
            if (found == copies.end()) {
                into.push_back(copy.copy(s));
                continue;
            }
            const ValueId v = nest_.add_value(nest_.value_dtypes[static_cast<std::size_t>(found->load->result)]);
            copy.replace_value(found->load->result, v);
            into.push_back({ir::Load{v, found->scratch, {row + side, column + side}, {}}});
        }
    }

    ir::LoopNest& nest_;
    const ir::Loop &rows_, &columns_;
    std::int64_t row_count_ = most_rows;  // of a patch
    const Dim row0_ = Dim::symbol(rows_.var), column0_ = Dim::symbol(columns_.var);
};

template <class Trips>
void transpose_loops(ir::LoopNest& nest, Statements& statements, const Trips& trips) {
    for (ir::Stmt& s : statements) {
        auto* loop = std::get_if<ir::Loop>(&s.node);
        if (loop == nullptr) continue;
        const std::vector<const ir::Loop*> loops = loops_in_each_other(*loop);
        if (loops.size() < 2 || !in_any_order(nest, *loops.back())) {
            transpose_loops(nest, loop->body, trips);
            continue;
        }
        const ir::Loop& columns = *loops.back();
        const auto narrow = [&](const ir::Loop& l) { return trips(l.extent) < side; };
        const auto rows = std::ranges::find_if(loops, [&](const ir::Loop* l) {
            return l != &columns && !narrow(*l) && std::ranges::any_of(columns.body, [&](const ir::Stmt& x) {
                       const auto* load = std::get_if<ir::Load>(&x.node);
                       return load != nullptr && runs_across(nest, *load, *l, columns);
                   });
        });
        if (rows != loops.end() && !narrow(columns)) *loop = Patches(nest, **rows, columns).run(loops, trips);
    }
}

}  // namespace

void transpose(ir::Program& program, const LoopTarget&) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) {
        const auto trips = [&](Dim d) { return program.typical(kernel, d).value_or(wanted_tasks); };
        ir::LoopNest nest = kernel.nest;
        transpose_loops(nest, nest.body, trips);
        if (ir::statement_count(nest.body) <= ir::max_statements) kernel.nest = std::move(nest);
    });
}

}  // namespace lathe::passes
