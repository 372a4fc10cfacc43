#include "passes/loops/stream.h"

#include <algorithm>

#include "ir/loops/walk.h"

namespace lathe::passes {
namespace {

void mark(ir::Block& block, ir::BufferId buffer) {
    for (ir::Stmt& s : block) {
        if (auto* store = std::get_if<ir::Store>(&s.node); store != nullptr && store->buffer == buffer)
            store->streaming = true;
        if (ir::Block* body = ir::body_of(s)) mark(*body, buffer);
    }
}

bool reads(const ir::Block& block, ir::BufferId buffer) {
    return std::ranges::any_of(block, [buffer](const ir::Stmt& s) {
        if (const auto* load = std::get_if<ir::Load>(&s.node)) return load->buffer == buffer;
        const ir::Block* body = ir::body_of(s);
        return body != nullptr && reads(*body, buffer);
    });
}

void stream_kernel(ir::Program::Kernel& kernel, const ir::Program& program, const LoopTarget& target) {
    for (std::size_t b = 0; b < kernel.arguments.size(); ++b) {
        const auto id = static_cast<ir::BufferId>(b);
        if (kernel.nest.buffers[b].role != ir::BufferRole::output || reads(kernel.nest.body, id)) continue;
        const ir::Type& type = program.buffers[kernel.arguments[b]].type;
        const ir::Dim count = type.shape.element_count();
        if (count.is_constant() &&
            count.constant() * static_cast<std::int64_t>(size_of(type.dtype)) >= target.stream_bytes)
            mark(kernel.nest.body, id);
    }
}

}  // namespace

void stream(ir::Program& program, const LoopTarget& target) {
    for (ir::Program::Step& step : program.steps)
        if (auto* kernel = std::get_if<ir::Program::Kernel>(&step.node)) stream_kernel(*kernel, program, target);
}

}  // namespace lathe::passes
