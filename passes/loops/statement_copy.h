// Copies of statements, with index expressions rewritten and everything that they define renamed.
#pragma once

#include <functional>
#include <map>

#include "ir/loops/loops.h"

namespace lathe::passes {

class StatementCopy {
public:
    explicit StatementCopy(ir::LoopNest& nest) : nest_(nest) {}

    void replace_symbol(ir::Symbol from, ir::Dim to) { symbols_[from] = to; }
    void replace_value(ir::ValueId from, ir::ValueId to) { values_[from] = to; }

    ir::Dim copy(ir::Dim d) const;
    ir::ValueId copy(ir::ValueId v) const;
    ir::Stmt copy(const ir::Stmt& stmt);
    ir::Statements copy(const ir::Statements& statements);

private:
    struct Renaming;

    ir::LoopNest& nest_;
    std::map<ir::Symbol, ir::Dim> symbols_;
    std::map<ir::ValueId, ir::ValueId> values_;
};

// Rewrites every index expression of a list of statements and the lists inside it.
void rewrite_dims(ir::Statements& statements, const std::function<ir::Dim(ir::Dim)>& rewrite);

}  // namespace lathe::passes
