#include "passes/loops/block_copy.h"

#include "ir/loops/walk.h"

namespace lathe::passes {

using ir::Dim;
using ir::Symbol;
using ir::ValueId;

Dim BlockCopy::copy(Dim d) const {
    if (d.is_constant() || symbols_.empty()) return d;
    return d.substitute([this](Symbol s) {
        const auto found = symbols_.find(s);
        return found == symbols_.end() ? Dim::symbol(s) : found->second;
    });
}

ValueId BlockCopy::copy(ValueId v) const {
    const auto found = values_.find(v);
    return found == values_.end() ? v : found->second;
}

ir::Stmt BlockCopy::copy(const ir::Stmt& stmt) {
    ir::Stmt out = stmt;
    std::visit(
        [this](auto& s) {
            using S = std::remove_reference_t<decltype(s)>;
            if constexpr (std::is_same_v<S, ir::Loop> || std::is_same_v<S, ir::Reduce>) {
                const Symbol fresh = nest_.add_symbol(ir::SymbolRole::loop, nest_.symbols[s.var].name);
                symbols_[s.var] = Dim::symbol(fresh);
                s.var = fresh;
            } else if constexpr (std::is_same_v<S, ir::BindIndex>) {
                const Symbol fresh = nest_.add_symbol(ir::SymbolRole::loaded, nest_.symbols[s.symbol].name);
                symbols_[s.symbol] = Dim::symbol(fresh);
                s.symbol = fresh;
            }
        },
        out.node);
    ir::for_each_dim(out, [this](Dim& d) { d = copy(d); });
    if (ir::Block* body = ir::body_of(out)) *body = copy(static_cast<const ir::Block&>(*body));
    std::visit(
        [this](auto& s) {
            using S = std::remove_reference_t<decltype(s)>;
            if constexpr (requires { s.operands; })
                for (ValueId& v : s.operands) v = copy(v);
            if constexpr (std::is_same_v<S, ir::Store> || std::is_same_v<S, ir::BindIndex>) s.value = copy(s.value);
            if constexpr (std::is_same_v<S, ir::Reduce>)
                for (ValueId& v : s.element) v = copy(v);
        },
        out.node);
    ir::for_each_result(out, [this](ValueId& v) {
        const ValueId fresh = nest_.add_value(nest_.value_dtypes[static_cast<std::size_t>(v)]);
        values_[v] = fresh;
        v = fresh;
    });
    return out;
}

ir::Block BlockCopy::copy(const ir::Block& block) {
    ir::Block out;
    out.reserve(block.size());
    for (const ir::Stmt& s : block) out.push_back(copy(s));
    return out;
}

void rewrite_dims(ir::Block& block, const std::function<Dim(Dim)>& rewrite) {
    for (ir::Stmt& s : block) {
        ir::for_each_dim(s, [&](Dim& d) { d = rewrite(d); });
        if (ir::Block* body = ir::body_of(s)) rewrite_dims(*body, rewrite);
    }
}

}  // namespace lathe::passes
