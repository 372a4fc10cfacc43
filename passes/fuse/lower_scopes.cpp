#include "passes/fuse/lower_scopes.h"

namespace lathe::passes {

using ir::Dim;
using ir::Symbol;
using ir::ValueId;

Element::Element(ir::Value v, std::span<const Dim> at, std::span<const Dim> where) : node(v.node->id), result(v.index) {
    for (Dim d : at) index.push_back(d.bits());
    for (Dim d : where) guards.push_back(d.bits());
}

void Scopes::open(Symbol variable) {
    scopes_.emplace_back();
    scopes_.back().symbols.push_back(variable);
}

ir::Statements Scopes::close() {
    ir::Statements statements = std::move(scopes_.back().statements);
    scopes_.pop_back();
    return statements;
}

std::size_t Scopes::scope_of(Symbol s) const {
    for (std::size_t i = scopes_.size(); i-- > 0;)
        if (std::ranges::find(scopes_[i].symbols, s) != scopes_[i].symbols.end()) return i;
    return 0;
}

std::size_t Scopes::scope_of(std::span<const Dim> index, std::span<const Dim> guards) const {
    std::vector<Symbol> symbols;
    for (Dim d : index) d.collect_symbols(symbols);
    for (Dim d : guards) d.collect_symbols(symbols);
    std::size_t scope = 0;
    for (Symbol s : symbols) scope = std::max(scope, scope_of(s));
    return scope;
}

std::optional<ValueId> Scopes::find(const Element& element) const {
    for (const Scope& scope : scopes_)
        if (const auto found = scope.elements.find(element); found != scope.elements.end()) return found->second;
    return std::nullopt;
}

ValueId Scopes::constant(ir::Dtype dtype, std::uint64_t bits) {
    const auto [found, fresh] = constants_.try_emplace({dtype, bits}, -1);
    if (fresh) {
        found->second = nest_.add_value(dtype);
        scopes_.front().statements.push_back({ir::Constant{found->second, bits}});
    }
    return found->second;
}

}  // namespace lathe::passes
