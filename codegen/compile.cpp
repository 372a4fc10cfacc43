#include "codegen/compile.h"

#include <algorithm>
#include <chrono>

#include "codegen/fold_constants.h"
#include "codegen/interpret_kernels.h"
#include "codegen/plan_builder.h"
#include "ir/error.h"
#include "ir/float_environment.h"
#include "ir/ops/control.h"
#include "ir/ops/op.h"
#include "runtime/cpu.h"
#include "runtime/plan_rules.h"

namespace lathe::codegen {
namespace {

// Folding and kernels compute alike.
static_assert(ir::FloatEnvironment::controls == lathe_mxcsr_controls &&
              ir::FloatEnvironment::defaults == lathe_mxcsr_defaults);

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Those of regions once, however often they run. Regions nest a few levels deep.
std::size_t count_operations(const ir::Graph& graph) {
    std::size_t n = 0;
    for (const ir::Node& node : graph.nodes()) {
        if (ir::has_regions(node))
            for (const ir::Graph* region : ir::regions_of(node)) n += count_operations(*region);
        else if (node.op->lowering != ir::Lowering::source && !ir::is_free(node))
            ++n;
    }
    return n;
}

void compile_kernels(std::span<const ir::LoopNest> nests, const Target& target, Executable& out) {
    const auto start = Clock::now();
    KernelCache& cache = KernelCache::shared();
    const std::uint64_t before = cache.compiled();
    out.kernels = cache.compile(nests, target);
    out.statistics.compiled = cache.compiled() - before;
    out.statistics.code_milliseconds = milliseconds_since(start);
}

void finish(runtime::Plan& plan) {
    try {
        plan.finish();
    } catch (const runtime::PlanError& e) {
        throw UserError(e.what());
    }
}

void require_runnable(const CompileOptions& options) {
    if (options.interpreted) return;
    if (!options.target.runs_here) throw UserError("this processor does not run the target " + options.target.name);
    if (!executable_memory().allowed) throw ResourceError(executable_memory().refusal);
}

// Gives a plan its kernels.
void link(std::vector<ir::LoopNest> nests, const CompileOptions& options, Executable& out) {
    out.interpreted = options.interpreted;
    if (options.interpreted) {
        interpret_kernels(out.plan, std::move(nests));
    } else {
        compile_kernels(nests, options.target, out);
        for (const auto& kernel : out.kernels) {
            out.plan.kernels.push_back(kernel->entry());
            out.plan.owners.push_back(kernel);
        }
    }
    out.plan.add_calls();
    finish(out.plan);
}

// The plan of a program without what need not run in every run; the kernels' nests, by step.
std::vector<ir::LoopNest> plan_of_rest(ir::Program program, const CompileOptions& options, Executable& out) {
    build_plan(program, loop_target(options.target), options.donated, out.plan, out.outputs);
    std::vector<ir::LoopNest> nests;
    ir::for_each_kernel(program, [&](ir::Program::Kernel& k) { nests.push_back(std::move(k.nest)); });
    out.statistics.kernels = nests.size();
    return nests;
}

std::shared_ptr<const Preparation> compile_preparation(ir::ProgramPart part, CompileOptions options) {
    auto out = std::make_shared<Preparation>();
    options.donated.clear();
    link(plan_of_rest(std::move(part.program), options, out->executable), options, out->executable);
    out->inputs = std::move(part.inputs);
    return out;
}

// The plan of a lowered program; the kernels' nests, by step.
std::vector<ir::LoopNest> plan_of(ir::Program program, const CompileOptions& options, Executable& out) {
    fold_constants(program, options);
    if (options.prepares)
        if (std::optional<ir::ProgramPart> part = take_out_preparation(program))
            out.preparation = compile_preparation(*std::move(part), options);
    return plan_of_rest(std::move(program), options, out);
}

// The passes, and the same of what they make.
std::vector<ir::LoopNest> lower(const ir::Graph& graph, const CompileOptions& options, Executable& out) {
    passes::PipelineOptions pipeline = options.pipeline;
    pipeline.target = loop_target(options.target);
    pipeline.donated = options.donated;
    const auto start = Clock::now();
    passes::Lowered lowered = passes::run_pipeline(graph, pipeline);
    out.statistics.operations = count_operations(*lowered.program.graph);
    out.remarks = std::move(lowered.remarks);
    std::vector<ir::LoopNest> nests = plan_of(std::move(lowered.program), options, out);
    out.statistics.pass_milliseconds = milliseconds_since(start);
    return nests;
}

}  // namespace

passes::LoopTarget loop_target(const Target& target) {
    // Half of the last cache: the other half holds what is read.
    const runtime::Cpu& cpu = runtime::cpu();
    return {target.vector_bytes, target.vector_registers, std::max(cpu.l3 / 2, 2 * cpu.l2)};
}

std::shared_ptr<const Executable> compile(const ir::Graph& graph, const CompileOptions& options) {
    const ir::FloatEnvironment floats;
    require_runnable(options);
    auto out = std::make_shared<Executable>();
    link(lower(graph, options, *out), options, *out);
    return out;
}

std::shared_ptr<const Executable> compile(ir::Program program, const CompileOptions& options) {
    const ir::FloatEnvironment floats;
    require_runnable(options);
    ir::for_each_step(program.steps, [](const ir::Program::Step& step) {
        if (std::holds_alternative<ir::Program::Fused>(step.node))
            throw UserError("the program holds groups that are not lowered to kernels", step.loc);
    });
    auto out = std::make_shared<Executable>();
    link(plan_of(std::move(program), options, *out), options, *out);
    return out;
}

std::shared_ptr<const Executable> compile_objects(const ir::Graph& graph, const CompileOptions& options) {
    const ir::FloatEnvironment floats;
    auto out = std::make_shared<Executable>();
    compile_kernels(lower(graph, options, *out), options.target, *out);
    finish(out->plan);
    return out;
}

}  // namespace lathe::codegen
