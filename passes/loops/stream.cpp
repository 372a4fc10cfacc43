#include "ir/loops/walk.h"
#include "passes/pipeline.h"

namespace lathe::passes {
namespace {

void mark(ir::Block& block, ir::BufferId buffer) {
    ir::for_each_statement(block, [buffer](ir::Stmt& s) {
        if (auto* store = std::get_if<ir::Store>(&s.node); store != nullptr && store->buffer == buffer)
            store->streaming = true;
    });
}

bool reads(const ir::Block& block, ir::BufferId buffer) {
    return ir::any_statement(block, [buffer](const ir::Stmt& s) {
        return ir::any_access(s, [buffer](ir::BufferId b, ir::Effect effect, const auto&) {
            return b == buffer && effect == ir::Effect::read;
        });
    });
}

}  // namespace

void stream(LoweredKernel& kernel, const LoopTarget& target) {
    for (std::size_t b = 0; b < kernel.arguments.size(); ++b) {
        const auto id = static_cast<ir::BufferId>(b);
        if (kernel.nest.buffers[b].role != ir::BufferRole::output || reads(kernel.nest.body, id)) continue;
        const ir::Type& type = kernel.arguments[b].value.type();
        const ir::Dim count = type.shape.element_count();
        if (count.is_constant() &&
            count.constant() * static_cast<std::int64_t>(size_of(type.dtype)) >= target.stream_bytes)
            mark(kernel.nest.body, id);
    }
}

}  // namespace lathe::passes
