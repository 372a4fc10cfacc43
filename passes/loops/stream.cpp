#include "passes/loops/stream.h"

#include <algorithm>

#include "ir/loops/walk.h"

namespace lathe::passes {
namespace {

void mark(ir::Statements& statements, ir::BufferId buffer) {
    ir::for_each_statement(statements, [buffer](ir::Stmt& s) {
        if (auto* store = std::get_if<ir::Store>(&s.node); store != nullptr && store->buffer == buffer)
            store->streaming = true;
    });
}

bool reads(const ir::Statements& statements, ir::BufferId buffer) {
    return ir::any_statement(statements, [buffer](const ir::Stmt& s) {
        return ir::any_access(s, [buffer](ir::BufferId b, ir::Effect effect, const auto&) {
            return b == buffer && effect == ir::Effect::read;
        });
    });
}

// Whether the buffer may lie in memory that the kernel reads, which is in the cache by then.
bool may_be_donated(const ir::Program::Kernel& kernel, const ir::Program& program, const ir::Program::Buffer& buffer) {
    return std::ranges::any_of(kernel.arguments, [&](ir::Program::BufferId b) {
        return program.buffers[b].donated && program.buffers[b].type == buffer.type;
    });
}

void stream_kernel(ir::Program::Kernel& kernel, const ir::Program& program, const LoopTarget& target) {
    for (std::size_t b = 0; b < kernel.arguments.size(); ++b) {
        const auto id = static_cast<ir::BufferId>(b);
        if (kernel.nest.buffers[b].role != ir::BufferRole::output || reads(kernel.nest.body, id)) continue;
        const ir::Program::Buffer& buffer = program.buffers[kernel.arguments[b]];
        if (may_be_donated(kernel, program, buffer)) continue;
        const ir::Type& type = buffer.type;
        const std::optional<std::int64_t> count = program.typical(type.shape.element_count());
        if (count && target.streams(*count, type.dtype)) mark(kernel.nest.body, id);
    }
}

}  // namespace

void stream(ir::Program& program, const LoopTarget& target) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) { stream_kernel(kernel, program, target); });
}

}  // namespace lathe::passes
