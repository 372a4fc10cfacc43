#include <algorithm>
#include <utility>

#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Symbol;

bool divides(Dim d, Symbol s) {
    for (const Dim::Term& term : d.terms())
        for (const Dim::Atom& atom : term.factors)
            if (atom.kind != Dim::Atom::Kind::symbol && (atom.a.depends_on(s) || atom.b.depends_on(s))) return true;
    return false;
}

template <class Visit>
void for_each_access(ir::Statements& statements, const Visit& visit) {
    ir::for_each_statement(statements, [&](ir::Stmt& s) {
        ir::for_each_access(s, [&](ir::BufferId b, ir::Effect, std::vector<Dim>& index) { visit(b, index); });
    });
}

// Joins dimensions p and p + 1 of arrays wherever that frees every index into them of divisions of `s`.
void merge_dimensions(ir::LoopNest& nest, Symbol s) {
    for (std::size_t b = 0; b < nest.buffers.size(); ++b) {
        ir::Shape& shape = nest.buffers[b].type.shape;
        for (std::size_t p = shape.rank(); p-- > 1;) {
            const std::size_t at = p - 1;
            const auto merged = [&](const std::vector<Dim>& index) {
                return index[at] * shape[at + 1] + index[at + 1];
            };
            bool useful = false;
            bool sound = true;
            for_each_access(nest.body, [&](ir::BufferId buffer, const std::vector<Dim>& index) {
                if (static_cast<std::size_t>(buffer) != b) return;
                if (!divides(index[at], s) && !divides(index[at + 1], s)) {
                    sound = false;
                    return;
                }
                useful = true;
                // The last pair must come out free of divisions; an earlier one may leave some for the next step.
                if (at == 0 && divides(merged(index), s)) sound = false;
            });
            if (!useful || !sound) continue;
            for_each_access(nest.body, [&](ir::BufferId buffer, std::vector<Dim>& index) {
                if (static_cast<std::size_t>(buffer) != b) return;
                index[at] = merged(index);
                index.erase(index.begin() + static_cast<std::ptrdiff_t>(at) + 1);
            });
            ir::Shape joined;
            for (std::size_t i = 0; i < shape.rank(); ++i) {
                if (i == at) {
                    joined.push_back(shape[i] * shape[i + 1]);
                    ++i;
                } else {
                    joined.push_back(shape[i]);
                }
            }
            shape = joined;
        }
    }
}

// A bound on the outer loop's variable alone, as one on the variable of both loops: v / n >= b where v >= b * n.
Dim joined_guard(Dim guard, Symbol outer, const ir::Loop& inner, Dim joined) {
    const auto affine = guard.affine_in(outer);
    if (!affine || affine->rest.depends_on(inner.var)) return guard;
    if (affine->coefficient == Dim(1)) return joined + affine->rest * inner.extent;
    if (affine->coefficient == Dim(-1)) return (affine->rest + 1) * inner.extent - joined - 1;
    return guard;
}

// Replaces a loop that holds nothing but a loop by one over both; gives up if some index would need a division.
bool join_loops(ir::LoopNest& nest, const std::vector<std::size_t>& path) {
    ir::LoopNest trial = nest;
    ir::Statements* statements = &trial.body;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) statements = ir::body_of((*statements)[path[i]]);
    ir::Stmt& place = (*statements)[path.back()];
    auto& outer = std::get<ir::Loop>(place.node);
    auto& inner = std::get<ir::Loop>(outer.body.front().node);
    const Symbol joined = trial.add_symbol(ir::SymbolRole::loop, trial.symbols[outer.var].name);
    const Dim var = Dim::symbol(joined);
    const Dim quotient = floordiv(var, inner.extent);
    const Dim remainder = var - inner.extent * quotient;
    const Symbol first = outer.var;
    const Symbol second = inner.var;
    ir::Loop loop{joined, outer.extent * inner.extent, 1, ir::LoopKind::serial, 1, {}};
    ir::for_each_statement(inner.body, [&](ir::Stmt& s) {
        if (std::vector<Dim>* guards = ir::guards_of(s))
            for (Dim& g : *guards) g = joined_guard(g, first, inner, var);
    });
    ir::Statements body = std::move(inner.body);
    rewrite_dims(body, [&](Dim d) {
        return d.substitute([&](Symbol s) { return s == first ? quotient : s == second ? remainder : Dim::symbol(s); });
    });
    loop.body = std::move(body);
    place.node = std::move(loop);
    merge_dimensions(trial, joined);
    bool divided = false;
    ir::for_each_statement(std::as_const(trial.body), [&](const ir::Stmt& s) {
        ir::for_each_dim(s, [&](const Dim& d) { divided = divided || divides(d, joined); });
    });
    if (divided) return false;
    nest = std::move(trial);
    return true;
}

// The path to the first loop that holds nothing but a loop, after skipping `skip` such loops.
bool find_pair(const ir::Statements& statements, std::vector<std::size_t>& path, std::size_t& skip) {
    for (std::size_t i = 0; i < statements.size(); ++i) {
        const ir::Statements* body = ir::body_of(statements[i]);
        if (body == nullptr) continue;
        path.push_back(i);
        if (std::holds_alternative<ir::Loop>(statements[i].node) && body->size() == 1 &&
            std::holds_alternative<ir::Loop>(body->front().node)) {
            if (skip == 0) return true;
            --skip;
        }
        if (find_pair(*body, path, skip)) return true;
        path.pop_back();
    }
    return false;
}

// Dimensions of extent 1 say nothing.
void squeeze(ir::LoopNest& nest) {
    for_each_access(nest.body, [&](ir::BufferId buffer, std::vector<Dim>& index) {
        const ir::Shape& shape = nest.buffers[static_cast<std::size_t>(buffer)].type.shape;
        std::vector<Dim> kept;
        for (std::size_t i = 0; i < shape.rank(); ++i)
            if (shape[i] != Dim(1)) kept.push_back(index[i]);
        index = std::move(kept);
    });
    for (ir::Buffer& b : nest.buffers) {
        ir::Shape kept;
        for (Dim d : b.type.shape)
            if (d != Dim(1)) kept.push_back(d);
        b.type.shape = kept;
    }
}

}  // namespace

void collapse(ir::LoopNest& nest, const LoopTarget&) {
    squeeze(nest);
    std::vector<Symbol> reduced;
    ir::for_each_statement(nest.body, [&](const ir::Stmt& s) {
        if (const auto* reduce = std::get_if<ir::Reduce>(&s.node)) reduced.push_back(reduce->var);
    });
    for (Symbol s : reduced) merge_dimensions(nest, s);
    for (std::size_t skip = 0;;) {
        std::vector<std::size_t> path;
        std::size_t left = skip;
        if (!find_pair(nest.body, path, left)) return;
        if (!join_loops(nest, path)) ++skip;
    }
}

}  // namespace lathe::passes
