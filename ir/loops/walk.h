// Uniform access to the parts of statements, for rewrites and checks that treat most statements alike.
#pragma once

#include <type_traits>
#include <variant>

#include "ir/loops/loops.h"

namespace lathe::ir {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// Calls f(Dim&) on every index expression of the statement itself; bodies are not entered. Works on const statements
// too.
template <class S, class F>
    requires std::is_same_v<std::remove_const_t<S>, Stmt>
void for_each_dim(S& stmt, F&& f) {
    const auto each = [&f](auto& dims) {
        for (auto& d : dims) f(d);
    };
    std::visit(Overloaded{
        [&](auto& s)
            requires requires { s.buffer, s.index, s.guards; }
                     {
                         each(s.index);
                         each(s.guards);
                     },
                     [&](auto& s)
                         requires requires { s.index, s.result; } && (!requires { s.buffer; })
                                  { f(s.index); },
                                  [&](auto& s)
                                      requires requires { s.guards, s.result; } && (!requires { s.index; })
                                               { each(s.guards); },
                                               [&](auto& s)
                                                   requires requires { s.bound; }
                                                            {
                                                                f(s.bound);
                                                                f(s.position);
                                                                each(s.guards);
                                                            },
                                                            [&](auto& s)
                                                                requires requires { s.body; }
        {
            f(s.extent);
            if constexpr (requires { s.index_base; }) f(s.index_base);
        },
        [](auto&) {},
    },
               stmt.node);
}

// Calls f(ValueId&) on every value that the statement itself defines.
template <class S, class F>
void for_each_result(S& stmt, F&& f) {
    std::visit(Overloaded{
        [&](auto& s)
            requires requires { s.results; }
                     {
                         for (auto& r : s.results) f(r);
                     },
                     [&](auto& s)
                         requires requires { s.result; }
        { f(s.result); },
        [](auto&) {},
    },
               stmt.node);
}

// The body of a loop or reduction; null for other statements.
template <class S>
auto body_of(S& stmt) -> std::conditional_t<std::is_const_v<S>, const Block, Block>* {
    return std::visit(
        [](auto& s) -> std::conditional_t<std::is_const_v<S>, const Block, Block>* {
            if constexpr (requires { s.body; })
                return &s.body;
            else
                return nullptr;
        },
        stmt.node);
}

}  // namespace lathe::ir
