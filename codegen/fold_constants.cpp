#include "codegen/fold_constants.h"

#include <algorithm>

#include "codegen/interpret_kernels.h"
#include "codegen/plan_builder.h"
#include "ir/error.h"
#include "ir/program/step_times.h"

namespace lathe::codegen {
namespace {

std::vector<bool> steps_of(const ir::Program& program, ir::StepTime time) {
    std::vector<bool> out;
    for (const ir::StepTime t : ir::step_times(program)) out.push_back(t == time);
    return out;
}

// The bytes of the program's results.
std::vector<std::vector<std::byte>> run(ir::Program& program, const CompileOptions& options) {
    runtime::Plan plan;
    std::vector<std::uint32_t> outputs;
    std::vector<ir::LoopNest> nests;
    const bool interprets = options.interpreted || !executable_memory().allowed;
    const Target target = interprets ? options.target : host_target();
    build_plan(program, loop_target(target), {}, plan, outputs, Constants::borrowed);
    ir::for_each_kernel(program, [&](const ir::Program::Kernel& kernel) { nests.push_back(kernel.nest); });
    std::vector<std::shared_ptr<const CompiledKernel>> kernels;
    if (interprets) {
        interpret_kernels(plan, std::move(nests));
    } else {
        kernels = KernelCache::shared().compile(nests, target);
        for (const auto& kernel : kernels) plan.kernels.push_back(kernel->entry());
    }
    plan.add_calls();
    plan.finish();
    const auto bound = runtime::bind_plan_uncached(plan, {});
    std::vector<std::vector<std::byte>> results;
    std::vector<void*> memory;
    for (const std::int64_t bytes : bound->output_bytes) results.emplace_back(static_cast<std::size_t>(bytes));
    for (auto& r : results) memory.push_back(r.data());
    const int threads = bound->threads();
    const runtime::Buffer workspace = runtime::allocate(std::max<std::size_t>(bound->workspace_bytes(threads), 1));
    if (const runtime::RunFault fault = runtime::run(*bound, nullptr, memory.data(), workspace.data(), threads))
        throw ResourceError(runtime::describe(plan, fault));
    std::vector<std::vector<std::byte>> out;
    for (const std::uint32_t o : outputs) out.push_back(std::move(results[o]));
    return out;
}

}  // namespace

void fold_constants(ir::Program& program, const CompileOptions& options) {
    const std::vector<bool> folded = steps_of(program, ir::StepTime::once);
    if (std::ranges::find(folded, true) == folded.end()) return;
    ir::ProgramPart part = ir::part_of(program, folded);
    std::vector<std::vector<std::byte>> values;
    try {
        values = run(part.program, options);
    } catch (const runtime::ResourceExhausted&) {
        return;  // they run with the rest, where there may be more memory
    } catch (const UserError&) {
        return;  // this processor runs no target
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        ir::Program::Buffer& buffer = program.buffers[part.outputs[i]];
        buffer.origin = ir::Program::Origin::constant;
        buffer.constant = {buffer.memory_type(), std::make_shared<const std::vector<std::byte>>(std::move(values[i]))};
    }
    ir::erase_steps(program, folded);
}

std::optional<ir::ProgramPart> take_out_preparation(ir::Program& program) {
    const std::vector<bool> taken = steps_of(program, ir::StepTime::on_change);
    if (std::ranges::find(taken, true) == taken.end()) return std::nullopt;
    ir::ProgramPart part = ir::part_of(program, taken);
    ir::erase_steps(program, taken);
    ir::make_inputs(program, part.outputs);
    return part;
}

}  // namespace lathe::codegen
