// A kernel has nothing but its arguments: so the nest that it interprets is one of them, a constant of the plan.
#include "codegen/interpret_kernels.h"

#include <memory>
#include <new>

#include "ir/loops/interpret.h"
#include "ir/loops/text.h"

namespace lathe::codegen {
namespace {

void interpret_kernel(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                      std::int64_t begin, std::int64_t end, lathe_task* task) {
    const auto& nest = *static_cast<const ir::LoopNest*>(slots[operands[0]]);
    ir::Fault found;
    try {
        std::vector<void*> arguments(nest.argument_count());
        for (std::size_t i = 0; i < arguments.size(); ++i) arguments[i] = slots[operands[i + 1]];
        found = ir::interpret(nest, arguments, {extents, nest.extent_count()}, begin, end);
    } catch (const std::bad_alloc&) {
        task->fault.site = LATHE_SITE_MEMORY;
        return;
    }
    lathe_fault* const fault = &task->fault;
    const ir::Fault known{fault->site, fault->is_unsigned != 0, fault->index, fault->bound, fault->position};
    if (found.precedes(known))
        *fault = {found.site, found.is_unsigned ? 1 : 0, found.index, found.bound, found.position};
}

}  // namespace

void interpret_kernels(runtime::Plan& plan, std::vector<ir::LoopNest> nests) {
    const auto kept = std::make_shared<std::vector<ir::LoopNest>>(std::move(nests));
    // The new constants take the slots where temporaries begin.
    const std::uint32_t first = plan.temporary_slot(0);
    for (runtime::PlanStep& step : plan.steps) {
        for (std::uint32_t& slot : step.operands)
            if (slot >= first) slot += static_cast<std::uint32_t>(kept->size());
        if (step.kind == lathe_step_kernel && step.kernel < kept->size())
            step.operands.insert(step.operands.begin(), first + step.kernel);
    }
    for (ir::LoopNest& nest : *kept) {
        const auto keep = [](void*) {};  // the plan's owners do
        plan.constants.push_back(runtime::Buffer::adopt(&nest, sizeof nest, keep, nullptr));
        plan.constant_bytes.push_back(sizeof nest);
        plan.kernels.push_back(interpret_kernel);
    }
    plan.owners.push_back(kept);
    plan.donations.clear();
}

}  // namespace lathe::codegen
