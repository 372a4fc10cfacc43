#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Statements;
using ir::Symbol;

// Picoseconds on a core of some 4 GHz; a vector of lanes costs what a scalar does.
constexpr std::int64_t memory_access = 300, instruction = 150, loop_overhead = 500;
// Of finding out that an iteration is another thread's, as all threads do: no gain where it takes less itself.
constexpr std::int64_t refusal = 3000;

std::int64_t instructions(const ir::LoopNest& nest, const ir::Compute& c) {
    if (c.part != ir::ComputePart::scalar) return 1;
    std::vector<ir::Dtype> dtypes;
    for (ir::ValueId v : c.operands) dtypes.push_back(nest.value_dtypes[static_cast<std::size_t>(v)]);
    const ir::ScalarProgram& program =
        ir::scalar_program(*c.op, dtypes, c.attributes, nest.value_dtypes[static_cast<std::size_t>(c.results.front())]);
    return static_cast<std::int64_t>(program.insts.size());
}

// Scratch is registers, and what a register tile loads serves several of its elements.
std::int64_t access_cost(const ir::LoopNest& nest, ir::BufferId buffer, bool unrolled) {
    if (nest.buffers[static_cast<std::size_t>(buffer)].role == ir::BufferRole::scratch) return 0;
    return unrolled ? memory_access / 4 : memory_access;
}

// Trips of inner loops as in the first iteration of the outer ones.
Dim at_first(const ir::LoopNest& nest, Dim d) {
    return d.substitute(
        [&](Symbol s) { return nest.symbols[s].role == ir::SymbolRole::extent ? Dim::symbol(s) : Dim(0); });
}

// What runs in some iterations only counts as if it ran in all.
Dim trips(const ir::LoopNest& nest, const ir::Loop& loop) {
    const auto high = loop.extent.bounds([](Symbol) { return Dim::Bounds{0, std::nullopt}; }).high;
    const bool is_condition = high && *high == 1 && !loop.extent.is_constant();
    const Dim first = at_first(nest, loop.extent);
    return is_condition && first != loop.extent ? Dim(1) : first;
}

// The parallel loop at the end of a body of which one iteration runs.
const ir::Loop* only_iteration(const Statements& statements) {
    const auto* const loop = statements.empty() ? nullptr : std::get_if<ir::Loop>(&statements.back().node);
    return loop != nullptr && loop->only ? loop : nullptr;
}

Dim cost(const ir::LoopNest& nest, const Statements& statements, bool unrolled);

Dim cost(const ir::LoopNest& nest, const ir::Stmt& stmt, bool unrolled) {
    return std::visit(
        ir::Overloaded{
            [&](const ir::Load& l) -> Dim { return access_cost(nest, l.buffer, unrolled); },
            [&](const ir::Store& s) -> Dim { return access_cost(nest, s.buffer, unrolled); },
            [&](const ir::Compute& c) -> Dim { return instruction * instructions(nest, c); },
            [](const ir::Constant&) -> Dim { return 0; },
            [](const ir::IndexValue&) -> Dim { return 0; },
            [](const ir::Condition&) -> Dim { return 0; },
            [](const ir::BindIndex&) -> Dim { return 0; },
            [](const ir::Alloc&) -> Dim { return 0; },
            [&](const ir::Loop& l) -> Dim {
                if (l.only) return cost(nest, l.body, unrolled) - refusal;
                if (l.kind == ir::LoopKind::parallel) return cost(nest, l.body, unrolled);
                const std::int64_t step = l.kind == ir::LoopKind::vector ? l.width : l.step;
                const bool unroll = l.kind == ir::LoopKind::unroll;
                const std::int64_t overhead = unroll || unrolled ? 0 : loop_overhead;
                if (const ir::Loop* const one = only_iteration(l.body))
                    return floordiv(l.extent * cost(nest, ir::Stmt{*one}, unrolled), max(1, one->extent));
                return ceildiv(trips(nest, l), step) * (cost(nest, l.body, unroll || unrolled) + overhead);
            },
            [&](const ir::Reduce& r) -> Dim {
                return ceildiv(at_first(nest, r.extent), r.width) * (cost(nest, r.body, unrolled) + instruction) +
                       10 * loop_overhead;
            },
        },
        stmt.node);
}

Dim cost(const ir::LoopNest& nest, const Statements& statements, bool unrolled) {
    Dim total = 0;
    for (const ir::Stmt& s : statements) total += cost(nest, s, unrolled);
    return total;
}

}  // namespace

Dim iteration_cost(const ir::LoopNest& nest, const LoopTarget&) {
    const bool refuses = ir::any_statement(nest.body, [](const ir::Stmt& s) {
        const auto* const loop = std::get_if<ir::Loop>(&s.node);
        return loop != nullptr && loop->only;
    });
    const Dim total = cost(nest, nest.body, false);
    return refuses ? max(0, total) : total;
}

}  // namespace lathe::passes
