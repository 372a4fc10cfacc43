#include "frontend/run_plan.h"

#include <algorithm>

#include "frontend/node.h"
#include "ir/error.h"

namespace lathe::detail {

runtime::Buffer allocate_tensor(std::size_t bytes) {
    try {
        return runtime::allocate(std::max<std::size_t>(bytes, 1));
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(e.what(), ir::Loc::of(LocScope::current()));
    }
}

void throw_fault(const runtime::Plan& plan, const runtime::RunFault& fault) {
    throw IndexError(runtime::describe(plan, fault));
}

runtime::RunFault try_run_bound(const runtime::BoundPlan& bound, const void* const* inputs, void* const* outputs) {
    // Workspaces up to this size stay with the thread; larger ones go back to the pool after the run.
    constexpr std::int64_t kept_bytes = 1 << 20;
    thread_local runtime::Buffer kept;
    runtime::RunFault fault;
    if (bound.workspace_bytes <= kept_bytes) {
        if (kept.capacity() < static_cast<std::size_t>(bound.workspace_bytes))
            kept = allocate_tensor(static_cast<std::size_t>(bound.workspace_bytes));
        runtime::Buffer mine = std::move(kept);  // a kernel that runs on this thread for another plan gets its own
        fault = runtime::run(bound, inputs, outputs, mine.data());
        kept = std::move(mine);
    } else {
        const runtime::Buffer workspace = allocate_tensor(static_cast<std::size_t>(bound.workspace_bytes));
        fault = runtime::run(bound, inputs, outputs, workspace.data());
    }
    return fault;
}

void run_bound(const runtime::Plan& plan, const runtime::BoundPlan& bound, const void* const* inputs,
               void* const* outputs) {
    if (const runtime::RunFault fault = try_run_bound(bound, inputs, outputs)) throw_fault(plan, fault);
}

}  // namespace lathe::detail
