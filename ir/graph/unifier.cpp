#include "ir/graph/unifier.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace lathe::ir {
namespace {

// What s is where `difference` is 0, if that is linear in s and comes out whole.
std::optional<Dim> solve(Dim difference, Symbol s) {
    const std::optional<Dim::Affine> affine = difference.affine_in(s);
    if (!affine || !affine->coefficient.is_constant()) return std::nullopt;
    const bool negative = affine->coefficient.constant() < 0;
    const Dim factor = negative ? Dim(0) - affine->coefficient : affine->coefficient;
    const Dim rest = negative ? affine->rest : Dim(0) - affine->rest;
    const Dim quotient = floordiv(rest, factor);
    if (quotient * factor != rest) return std::nullopt;
    return quotient;
}

}  // namespace

Unifier::Unifier(std::span<const Precondition> equalities) {
    for (const Precondition& p : equalities) equate(p.a, p.b);
}

void Unifier::equate(Dim a, Dim b) {
    const Dim difference = apply(a) - apply(b);
    std::vector<Symbol> symbols;
    difference.collect_symbols(symbols);
    std::ranges::sort(symbols, std::greater<>());
    for (Symbol s : symbols)
        if (const std::optional<Dim> solution = solve(difference, s)) {
            replace(s, *solution);
            return;
        }
}

Dim Unifier::apply(Dim d) const {
    if (d.is_constant() || solved_.empty()) return d;
    return d.substitute([this](Symbol s) {
        const auto found = solved_.find(s);
        return found == solved_.end() ? Dim::symbol(s) : found->second;
    });
}

Shape Unifier::apply(Shape shape) const {
    for (std::size_t i = 0; i < shape.rank(); ++i) shape[i] = apply(shape[i]);
    return shape;
}

Attributes Unifier::apply(Attributes attributes) const {
    map_dims(attributes, [this](Dim d) { return apply(d); });
    return attributes;
}

std::vector<std::string> Unifier::renumber(std::span<const Symbol> used, std::span<const std::string> old_names) {
    std::vector<std::string> names;
    std::unordered_map<Symbol, Dim> fresh;
    for (Symbol s : used)
        if (fresh.try_emplace(s, Dim::symbol(static_cast<Symbol>(names.size()))).second) names.push_back(old_names[s]);
    const auto rename = [&](Symbol s) {
        const auto found = fresh.find(s);
        return found == fresh.end() ? Dim::symbol(s) : found->second;
    };
    for (auto& [symbol, dim] : solved_) dim = dim.substitute(rename);
    for (const auto& [symbol, dim] : fresh) solved_.try_emplace(symbol, dim);
    return names;
}

void Unifier::replace(Symbol s, Dim by) {
    for (auto& [symbol, dim] : solved_) dim = dim.substitute([&](Symbol x) { return x == s ? by : Dim::symbol(x); });
    solved_[s] = by;
}

}  // namespace lathe::ir
