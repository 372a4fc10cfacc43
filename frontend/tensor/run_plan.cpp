#include "frontend/tensor/run_plan.h"

#include <algorithm>

#include "frontend/tensor/node.h"
#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/type.h"
#include "runtime/per_thread.h"

namespace lathe::detail {

std::pmr::vector<std::span<const std::int64_t>> shapes_of(std::span<const NodeRef> nodes, CallMemory& memory) {
    std::pmr::vector<std::span<const std::int64_t>> shapes(&memory);
    shapes.reserve(nodes.size());
    for (const NodeRef& node : nodes) {
        const ir::Shape& shape = node->type.shape;
        const std::span<std::int64_t> extents(
            static_cast<std::int64_t*>(memory.allocate(shape.rank() * sizeof(std::int64_t), alignof(std::int64_t))),
            shape.rank());
        std::ranges::transform(shape, extents.begin(), [](ir::Dim d) { return d.constant(); });
        shapes.push_back(extents);
    }
    return shapes;
}

ir::Type output_type(const runtime::Plan& plan, const runtime::BoundPlan& bound, std::size_t output) {
    ir::Type type{static_cast<ir::Dtype>(plan.outputs[output].dtype), {}};
    for (const std::int64_t extent : bound.output_dims[output]) type.shape.push_back(extent);
    return type;
}

runtime::Buffer allocate_tensor(std::size_t bytes) {
    try {
        return runtime::allocate(std::max<std::size_t>(bytes, 1));
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(e.what(), blame({}));
    }
}

runtime::Buffer allocate_output(const runtime::Plan& plan, const runtime::BoundPlan& bound, std::size_t output) {
    try {
        return runtime::allocate(std::max<std::size_t>(static_cast<std::size_t>(bound.output_bytes[output]), 1));
    } catch (const runtime::ResourceExhausted& e) {
        const ir::Loc made = ir::Loc::of_id(plan.outputs[output].location);
        throw ResourceError(
            plan.outputs[output].op + ": " + e.what() + ", for " + output_type(plan, bound, output).to_string(),
            made.known() ? made : blame({}));
    }
}

namespace {

runtime::Buffer allocate_workspace(std::size_t bytes) {
    try {
        return runtime::allocate(std::max<std::size_t>(bytes, 1));
    } catch (const runtime::ResourceExhausted& e) {
        throw ResourceError(std::string("workspace: ") + e.what(), blame({}));
    }
}

// The interpreter asks before it makes a large value.
const bool interpreter_asks = (ir::set_memory_check([](std::uint64_t bytes) { runtime::require_room(bytes); }), true);

}  // namespace

void throw_fault(const runtime::Plan& plan, const runtime::RunFault& fault, ir::Loc caller) {
    throw IndexError(runtime::describe(plan, fault),
                     ir::Loc::of_id(runtime::site_of(plan, fault).location).called_at(caller));
}

void throw_misfit(const runtime::PlanError& error, const std::string& function, ir::Loc caller) {
    const ir::Loc demanded = ir::Loc::of_id(error.location());
    if (demanded.known()) throw TypeError(error.what(), demanded.called_at(caller));
    throw TypeError(function + ": " + error.what(), caller);
}

runtime::RunFault try_run_bound(const runtime::BoundPlan& bound, const void* const* inputs, void* const* outputs) {
    // Workspaces up to this size stay with the thread; larger ones go back to the pool after the run.
    constexpr std::size_t kept_bytes = 1 << 20;
    struct Kept {
        runtime::Buffer workspace;
    };
    const int threads = bound.threads();
    const std::size_t bytes = bound.workspace_bytes(threads);
    runtime::RunFault fault;
    Kept* const kept = bytes <= kept_bytes ? runtime::PerThread<Kept>::mine() : nullptr;
    if (kept != nullptr) {
        if (kept->workspace.capacity() < bytes) kept->workspace = allocate_workspace(bytes);
        // A kernel that runs on this thread for another plan gets its own.
        runtime::Buffer mine = std::move(kept->workspace);
        fault = runtime::run(bound, inputs, outputs, mine.data(), threads);
        kept->workspace = std::move(mine);
    } else {
        const runtime::Buffer workspace = allocate_workspace(bytes);
        fault = runtime::run(bound, inputs, outputs, workspace.data(), threads);
    }
    if (fault.is_memory()) [[unlikely]]
        throw ResourceError("there is no memory to interpret a kernel", blame({}));
    return fault;
}

void run_bound(const runtime::Plan& plan, const runtime::BoundPlan& bound, const void* const* inputs,
               void* const* outputs, ir::Loc caller) {
    if (const runtime::RunFault fault = try_run_bound(bound, inputs, outputs)) throw_fault(plan, fault, caller);
}

}  // namespace lathe::detail
