#include <algorithm>

#include "ir/loops/walk.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {
namespace {

using ir::Dim;
using ir::Statements;
using ir::Symbol;

Dim offset(const ir::LoopNest& nest, ir::BufferId buffer, const std::vector<Dim>& index) {
    const ir::Shape& shape = nest.buffers[static_cast<std::size_t>(buffer)].type.shape;
    Dim d = 0;
    for (std::size_t i = 0; i < shape.rank(); ++i) d = d * shape[i] + index[i];
    return d;
}

// Whether iterations of a loop write different elements, next to each other.
bool writes_apart(const ir::LoopNest& nest, const Statements& statements, Symbol var) {
    std::vector<Symbol> loaded;  // what varies between iterations in no known way
    ir::for_each_statement(statements, [&](const ir::Stmt& s) {
        ir::for_each_symbol(s, [&](Symbol x, ir::SymbolRole role) {
            if (role == ir::SymbolRole::loaded) loaded.push_back(x);
        });
    });
    return !ir::any_statement(statements, [&](const ir::Stmt& s) {
        return ir::any_access(s, [&](ir::BufferId buffer, ir::Effect effect, const std::vector<Dim>& index) {
            if (effect != ir::Effect::write) return false;
            const Dim at = offset(nest, buffer, index);
            const auto affine = at.affine_in(var);
            return !affine || affine->coefficient != Dim(1) ||
                   std::ranges::any_of(loaded, [&](Symbol x) { return at.depends_on(x); });
        });
    });
}

// Bytes of the elements that decide how many lanes fit: those of the widest float in memory, or else the widest of all;
// 4 to 8.
void widest(const ir::LoopNest& nest, const Statements& statements, std::size_t& floats, std::size_t& others) {
    ir::for_each_statement(statements, [&](const ir::Stmt& s) {
        ir::for_each_buffer(s, [&](ir::BufferId buffer) {
            const ir::Dtype d = nest.buffers[static_cast<std::size_t>(buffer)].type.dtype;
            std::size_t& size = is_float(d) ? floats : others;
            size = std::max(size, size_of(d));
        });
    });
}

int lanes(const ir::LoopNest& nest, const Statements& statements, const LoopTarget& target) {
    std::size_t floats = 0;
    std::size_t others = 0;
    widest(nest, statements, floats, others);
    const std::size_t size = std::clamp<std::size_t>(floats != 0 ? floats : others, 4, 8);
    return target.vector_bytes / static_cast<int>(size);
}

void visit(ir::LoopNest& nest, Statements& statements, const LoopTarget& target) {
    for (ir::Stmt& s : statements) {
        if (auto* reduce = std::get_if<ir::Reduce>(&s.node)) {
            visit(nest, reduce->body, target);
            const bool innermost = std::ranges::none_of(reduce->body, [](const ir::Stmt& x) { return ir::body_of(x); });
            if (reduce->lanes > 1 && innermost)
                reduce->width = std::min(lanes(nest, reduce->body, target), static_cast<int>(reduce->lanes));
        }
        auto* loop = std::get_if<ir::Loop>(&s.node);
        if (loop == nullptr) continue;
        const bool holds_loop =
            ir::any_statement(loop->body, [](const ir::Stmt& x) { return std::holds_alternative<ir::Loop>(x.node); });
        const bool holds_lanes = ir::any_statement(loop->body, [](const ir::Stmt& x) {
            const auto* r = std::get_if<ir::Reduce>(&x.node);
            return r != nullptr && r->lanes > 1;
        });
        if (loop->kind == ir::LoopKind::serial && loop->step == 1 && !holds_loop && !holds_lanes &&
            writes_apart(nest, loop->body, loop->var)) {
            loop->kind = ir::LoopKind::vector;
            loop->width = lanes(nest, loop->body, target);
            continue;
        }
        visit(nest, loop->body, target);
    }
}

}  // namespace

void vectorize(ir::LoopNest& nest, const LoopTarget& target) { visit(nest, nest.body, target); }

}  // namespace lathe::passes
