#include <algorithm>

#include "ir/loops/walk.h"
#include "passes/loops/block_copy.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {
namespace {

using ir::Block;
using ir::Dim;
using ir::LoopKind;
using ir::Symbol;

// Elements that one iteration of the parallel loop over a vector loop takes: far more than the loop around them costs,
// few enough to share a mid-sized array between threads.
constexpr std::int64_t chunk = 4096;
// The same where an element is a reduction over others: as many as code generation takes side by side.
constexpr std::int64_t reduced_chunk = 64;

bool writes_memory(const ir::Stmt& s) {
    return ir::any_access(s, [](ir::BufferId, ir::Effect effect, const auto&) { return effect == ir::Effect::write; });
}

// Whether something is written where the loop's variable has no say.
bool overwrites(const Block& block, Symbol var) {
    return ir::any_statement(block, [var](const ir::Stmt& s) {
        return ir::any_access(s, [var](ir::BufferId, ir::Effect effect, const std::vector<Dim>& index) {
            return effect == ir::Effect::write &&
                   std::ranges::none_of(index, [var](Dim d) { return d.depends_on(var); });
        });
    });
}

bool reduces(const Block& block) {
    return ir::any_statement(block, [](const ir::Stmt& s) { return std::holds_alternative<ir::Reduce>(s.node); });
}

// Whether something is written where memory says.
bool scatters(const Block& block, const ir::LoopNest& nest) {
    return ir::any_statement(block, [&](const ir::Stmt& s) {
        return ir::any_access(s, [&](ir::BufferId, ir::Effect effect, const std::vector<Dim>& index) {
            if (effect != ir::Effect::write) return false;
            std::vector<Symbol> symbols;
            for (Dim d : index) d.collect_symbols(symbols);
            return std::ranges::any_of(symbols,
                                       [&](Symbol x) { return nest.symbols[x].role == ir::SymbolRole::loaded; });
        });
    });
}

}  // namespace

void parallelize(ir::LoopNest& nest, const LoopTarget&) {
    if (nest.body.empty() || !std::holds_alternative<ir::Loop>(nest.body.back().node)) return;
    for (std::size_t i = 0; i + 1 < nest.body.size(); ++i)
        if (ir::body_of(nest.body[i]) != nullptr || writes_memory(nest.body[i])) return;
    auto& loop = std::get<ir::Loop>(nest.body.back().node);
    if (loop.kind == LoopKind::parallel || overwrites(loop.body, loop.var) || scatters(loop.body, nest)) return;

    // What stands before the loop is repeated in every iteration: scalars, cheap beside a chunk of elements.
    Block before(nest.body.begin(), nest.body.end() - 1);
    ir::Loop outer;
    if (loop.kind == LoopKind::vector) {
        outer.var = nest.add_symbol(ir::SymbolRole::loop, "chunk");
        outer.extent = loop.extent;
        outer.step = reduces(loop.body) ? reduced_chunk : chunk;
        ir::Loop inner = std::move(loop);
        const Dim start = Dim::symbol(outer.var);
        const Symbol var = inner.var;
        inner.extent = min(outer.step, inner.extent - start);
        rewrite_dims(inner.body, [&](Dim d) {
            return d.substitute([&](Symbol s) { return s == var ? start + Dim::symbol(s) : Dim::symbol(s); });
        });
        outer.body = std::move(before);
        outer.body.push_back({std::move(inner)});
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

}  // namespace lathe::passes
