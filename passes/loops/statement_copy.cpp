#include "passes/loops/statement_copy.h"

#include "ir/loops/walk.h"

namespace lathe::passes {

using ir::Dim;
using ir::Symbol;
using ir::ValueId;

Dim StatementCopy::copy(Dim d) const {
    if (d.is_constant() || symbols_.empty()) return d;
    return d.substitute([this](Symbol s) {
        const auto found = symbols_.find(s);
        return found == symbols_.end() ? Dim::symbol(s) : found->second;
    });
}

ValueId StatementCopy::copy(ValueId v) const {
    const auto found = values_.find(v);
    return found == values_.end() ? v : found->second;
}

// What each part of a copied statement becomes.
struct StatementCopy::Renaming {
    StatementCopy& copies;
    void uses(ValueId& v) { v = copies.copy(v); }
    void index(Dim& d) { d = copies.copy(d); }
    void access(ir::BufferId&, ir::Effect, std::vector<Dim>& index, std::vector<Dim>& guards) {
        for (Dim& d : index) d = copies.copy(d);
        for (Dim& d : guards) d = copies.copy(d);
    }
    void allocates(ir::BufferId&) {}
    void defines(ValueId& v) {
        const ValueId fresh = copies.nest_.add_value(copies.nest_.value_dtypes[static_cast<std::size_t>(v)]);
        copies.values_[v] = fresh;
        v = fresh;
    }
    void defines(Symbol& s, ir::SymbolRole role) {
        const Symbol fresh = copies.nest_.add_symbol(role, copies.nest_.symbols[s].name);
        copies.symbols_[s] = Dim::symbol(fresh);
        s = fresh;
    }
    void body(ir::Statements& statements) {
        for (ir::Stmt& s : statements) describe(s, *this);
    }
};

ir::Stmt StatementCopy::copy(const ir::Stmt& stmt) {
    ir::Stmt out = stmt;
    describe(out, Renaming{*this});
    return out;
}

ir::Statements StatementCopy::copy(const ir::Statements& statements) {
    ir::Statements out;
    out.reserve(statements.size());
    for (const ir::Stmt& s : statements) out.push_back(copy(s));
    return out;
}

void rewrite_dims(ir::Statements& statements, const std::function<Dim(Dim)>& rewrite) {
    ir::for_each_statement(statements, [&](ir::Stmt& s) { ir::for_each_dim(s, [&](Dim& d) { d = rewrite(d); }); });
}

}  // namespace lathe::passes
