// The scopes that lowering writes, from the nest's body to the innermost open loop. A statement goes to the outermost
// one that knows what it depends on, and what was computed there is found again from all inside.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "ir/loops/loops.h"

namespace lathe::passes {

struct Element {  // an element of a value, as asked for
    Element(ir::Value v, std::span<const ir::Dim> index, std::span<const ir::Dim> guards);
    auto operator<=>(const Element&) const = default;

    std::uint32_t node, result;
    std::vector<std::uint64_t> index, guards;
};

class Scopes {
    struct Scope {
        ir::Statements statements;
        std::vector<ir::Symbol> symbols;  // loop variables and loaded indices that it defines
        std::map<Element, ir::ValueId> elements;
    };

public:
    explicit Scopes(ir::LoopNest& nest) : nest_(nest), scopes_(1) {}

    void open(ir::Symbol variable);  // a loop's body
    ir::Statements close();          // the innermost

    ir::Symbol variable() const { return scopes_.back().symbols.front(); }  // of the innermost

    void emit(ir::Stmt statement) { scopes_[target_].statements.push_back(std::move(statement)); }  // in the target
    void append(ir::Stmt statement) { scopes_.back().statements.push_back(std::move(statement)); }  // in the innermost

    // Makes a scope the target, whatever is open, for as long as this lives.
    class Target {
    public:
        Target(Scopes& scopes, std::size_t scope) : scopes_(scopes), previous_(scopes.target_) {
            scopes.target_ = scope;
        }
        ~Target() { scopes_.target_ = previous_; }
        Target(const Target&) = delete;
        Target& operator=(const Target&) = delete;

    private:
        Scopes& scopes_;
        std::size_t previous_;
    };
    // What `body` writes into a loop within the target. Scopes that were opened later than the target are no parents of
    // that loop: they are put aside.
    template <class Body>
    ir::Statements within_target(ir::Symbol variable, const Body& body) {
        const auto later = scopes_.begin() + static_cast<std::ptrdiff_t>(target_) + 1;
        std::vector<Scope> aside(std::make_move_iterator(later), std::make_move_iterator(scopes_.end()));
        scopes_.erase(later, scopes_.end());
        open(variable);
        {
            const Target inside(*this, scopes_.size() - 1);
            body();
        }
        ir::Statements statements = close();
        std::ranges::move(aside, std::back_inserter(scopes_));
        return statements;
    }

    std::size_t innermost() const { return scopes_.size() - 1; }
    // The outermost scope that knows all symbols of these.
    std::size_t scope_of(std::span<const ir::Dim> index, std::span<const ir::Dim> guards) const;
    void define(std::size_t scope, ir::Symbol symbol) { scopes_[scope].symbols.push_back(symbol); }

    std::optional<ir::ValueId> find(const Element& element) const;
    void remember(Element element, ir::ValueId id) { scopes_[target_].elements[std::move(element)] = id; }
    ir::ValueId constant(ir::Dtype dtype, std::uint64_t bits);  // in the outermost

private:
    std::size_t scope_of(ir::Symbol s) const;

    ir::LoopNest& nest_;
    std::vector<Scope> scopes_;
    std::size_t target_ = 0;
    std::map<std::pair<ir::Dtype, std::uint64_t>, ir::ValueId> constants_;
};

}  // namespace lathe::passes
