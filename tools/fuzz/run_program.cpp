#include "tools/fuzz/run_program.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "runtime/parallel.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

// Every iteration of a parallel loop is worth a task.
void cut_finely(const runtime::BoundPlan& bound) {
    auto* const steps = const_cast<lathe_bound_step*>(bound.tables->steps);
    lathe_bound_step* batch = nullptr;
    for (std::uint32_t s = 0; s < bound.tables->plan->step_count; ++s) {
        lathe_bound_step& step = steps[s];
        const lathe_plan_step& of_plan = bound.tables->plan->steps[s];
        if (of_plan.kind == lathe_step_batch) {
            batch = &step;
            batch->kind = of_plan.kind;
            batch->target = of_plan.target;
            batch->trips = 0;
            batch->grain = 1;
        }
        if (step.kind != lathe_step_kernel) continue;
        if (step.trips > 1) {
            step.grain = 1;
            step.is_plain = 0;
        }
        if (batch != nullptr && s < batch->target) {
            step.first_chunk = batch->trips;
            batch->trips += step.grain == 0 ? 1 : step.trips;
        }
    }
}

}  // namespace

std::vector<Literal> run_compiled(const codegen::Executable& executable, std::span<const Literal> given, int threads) {
    const runtime::Plan& plan = executable.plan;
    std::vector<Literal> inputs(given.begin(), given.end());
    if (const auto& preparation = executable.preparation) {
        std::vector<Literal> steady;
        for (const std::uint32_t input : preparation->inputs) steady.push_back(given[input]);
        for (Literal& prepared : run_compiled(preparation->executable, steady, threads))
            inputs.push_back(std::move(prepared));
    }
    std::vector<std::vector<std::int64_t>> shapes;
    std::vector<GuardedMemory> memory;
    std::vector<const void*> in;
    for (const Literal& x : inputs) {
        std::vector<std::int64_t>& shape = shapes.emplace_back();
        for (ir::Dim d : x.type.shape) shape.push_back(d.constant());
        const std::vector<std::byte> bytes = elements_of(x);
        memory.emplace_back(bytes.size());
        if (!bytes.empty()) std::memcpy(memory.back().data(), bytes.data(), bytes.size());
        in.push_back(memory.back().data());
    }
    const std::vector<std::span<const std::int64_t>> views(shapes.begin(), shapes.end());
    const auto bound = runtime::bind_plan_uncached(plan, runtime::symbols_of(plan, views));
    if (threads > 1) cut_finely(*bound);

    std::vector<void*> out;
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
        memory.emplace_back(static_cast<std::size_t>(bound->output_bytes[i]));
        std::memset(memory.back().data(), 0x5A, memory.back().size());
        out.push_back(memory.back().data());
    }
    for (const runtime::PlanDonation& d : plan.donations) out[d.output] = const_cast<void*>(in[d.input]);
    const std::size_t workspace_bytes = bound->workspace_bytes(threads);
    const runtime::Buffer workspace = runtime::allocate(std::max<std::size_t>(workspace_bytes, 1));
    std::memset(workspace.data(), 0x5A, workspace_bytes);
    const runtime::ThreadLimit limit(threads);
    if (const runtime::RunFault fault = runtime::run(*bound, in.data(), out.data(), workspace.data(), threads)) {
        for (const runtime::PlanDonation& d : plan.donations)
            if (!std::ranges::equal(elements_of(inputs[d.input]),
                                    std::span(memory[d.input].data(), memory[d.input].size())))
                throw InternalError("input " + std::to_string(d.input) + " was overwritten by a run that failed");
        throw IndexError(runtime::describe(plan, fault), ir::Loc::of_id(runtime::site_of(plan, fault).location));
    }

    std::vector<Literal> results;
    for (std::uint32_t i : executable.outputs) {
        ir::Type type{static_cast<ir::Dtype>(plan.outputs[i].dtype), {}};
        for (std::int64_t d : bound->output_dims[i]) type.shape.push_back(d);
        results.push_back(ir::make_literal(
            type, {static_cast<const std::byte*>(out[i]), static_cast<std::size_t>(bound->output_bytes[i])}));
    }
    return results;
}

}  // namespace lathe::testing_support
