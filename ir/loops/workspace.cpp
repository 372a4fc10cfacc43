#include "ir/loops/workspace.h"

namespace lathe::ir {
namespace {

constexpr std::int64_t most_stack_bytes = 16 << 10, alignment = 64;

}  // namespace

Workspace workspace_of(const LoopNest& nest) {
    Workspace out;
    for (const Buffer& b : nest.buffers) {
        std::optional<Dim>& offset = out.offsets.emplace_back();
        if (b.role != BufferRole::scratch) continue;
        const auto size = static_cast<std::int64_t>(size_of(b.type.dtype));
        const Dim bytes = b.type.shape.element_count() * size;
        if (bytes.is_constant() && bytes.constant() <= most_stack_bytes) continue;
        offset = out.bytes;
        out.bytes += ceildiv(bytes + scratch_slack * size, alignment) * alignment;
    }
    return out;
}

}  // namespace lathe::ir
