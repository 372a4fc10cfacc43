#include "passes/loops/parallelize.h"

#include <algorithm>
#include <optional>

#include "ir/loops/walk.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::LoopKind;
using ir::Statements;
using ir::Symbol;

// As parallel_chunk, where what is around the parallel loop runs for each range of its iterations: a range should do
// more than that, and read long enough pieces of memory that what is fetched ahead of them is not another thread's.
constexpr std::int64_t shared_chunk = 256;
// The same where an element is a reduction over others: as many as code generation takes side by side.
constexpr std::int64_t reduced_chunk = 64;

bool writes_memory(const ir::Stmt& s) {
    return ir::any_access(s, [](ir::BufferId, ir::Effect effect, const auto&) { return effect == ir::Effect::write; });
}

// Whether something is written where the loop's variable has no say, but for scratch, of which each iteration has its
// own.
bool overwrites(const Statements& statements, Symbol var) {
    std::vector<ir::BufferId> own;
    ir::for_each_statement(statements, [&](const ir::Stmt& s) {
        if (const auto* alloc = std::get_if<ir::Alloc>(&s.node)) own.push_back(alloc->buffer);
    });
    return ir::any_statement(statements, [&](const ir::Stmt& s) {
        return ir::any_access(s, [&](ir::BufferId b, ir::Effect effect, const std::vector<Dim>& index) {
            return effect == ir::Effect::write && std::ranges::find(own, b) == own.end() &&
                   std::ranges::none_of(index, [var](Dim d) { return d.depends_on(var); });
        });
    });
}

bool reduces(const Statements& statements) {
    return ir::any_statement(statements, [](const ir::Stmt& s) { return std::holds_alternative<ir::Reduce>(s.node); });
}

// Whether something is written where memory says.
bool scatters(const Statements& statements, const ir::LoopNest& nest) {
    return ir::any_statement(statements, [&](const ir::Stmt& s) {
        return ir::any_access(s, [&](ir::BufferId, ir::Effect effect, const std::vector<Dim>& index) {
            if (effect != ir::Effect::write) return false;
            std::vector<Symbol> symbols;
            for (Dim d : index) d.collect_symbols(symbols);
            return std::ranges::any_of(symbols,
                                       [&](Symbol x) { return nest.symbols[x].role == ir::SymbolRole::loaded; });
        });
    });
}

// A loop over chunks of a vector loop.
ir::Loop in_chunks(ir::LoopNest& nest, ir::Loop inner, std::int64_t step) {
    ir::Loop outer;
    outer.var = nest.add_symbol(ir::SymbolRole::loop, "chunk");
    outer.extent = inner.extent;
    outer.step = step;
    outer.kind = LoopKind::parallel;
    const Dim start = Dim::symbol(outer.var);
    const Symbol var = inner.var;
    inner.extent = min(outer.step, inner.extent - start);
    rewrite_dims(inner.body, [&](Dim d) {
        return d.substitute([&](Symbol s) { return s == var ? start + Dim::symbol(s) : Dim::symbol(s); });
    });
    outer.body.push_back({std::move(inner)});
    return outer;
}

// The loop among those in each other that has this variable in dimension `axis` of all that the statements read and
// write of what it writes; null where there is none.
ir::Loop* loop_of_axis(const ir::LoopNest& nest, ir::Stmt& statement, std::size_t axis) {
    std::optional<Dim> index;
    bool same = true;
    const auto* const outermost = std::get_if<ir::Loop>(&statement.node);
    if (outermost == nullptr) return nullptr;
    ir::for_each_statement(outermost->body, [&](const ir::Stmt& s) {
        ir::for_each_access(s, [&](ir::BufferId b, ir::Effect, const std::vector<Dim>& at) {
            if (nest.buffers[static_cast<std::size_t>(b)].role != ir::BufferRole::output) return;
            same = same && axis < at.size() && (!index || *index == at[axis]);
            if (same) index = at[axis];
        });
    });
    if (!same || !index) return nullptr;
    for (ir::Stmt* s = &statement; s != nullptr;) {
        auto* const loop = std::get_if<ir::Loop>(&s->node);
        if (loop == nullptr) return nullptr;
        if (Dim::symbol(loop->var) == *index) return loop;
        if (loop->kind != LoopKind::serial || loop->body.empty()) return nullptr;
        const auto is_plain = [](const ir::Stmt& x) { return ir::body_of(x) == nullptr && !writes_memory(x); };
        if (!std::all_of(loop->body.begin(), loop->body.end() - 1, is_plain)) return nullptr;
        s = &loop->body.back();
    }
    return nullptr;
}

// The loops over an axis that is not chosen by memory, one in each of the nest's outermost loops; none where they are
// not alike.
std::vector<ir::Loop*> loops_of_axis(ir::LoopNest& nest, std::size_t axis) {
    std::vector<ir::Loop*> loops;
    for (ir::Stmt& s : nest.body) {
        if (ir::body_of(s) == nullptr && !writes_memory(s)) continue;
        ir::Loop* const loop = loop_of_axis(nest, s, axis);
        if (loop == nullptr) return {};
        if (!loops.empty() &&
            (loop->extent != loops[0]->extent || loop->step != loops[0]->step || loop->kind != loops[0]->kind))
            return {};
        loops.push_back(loop);
    }
    return loops;
}

// Rows that memory chooses: a loop over them all, and the body that has bound the chosen one, where nothing is written
// before it is bound.
struct ChosenRows {
    ir::Loop* all = nullptr;
    Statements* statements = nullptr;
    std::size_t bind = 0;
};

// Where the first axis of what the nest writes is a serial loop first and then chosen by memory.
std::optional<ChosenRows> find_chosen_rows(ir::LoopNest& nest) {
    if (nest.body.size() != 2) return std::nullopt;
    ChosenRows rows;
    rows.all = loop_of_axis(nest, nest.body[0], 0);
    if (rows.all == nullptr || rows.all->kind != LoopKind::serial || rows.all->step != 1) return std::nullopt;
    for (ir::Stmt* s = &nest.body[1]; rows.statements == nullptr;) {
        auto* const loop = std::get_if<ir::Loop>(&s->node);
        if (loop == nullptr || loop->kind != LoopKind::serial || loop->body.empty()) return std::nullopt;
        for (std::size_t i = 0; i < loop->body.size(); ++i) {
            if (writes_memory(loop->body[i])) return std::nullopt;
            const auto* const bind = std::get_if<ir::BindIndex>(&loop->body[i].node);
            if (bind == nullptr || bind->bound != rows.all->extent) continue;
            rows.statements = &loop->body;
            rows.bind = i;
            break;
        }
        s = &loop->body.back();
    }
    const Dim chosen = Dim::symbol(std::get<ir::BindIndex>((*rows.statements)[rows.bind].node).symbol);
    const bool elsewhere = ir::any_statement(*rows.statements, [&](const ir::Stmt& s) {
        return ir::any_access(s, [&](ir::BufferId b, ir::Effect, const std::vector<Dim>& index) {
            return nest.buffers[static_cast<std::size_t>(b)].role == ir::BufferRole::output &&
                   (index.empty() || index[0] != chosen);
        });
    });
    return elsewhere ? std::nullopt : std::optional(rows);
}

// Each thread has a range of the rows: it goes through all indices, and adds what is its own.
void share_rows(ir::LoopNest& nest, const ChosenRows& rows) {
    rows.all->kind = LoopKind::parallel;
    const auto own = rows.statements->begin() + static_cast<std::ptrdiff_t>(rows.bind) + 1;
    ir::Loop one;
    one.var = nest.add_symbol(ir::SymbolRole::loop, "row");
    one.extent = rows.all->extent;
    one.kind = LoopKind::parallel;
    one.only = Dim::symbol(std::get<ir::BindIndex>((*rows.statements)[rows.bind].node).symbol);
    one.body.assign(std::make_move_iterator(own), std::make_move_iterator(rows.statements->end()));
    rows.statements->erase(own, rows.statements->end());
    rows.statements->push_back({std::move(one)});
}

// Each thread has some indices of an axis, in all loops of the nest: nobody adds to the same element as another, and
// each in the order of one thread. An axis that memory does not choose is better, but for columns that are too few to
// share.
void parallelize_scatter(ir::Program::Kernel& kernel, const ir::Program& program) {
    constexpr std::size_t most_axes = 16;
    ir::LoopNest& nest = kernel.nest;
    std::vector<ir::Loop*> loops;
    for (std::size_t axis = 0; axis < most_axes && loops.empty(); ++axis) loops = loops_of_axis(nest, axis);
    if (loops.empty()) return;
    const bool is_inner = std::ranges::none_of(
        nest.body, [&](const ir::Stmt& s) { return std::get_if<ir::Loop>(&s.node) == loops.back(); });
    if (is_inner && program.typical(kernel.over_program(loops[0]->extent)).value_or(0) < 2 * shared_chunk)
        if (const std::optional<ChosenRows> rows = find_chosen_rows(nest)) return share_rows(nest, *rows);
    for (ir::Loop* const loop : loops) {
        if (loop->kind == LoopKind::vector)
            *loop = in_chunks(nest, std::move(*loop), shared_chunk);
        else
            loop->kind = LoopKind::parallel;
    }
}

void parallelize_nest(ir::LoopNest& nest) {
    if (nest.body.empty() || !std::holds_alternative<ir::Loop>(nest.body.back().node)) return;
    for (std::size_t i = 0; i + 1 < nest.body.size(); ++i)
        if (ir::body_of(nest.body[i]) != nullptr || writes_memory(nest.body[i])) return;
    auto& loop = std::get<ir::Loop>(nest.body.back().node);
    if (overwrites(loop.body, loop.var)) return;

    // What stands before the loop is repeated in every iteration: scalars, cheap beside a chunk of elements.
    Statements before(nest.body.begin(), nest.body.end() - 1);
    ir::Loop outer;
    if (loop.kind == LoopKind::vector) {
        const std::int64_t step = reduces(loop.body) ? reduced_chunk : parallel_chunk;
        outer = in_chunks(nest, std::move(loop), step);
        outer.body.insert(outer.body.begin(), before.begin(), before.end());
    } else if (loop.kind == LoopKind::serial) {
        outer = std::move(loop);
        outer.body.insert(outer.body.begin(), before.begin(), before.end());
    } else {
        return;
    }
    outer.kind = LoopKind::parallel;
    nest.body.clear();
    nest.body.push_back({std::move(outer)});
}

}  // namespace

void parallelize(ir::Program& program, const LoopTarget&) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) {
        if (kernel.nest.parallel_loop() != nullptr) return;
        if (scatters(kernel.nest.body, kernel.nest))
            parallelize_scatter(kernel, program);
        else
            parallelize_nest(kernel.nest);
    });
}

}  // namespace lathe::passes
