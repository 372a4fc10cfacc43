#include "codegen/fold_constants.h"

#include <algorithm>
#include <map>

#include "codegen/interpret_kernels.h"
#include "codegen/plan_builder.h"
#include "ir/error.h"
#include "ir/program/constant_steps.h"

namespace lathe::codegen {
namespace {

using Origin = ir::Program::Origin;

// The steps to fold as a program of their own, whose outputs are what others read.
class FoldedPart {
public:
    FoldedPart(const ir::Program& program, const std::vector<bool>& folded) {
        for (std::size_t s = 0; s < program.steps.size(); ++s) {
            if (!folded[s]) continue;
            ir::Program::Step step = program.steps[s];
            std::visit(
                ir::Overloaded{[](ir::Program::Fused&) {}, [&](ir::Program::Kernel& k) { copy(program, k.arguments); },
                               [&](ir::Program::Call& c) { copy(program, c.inputs), copy(program, c.outputs); },
                               [&](ir::Program::Batch& b) {
                                   for (ir::Program::Kernel& k : b.kernels) copy(program, k.arguments);
                               },
                               [](ir::Program::Branch&) {}, [](ir::Program::Loop&) {}},
                step.node);
            part_.steps.push_back(std::move(step));
        }
    }

    const ir::Program& program() const { return part_; }
    // The buffers of the whole program that its outputs are.
    const std::vector<ir::Program::BufferId>& outputs() const { return outputs_; }

private:
    void copy(const ir::Program& program, std::vector<ir::Program::BufferId>& buffers) {
        for (ir::Program::BufferId& b : buffers) b = copy_of(program, b);
    }
    ir::Program::BufferId copy_of(const ir::Program& program, ir::Program::BufferId b) {
        const auto [found, fresh] = copies_.try_emplace(b);
        if (fresh) {
            ir::Program::Buffer buffer = program.buffers[b];
            if (buffer.origin == Origin::temporary) {
                buffer.origin = Origin::output;
                outputs_.push_back(b);
            }
            found->second = part_.add_buffer(std::move(buffer));
            if (part_.buffers[found->second].origin == Origin::output) part_.results.push_back({"", found->second});
        }
        return found->second;
    }

    ir::Program part_;
    std::vector<ir::Program::BufferId> outputs_;
    std::map<ir::Program::BufferId, ir::Program::BufferId> copies_;
};

// The bytes of the program's results.
std::vector<std::vector<std::byte>> run(const ir::Program& program, const CompileOptions& options) {
    runtime::Plan plan;
    std::vector<std::uint32_t> outputs;
    std::vector<ir::LoopNest> nests;
    const bool interprets = options.interpreted || !executable_memory().allowed;
    const Target target = interprets ? options.target : host_target();
    build_plan(program, loop_target(target), {}, plan, outputs);
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
    const std::vector<bool> folded = ir::constant_steps(program);
    if (std::ranges::none_of(folded, [](bool f) { return f; })) return;
    const FoldedPart part(program, folded);
    std::vector<std::vector<std::byte>> values;
    try {
        values = run(part.program(), options);
    } catch (const runtime::ResourceExhausted&) {
        return;  // they run with the rest, where there may be more memory
    } catch (const UserError&) {
        return;  // this processor runs no target
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        ir::Program::Buffer& buffer = program.buffers[part.outputs()[i]];
        buffer.origin = Origin::constant;
        buffer.constant = ir::make_literal(buffer.type, values[i]);
    }
    std::vector<ir::Program::Step> steps;
    for (std::size_t s = 0; s < program.steps.size(); ++s)
        if (!folded[s]) steps.push_back(std::move(program.steps[s]));
    program.steps = std::move(steps);
}

}  // namespace lathe::codegen
