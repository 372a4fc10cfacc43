#include <algorithm>
#include <map>
#include <optional>

#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/statement_copy.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Symbol;
using ir::SymbolRole;
using ir::ValueId;

std::int64_t occurrences(const Dim::Term& term, Symbol s) {
    return std::ranges::count_if(
        term.factors, [s](const Dim::Atom& a) { return a.kind == Dim::Atom::Kind::symbol && a.symbol == s; });
}

// Whether a and b occur in d only as a * b, each once.
bool only_as_product(Dim d, Symbol a, Symbol b) {
    for (const Dim::Term& term : d.terms()) {
        if (occurrences(term, a) != occurrences(term, b) || occurrences(term, a) > 1) return false;
        for (const Dim::Atom& atom : term.factors)
            if (atom.kind != Dim::Atom::Kind::symbol &&
                !(only_as_product(atom.a, a, b) && only_as_product(atom.b, a, b)))
                return false;
    }
    return true;
}

class Canonicalizer {
public:
    explicit Canonicalizer(ir::LoopNest& nest) : nest_(nest) {}

    Renumbering run() {
        for (std::size_t i = 0; i < nest_.symbols.size(); ++i)
            if (nest_.symbols[i].role == SymbolRole::extent) {
                extent_symbols_.push_back(static_cast<Symbol>(i));
                extent_values_.push_back(Dim::symbol(static_cast<Symbol>(i)));
            }
        join_products();
        Renumbering out;
        out.arguments = renumber_buffers();
        out.extents = renumber_symbols();
        renumber_values();
        return out;
    }

private:
    void every_dim(const std::function<void(Dim&)>& f) {
        for (ir::Buffer& b : nest_.buffers)
            for (std::size_t i = 0; i < b.type.shape.rank(); ++i) f(b.type.shape[i]);
        ir::for_each_statement(nest_.body, [&f](ir::Stmt& s) { ir::for_each_dim(s, f); });
    }

    void join_products() {
        std::vector<Dim> dims;
        every_dim([&](Dim& d) {
            if (!d.is_constant() && std::ranges::find(dims, d) == dims.end()) dims.push_back(d);
        });
        for (std::size_t i = 0; i < extent_symbols_.size(); ++i)
            for (std::size_t j = i + 1; j < extent_symbols_.size(); ++j) {
                const Symbol a = extent_symbols_[i];
                const Symbol b = extent_symbols_[j];
                const bool used = std::ranges::any_of(dims, [&](Dim d) { return d.depends_on(a); });
                if (!used || !std::ranges::all_of(dims, [&](Dim d) { return only_as_product(d, a, b); })) continue;
                extent_values_[i] = extent_values_[i] * extent_values_[j];
                ir::DimSubstitution without([&](Symbol s) { return s == b ? Dim(1) : Dim::symbol(s); });
                const auto drop = [&](Dim& d) { d = without(d); };
                every_dim(drop);
                std::ranges::for_each(dims, drop);
            }
    }

    std::vector<std::size_t> renumber_buffers() {
        std::vector<bool> used(nest_.buffers.size(), false);
        ir::for_each_statement(nest_.body, [&](const ir::Stmt& s) {
            ir::for_each_buffer(s, [&](ir::BufferId b) { used[static_cast<std::size_t>(b)] = true; });
        });
        std::vector<std::size_t> kept;
        std::vector<ir::BufferId> fresh(nest_.buffers.size(), -1);
        std::vector<ir::Buffer> buffers;
        std::size_t scratch = 0;
        for (const bool scratch_turn : {false, true})
            for (std::size_t b = 0; b < nest_.buffers.size(); ++b) {
                if ((nest_.buffers[b].role == ir::BufferRole::scratch) != scratch_turn || !used[b]) continue;
                fresh[b] = static_cast<ir::BufferId>(buffers.size());
                buffers.push_back(nest_.buffers[b]);
                if (scratch_turn) {
                    buffers.back().name = "t" + std::to_string(scratch++);
                } else {
                    const bool input = buffers.back().role == ir::BufferRole::input;
                    buffers.back().name = (input ? "in" : "out") + std::to_string(kept.size());
                    kept.push_back(b);
                }
            }
        nest_.buffers = std::move(buffers);
        ir::for_each_statement(nest_.body, [&](ir::Stmt& s) {
            ir::for_each_buffer(s, [&](ir::BufferId& b) { b = fresh[static_cast<std::size_t>(b)]; });
        });
        return kept;
    }
    std::vector<Dim> renumber_symbols() {
        // Extents in order of appearance in the buffers, then in the statements; loop variables in order of definition.
        std::map<Symbol, Symbol> fresh;
        std::vector<ir::LoopSymbol> symbols;
        std::vector<Dim> extents;
        std::vector<Symbol> seen;
        every_dim([&](Dim& d) { d.collect_symbols(seen); });
        for (Symbol s : seen)
            if (nest_.symbols[s].role == SymbolRole::extent && !fresh.contains(s)) {
                const auto i =
                    static_cast<std::size_t>(std::ranges::find(extent_symbols_, s) - extent_symbols_.begin());
                fresh[s] = static_cast<Symbol>(symbols.size());
                symbols.push_back({SymbolRole::extent, "n" + std::to_string(symbols.size())});
                extents.push_back(extent_values_[i]);
            }
        std::size_t loops = 0, loaded = 0;
        ir::for_each_statement(nest_.body, [&](ir::Stmt& statement) {
            ir::for_each_symbol(statement, [&](Symbol& s, SymbolRole role) {
                const std::size_t n = role == SymbolRole::loop ? loops++ : loaded++;
                fresh[s] = static_cast<Symbol>(symbols.size());
                symbols.push_back({role, (role == SymbolRole::loop ? "i" : "x") + std::to_string(n)});
                s = fresh[s];
            });
        });
        ir::DimSubstitution renumbered([&](Symbol s) { return Dim::symbol(fresh.at(s)); });
        every_dim([&](Dim& d) { d = renumbered(d); });
        nest_.symbols = std::move(symbols);
        return extents;
    }
    // Values in order of definition.
    struct RenumberValues : ir::IgnoredParts {
        const std::vector<ir::Dtype>& dtypes;
        std::map<ValueId, ValueId> fresh;
        std::vector<ir::Dtype> kept;

        explicit RenumberValues(const std::vector<ir::Dtype>& of) : dtypes(of) {}
        void uses(ValueId& v) { v = fresh.at(v); }
        void defines(ValueId& v) {
            const auto id = static_cast<ValueId>(kept.size());
            kept.push_back(dtypes[static_cast<std::size_t>(v)]);
            v = fresh[v] = id;
        }
        void defines(Symbol&, SymbolRole) {}
        void body(ir::Statements& statements) {
            for (ir::Stmt& s : statements) describe(s, *this);
        }
    };
    void renumber_values() {
        RenumberValues values(nest_.value_dtypes);
        values.body(nest_.body);
        nest_.value_dtypes = std::move(values.kept);
    }

    ir::LoopNest& nest_;
    std::vector<Symbol> extent_symbols_;
    std::vector<Dim> extent_values_;
};

}  // namespace

Renumbering canonicalize(ir::LoopNest& nest) { return Canonicalizer(nest).run(); }

}  // namespace lathe::passes
