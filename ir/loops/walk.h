// Uniform access to the parts of statements: walks made of what the statements tell of themselves (see loops.h).
#pragma once

#include <concepts>
#include <type_traits>
#include <variant>

#include "ir/loops/loops.h"

namespace lathe::ir {

// For visits that name every alternative.
template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

template <class S>
concept Statement = std::same_as<std::remove_const_t<S>, Stmt>;
// Part T of a statement S, const where that is.
template <class S, class T>
using PartOf = std::conditional_t<std::is_const_v<S>, const T, T>;

// Tells `parts` all parts of a statement, in order. Bodies are told, not entered. `parts` answers to every kind of
// part.
template <Statement S, class Parts>
void describe(S& stmt, Parts&& parts) {
    std::visit([&parts](auto& s) { std::remove_cvref_t<decltype(s)>::describe(s, parts); }, stmt.node);
}

// Passes over every kind of part; derived classes answer to those that they are about.
struct IgnoredParts {
    void uses(const ValueId&) {}
    void index(const Dim&) {}
    void access(const BufferId&, Effect, const std::vector<Dim>&, const std::vector<Dim>&) {}
    void allocates(const BufferId&) {}
    void defines(const ValueId&) {}
    void defines(const Symbol&, SymbolRole) {}
    void body(const Statements&) {}
};

// Calls f(Dim&) on every index expression of the statement itself; bodies are not entered. These walks work on const
// statements too.
template <Statement S, class F>
void for_each_dim(S& stmt, F&& f) {
    struct Parts : IgnoredParts {
        explicit Parts(F& function) : f(function) {}
        F& f;
        void index(PartOf<S, Dim>& d) { f(d); }
        void access(const BufferId&, Effect, PartOf<S, std::vector<Dim>>& index, PartOf<S, std::vector<Dim>>& guards) {
            for (auto& d : index) f(d);
            for (auto& d : guards) f(d);
        }
    };
    describe(stmt, Parts(f));
}

// Calls f(ValueId&) on every value that the statement itself defines.
template <Statement S, class F>
void for_each_result(S& stmt, F&& f) {
    struct Parts : IgnoredParts {
        explicit Parts(F& function) : f(function) {}
        F& f;
        void defines(PartOf<S, ValueId>& v) { f(v); }
        void defines(const Symbol&, SymbolRole) {}
    };
    describe(stmt, Parts(f));
}

// Calls f(ValueId&) on every value that the statement itself reads.
template <Statement S, class F>
void for_each_use(S& stmt, F&& f) {
    struct Parts : IgnoredParts {
        explicit Parts(F& function) : f(function) {}
        F& f;
        void uses(PartOf<S, ValueId>& v) { f(v); }
    };
    describe(stmt, Parts(f));
}

// Calls f(Symbol&, SymbolRole) on every symbol that the statement itself defines.
template <Statement S, class F>
void for_each_symbol(S& stmt, F&& f) {
    struct Parts : IgnoredParts {
        explicit Parts(F& function) : f(function) {}
        F& f;
        void defines(const ValueId&) {}
        void defines(PartOf<S, Symbol>& s, SymbolRole role) { f(s, role); }
    };
    describe(stmt, Parts(f));
}

// Calls f(BufferId&, Effect, index) on every element of memory that the statement itself reads or writes.
template <Statement S, class F>
void for_each_access(S& stmt, F&& f) {
    struct Parts : IgnoredParts {
        explicit Parts(F& function) : f(function) {}
        F& f;
        void access(PartOf<S, BufferId>& buffer, Effect effect, PartOf<S, std::vector<Dim>>& index,
                    const std::vector<Dim>&) {
            f(buffer, effect, index);
        }
    };
    describe(stmt, Parts(f));
}

// Calls f(BufferId&) on every buffer that the statement itself names.
template <Statement S, class F>
void for_each_buffer(S& stmt, F&& f) {
    struct Parts : IgnoredParts {
        explicit Parts(F& function) : f(function) {}
        F& f;
        void access(PartOf<S, BufferId>& buffer, Effect, const std::vector<Dim>&, const std::vector<Dim>&) {
            f(buffer);
        }
        void allocates(PartOf<S, BufferId>& buffer) { f(buffer); }
    };
    describe(stmt, Parts(f));
}

// The body of a statement; null where it has none.
template <Statement S>
PartOf<S, Statements>* body_of(S& stmt) {
    struct Parts : IgnoredParts {
        PartOf<S, Statements>* found = nullptr;
        void body(PartOf<S, Statements>& b) { found = &b; }
    } parts;
    describe(stmt, parts);
    return parts.found;
}

// What has to be >= 0 for the statement itself to do what it does; null where it does that anyway.
template <Statement S>
PartOf<S, std::vector<Dim>>* guards_of(S& stmt) {
    return std::visit(
        [](auto& s) -> PartOf<S, std::vector<Dim>>* {
            if constexpr (requires { s.guards; })
                return &s.guards;
            else
                return nullptr;
        },
        stmt.node);
}

// Calls f(statement) on every statement of a list and of the lists inside it, each before its body.
template <class B, class F>
    requires std::same_as<std::remove_const_t<B>, Statements>
void for_each_statement(B& statements, F&& f) {
    for (auto& s : statements) {
        f(s);
        if (auto* body = body_of(s)) for_each_statement(*body, f);
    }
}

// Of these and of those inside them.
inline std::size_t statement_count(const Statements& statements) {
    std::size_t count = 0;
    for_each_statement(statements, [&count](const Stmt&) { ++count; });
    return count;
}

// Whether some statement of a list, or of the lists inside it, is as asked.
template <class Predicate>
bool any_statement(const Statements& statements, Predicate&& predicate) {
    for (const Stmt& s : statements) {
        if (predicate(s)) return true;
        if (const Statements* body = body_of(s); body != nullptr && any_statement(*body, predicate)) return true;
    }
    return false;
}

// Whether the statement itself reads or writes an element of memory that is as asked: predicate(buffer, effect, index).
template <class Predicate>
bool any_access(const Stmt& stmt, Predicate&& predicate) {
    bool found = false;
    for_each_access(stmt, [&](BufferId buffer, Effect effect, const std::vector<Dim>& index) {
        found = found || predicate(buffer, effect, index);
    });
    return found;
}

}  // namespace lathe::ir
