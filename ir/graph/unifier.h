// Equalities of dimensions, solved for symbols: what each symbol stands for where it is no unknown of its own.
//
// What is linear in some symbol is solved for it: `s0 = 6`, `s1 = 2*s0 + 1`, `18 = 3*s0`. The newest such symbol goes,
// so that the earlier ones stay. What cannot be solved (`s0*s1 = 12`) stays a precondition.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph/graph.h"

namespace lathe::ir {

class Unifier {
public:
    Unifier() = default;
    explicit Unifier(std::span<const Precondition> equalities);

    void equate(Dim a, Dim b);

    Dim apply(Dim d) const;
    Shape apply(Shape shape) const;
    Type apply(const Type& type) const { return {type.dtype, apply(type.shape)}; }
    Attributes apply(Attributes attributes) const;  // the shapes among them

    // Numbers the symbols that are still used anew, in order; gives their names.
    std::vector<std::string> renumber(std::span<const Symbol> used, std::span<const std::string> old_names);

private:
    void replace(Symbol s, Dim by);
    std::unordered_map<Symbol, Dim> solved_;
};

}  // namespace lathe::ir
