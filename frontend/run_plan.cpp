#include "frontend/run_plan.h"

#include <algorithm>

#include "frontend/node.h"
#include "ir/error.h"
#include "runtime/per_thread.h"

namespace lathe::detail {

runtime::Buffer allocate_tensor(std::size_t bytes) {
    try {
        return runtime::allocate(std::max<std::size_t>(bytes, 1));
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(e.what(), ir::Loc::of(LocScope::current()));
    }
}

void throw_fault(const runtime::Plan& plan, const runtime::RunFault& fault) {
    throw IndexError(runtime::describe(plan, fault) + ": " + std::to_string(fault.fault.index) + " is not in [0, " +
                     std::to_string(fault.fault.bound) + ")");
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
            kept->workspace = allocate_tensor(static_cast<std::size_t>(bound.workspace_bytes));
        // A kernel that runs on this thread for another plan gets its own.
        runtime::Buffer mine = std::move(kept->workspace);
        fault = runtime::run(bound, inputs, outputs, mine.data());
        kept->workspace = std::move(mine);
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
