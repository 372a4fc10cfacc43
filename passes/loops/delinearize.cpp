// A loop over a dimension that is several in one, as channels in groups are, asks where in each of them it is:
//
//   for i in P * Q { a = load A[i - Q * (i / Q), i / Q]; store C[i], a }
//
// It becomes a loop for each of them, in which nothing has to be divided:
//
//   for p in P for q in Q { a = load A[q, p]; store C[Q * p + q], a }
//
// Rows of a contraction stay as they are, for tiles want many of them; unless those of the inner loop are many, and
// what is contracted is short, so that a tile takes little longer than to find out where its rows are.
#include "passes/loops/delinearize.h"

#include <functional>
#include <optional>

#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Loop;
using ir::Symbol;

// The quotient, where d is that many times the divisor.
std::optional<Dim> exact_quotient(Dim d, Dim divisor) {
    const Dim quotient = floordiv(d, divisor);
    return quotient * divisor == d ? std::optional(quotient) : std::nullopt;
}

// What the variable is divided by in d, where that divides the extent.
std::optional<Dim> divisor_in(Dim d, const Loop& loop) {
    if (!d.depends_on(loop.var)) return std::nullopt;
    for (const Dim::Term& term : d.terms())
        for (const Dim::Atom& atom : term.factors) {
            if (atom.kind == Dim::Atom::Kind::symbol) continue;
            if (atom.kind == Dim::Atom::Kind::floordiv && atom.a == Dim::symbol(loop.var) &&
                exact_quotient(loop.extent, atom.b))
                return atom.b;
            for (const Dim part : {atom.a, atom.b})
                if (const auto found = divisor_in(part, loop)) return found;
        }
    return std::nullopt;
}

std::optional<Dim> divisor_in(const ir::Statements& body, const Loop& loop) {
    std::optional<Dim> found;
    ir::for_each_statement(body, [&](const ir::Stmt& s) {
        ir::for_each_dim(s, [&](const Dim& d) {
            if (!found) found = divisor_in(d, loop);
        });
    });
    return found;
}

// floordiv(dividend, by), where `inner` is less than `divisor`: floor((divisor * x + inner) / (divisor * y)) is
// floor(x / y).
Dim quotient_without(Dim dividend, Dim by, Symbol inner, Dim divisor) {
    const auto affine = dividend.affine_in(inner);
    if (!affine || affine->coefficient != Dim(1)) return floordiv(dividend, by);
    const std::optional<Dim> x = exact_quotient(affine->rest, divisor), y = exact_quotient(by, divisor);
    return x && y ? floordiv(*x, *y) : floordiv(dividend, by);
}

// d, where `inner` is less than `divisor`.
Dim without_quotient(Dim d, Symbol inner, Dim divisor) {
    if (!d.depends_on(inner)) return d;
    Dim sum = 0;
    for (const Dim::Term& term : d.terms()) {
        Dim product = term.coefficient;
        for (const Dim::Atom& atom : term.factors) {
            if (atom.kind == Dim::Atom::Kind::symbol) {
                product *= Dim::symbol(atom.symbol);
                continue;
            }
            const Dim a = without_quotient(atom.a, inner, divisor), b = without_quotient(atom.b, inner, divisor);
            if (atom.kind == Dim::Atom::Kind::min)
                product *= min(a, b);
            else if (atom.kind == Dim::Atom::Kind::max)
                product *= max(a, b);
            else
                product *= quotient_without(a, b, inner, divisor);
        }
        sum += product;
    }
    return sum;
}

// The value that an extent of the nest has, if that is known.
using Typical = std::function<std::optional<std::int64_t>(Dim)>;

// Whether a loop around a contraction may become one around another of so many iterations.
bool may_hold_rows(const ir::Statements& body, Dim rows, const Typical& typical) {
    constexpr std::int64_t many_rows = 64, short_contraction = 256;
    const std::optional<std::int64_t> count = typical(rows);
    return !ir::any_statement(body, [&](const ir::Stmt& s) {
        const auto* const reduce = std::get_if<ir::Reduce>(&s.node);
        if (reduce == nullptr || reduce->op->contraction == nullptr) return false;
        const std::optional<std::int64_t> depth = typical(reduce->extent);
        return !count || *count < many_rows || !depth || *depth > short_contraction;
    });
}

void visit(ir::LoopNest& nest, ir::Statements& statements, const Typical& typical) {
    for (ir::Stmt& s : statements) {
        if (auto* const loop = std::get_if<Loop>(&s.node); loop != nullptr && loop->step == 1)
            while (const std::optional<Dim> divisor = divisor_in(loop->body, *loop)) {
                if (!may_hold_rows(loop->body, *divisor, typical)) break;
                Loop inner = std::move(*loop);
                loop->var = nest.add_symbol(ir::SymbolRole::loop, nest.symbols[inner.var].name);
                loop->extent = floordiv(inner.extent, *divisor);
                inner.extent = *divisor;
                const Dim both = *divisor * Dim::symbol(loop->var) + Dim::symbol(inner.var);
                rewrite_dims(inner.body, [&](Dim d) {
                    const Dim apart = d.substitute([&](Symbol x) { return x == inner.var ? both : Dim::symbol(x); });
                    return without_quotient(apart, inner.var, *divisor);
                });
                loop->body.clear();
                loop->body.push_back({std::move(inner)});
            }
        if (ir::Statements* const body = ir::body_of(s)) visit(nest, *body, typical);
    }
}

}  // namespace

void delinearize(ir::Program& program, const LoopTarget&) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) {
        const auto typical = [&](Dim d) { return program.typical(kernel, d); };
        visit(kernel.nest, kernel.nest.body, typical);
    });
}

}  // namespace lathe::passes
