#include "passes/fuse/lower_call.h"

#include <algorithm>

#include "ir/ops/op.h"

namespace lathe::passes {

ir::Program::Call lower_call(const ir::Program::Fused& fused) {
    const ir::Node& node = *fused.group.members[0];
    ir::Program::Call call;
    call.node = &node;
    for (const ir::Value& v : node.operands) {
        const auto at = std::ranges::find(fused.group.inputs, v) - fused.group.inputs.begin();
        call.inputs.push_back(fused.inputs.at(static_cast<std::size_t>(at)));
    }
    for (std::uint32_t r = 0; r < node.results.size(); ++r) {
        const auto at = std::ranges::find(fused.group.outputs, ir::Value{&node, r}) - fused.group.outputs.begin();
        if (static_cast<std::size_t>(at) == fused.group.outputs.size()) continue;
        call.results.push_back(r);
        call.outputs.push_back(fused.outputs[static_cast<std::size_t>(at)]);
    }
    ir::HostCall host = host_call(node, call.results);
    call.function = host.function;
    call.extents = std::move(host.extents);
    call.iterations = host.iterations;
    call.picoseconds = host.picoseconds;
    call.workspace = host.workspace;
    call.phases = host.phases;
    return call;
}

}  // namespace lathe::passes
