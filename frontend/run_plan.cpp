#include "frontend/run_plan.h"

#include <algorithm>

#include "frontend/node.h"
#include "ir/error.h"
#include "ir/interpret.h"
#include "ir/type.h"
#include "runtime/per_thread.h"

namespace lathe::detail {

runtime::Buffer allocate_tensor(std::size_t bytes) {
    try {
        return runtime::allocate(std::max<std::size_t>(bytes, 1));
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(e.what(), ir::Loc::of(LocScope::current()));
    }
}

runtime::Buffer allocate_output(const runtime::Plan& plan, const runtime::BoundPlan& bound, std::size_t output) {
    try {
        return runtime::allocate(std::max<std::size_t>(static_cast<std::size_t>(bound.output_bytes[output]), 1));
    } catch (const runtime::ResourceExhausted& e) {
        ir::Type type{static_cast<ir::Dtype>(plan.outputs[output].dtype), {}};
        for (const std::int64_t extent : bound.output_dims[output]) type.shape.push_back(extent);
        throw ResourceError(plan.outputs[output].call + ": " + e.what() + ", for " + type.to_string());
    }
}

namespace {

runtime::Buffer allocate_workspace(const runtime::BoundPlan& bound) {
    try {
        return runtime::allocate(static_cast<std::size_t>(bound.workspace_bytes));
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(std::string("workspace: ") + e.what(), ir::Loc::of(LocScope::current()));
    }
}

// The interpreter asks before it makes a large value.
const bool interpreter_asks = (ir::set_memory_check([](std::uint64_t bytes) { runtime::require_room(bytes); }), true);

}  // namespace

void throw_fault(const runtime::Plan& plan, const runtime::RunFault& fault) {
    throw IndexError(runtime::describe(plan, fault));
}

runtime::RunFault try_run_bound(const runtime::BoundPlan& bound, const void* const* inputs, void* const* outputs) {
    // Workspaces up to this size stay with the thread; larger ones go back to the pool after the run.
    constexpr std::int64_t kept_bytes = 1 << 20;
    struct Kept {
        runtime::Buffer workspace;
    };
    runtime::RunFault fault;
    Kept* const kept = bound.workspace_bytes <= kept_bytes ? runtime::PerThread<Kept>::mine() : nullptr;
    if (kept != nullptr) {
        if (kept->workspace.capacity() < static_cast<std::size_t>(bound.workspace_bytes))
            kept->workspace = allocate_workspace(bound);
        // A kernel that runs on this thread for another plan gets its own.
        runtime::Buffer mine = std::move(kept->workspace);
        fault = runtime::run(bound, inputs, outputs, mine.data());
        kept->workspace = std::move(mine);
    } else {
        const runtime::Buffer workspace = allocate_workspace(bound);
        fault = runtime::run(bound, inputs, outputs, workspace.data());
    }
    return fault;
}

void run_bound(const runtime::Plan& plan, const runtime::BoundPlan& bound, const void* const* inputs,
               void* const* outputs) {
    if (const runtime::RunFault fault = try_run_bound(bound, inputs, outputs)) throw_fault(plan, fault);
}

}  // namespace lathe::detail
