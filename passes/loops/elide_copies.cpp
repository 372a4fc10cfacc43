#include "passes/loops/elide_copies.h"

#include <optional>

#include "ir/loops/walk.h"
#include "ir/program/part.h"

namespace lathe::passes {
namespace {

using ir::Program;

struct Copy {
    Program::BufferId from = 0, to = 0;
};

// What a kernel copies, if it does nothing else:
//   for i in n { for j in m { x = load a[m * i + j]; store b[i, j], x } }
std::optional<Copy> copy_of(const Program::Kernel& kernel) {
    const ir::LoopNest& nest = kernel.nest;
    const ir::Statements* body = &nest.body;
    ir::Dim count = 1;
    while (body->size() == 1) {
        const auto* const loop = std::get_if<ir::Loop>(&body->front().node);
        if (loop == nullptr || loop->step != 1) return std::nullopt;
        count *= loop->extent;
        body = &loop->body;
    }
    if (body->size() != 2) return std::nullopt;
    const auto* const load = std::get_if<ir::Load>(&body->front().node);
    const auto* const store = std::get_if<ir::Store>(&body->back().node);
    if (load == nullptr || store == nullptr || !load->guards.empty() || !store->guards.empty() ||
        store->value != load->result)
        return std::nullopt;
    const auto shape = [&](ir::BufferId b) { return nest.buffers[static_cast<std::size_t>(b)].type.shape; };
    const ir::Shape from = shape(load->buffer), to = shape(store->buffer);
    if (from.element_count() != count || to.element_count() != count ||
        ir::linear_offset(from, load->index) != ir::linear_offset(to, store->index))
        return std::nullopt;
    return Copy{kernel.arguments[static_cast<std::size_t>(load->buffer)],
                kernel.arguments[static_cast<std::size_t>(store->buffer)]};
}

bool names(const Program::Step& step, Program::BufferId buffer) {
    bool found = false;
    ir::for_each_named_buffer(step, [&](Program::BufferId b) { found = found || b == buffer; });
    return found;
}

// Whether the temporary may be the output: none but kernels know it, and nobody else knows the output.
bool may_be_one(const Program& program, const Copy& copy, std::size_t at) {
    const Program::Buffer &from = program.buffers[copy.from], &to = program.buffers[copy.to];
    if (from.origin != Program::Origin::temporary || to.origin != Program::Origin::output || !from.layout.is_dense() ||
        !to.layout.is_dense() || from.type.dtype != to.type.dtype)
        return false;
    bool may = true;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        const Program::Step& step = program.steps[i];
        if (i != at && names(step, copy.to)) may = false;
        if (!std::holds_alternative<Program::Kernel>(step.node) && names(step, copy.from)) may = false;
        ir::for_each_inner(step, [&](const std::vector<Program::Step>& inner) {
            ir::for_each_step(inner, [&](const Program::Step& s) {
                if (names(s, copy.from) || names(s, copy.to)) may = false;
            });
        });
    }
    return may;
}

}  // namespace

void elide_copies(Program& program, const LoopTarget&) {
    std::vector<bool> elided(program.steps.size(), false);
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        const auto* const kernel = std::get_if<Program::Kernel>(&program.steps[i].node);
        const std::optional<Copy> copy = kernel == nullptr ? std::nullopt : copy_of(*kernel);
        if (!copy || !may_be_one(program, *copy, i)) continue;
        elided[i] = true;
        for (Program::Step& step : program.steps)
            ir::for_each_named_buffer(step, [&](Program::BufferId& b) {
                if (b == copy->from) b = copy->to;
            });
    }
    ir::erase_steps(program, elided);
}

}  // namespace lathe::passes
