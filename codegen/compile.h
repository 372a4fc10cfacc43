// From a graph to something that runs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codegen/executable_memory.h"
#include "codegen/kernels.h"
#include "codegen/target.h"
#include "passes/pipeline.h"
#include "runtime/plan.h"

namespace lathe::codegen {

struct CompileOptions {
    Target target = host_target();
    passes::PipelineOptions pipeline = {};    // its `target` is filled from the one above
    std::vector<std::uint32_t> donated = {};  // parameters whose memory outputs may take over
    // Whether the caller keeps what depends on steady inputs alone, and asks for it anew when one has changed: see
    // Preparation. Otherwise it is computed in every run.
    bool prepares = false;
    // Kernels run through the interpreter of loop nests: the same bits, slowly, without machine code.
    bool interpreted = !executable_memory().allowed;
};

struct CompileStatistics {
    std::size_t operations = 0;    // nodes that a system without fusion would run as kernels of their own
    std::size_t kernels = 0;       // that the plan runs
    std::uint64_t compiled = 0;    // of those, not found in the cache
    double pass_milliseconds = 0;  // everything up to the kernels' loop nests
    double code_milliseconds = 0;  // compiling and linking them
};

struct Preparation;

// A compiled graph. Immutable; any number of threads may run it at once.
struct Executable {
    runtime::Plan plan;
    // Computes the last inputs of the plan, which the caller keeps; null where there are none.
    std::shared_ptr<const Preparation> preparation;
    std::vector<std::uint32_t> outputs;  // output i of the graph is this output of the plan
    passes::Remarks remarks;
    CompileStatistics statistics;
    std::vector<std::shared_ptr<const CompiledKernel>> kernels;  // by number; none where they are interpreted
    bool interpreted = false;
};

// What an executable does when a steady input has changed, and only then.
struct Preparation {
    Executable executable;              // its inputs are some of the graph's
    std::vector<std::uint32_t> inputs;  // which
};

// Throws UserError where the processor does not run the target, ResourceError where the system refuses code.
std::shared_ptr<const Executable> compile(const ir::Graph& graph, const CompileOptions& options = {});
// A program that is lowered, as it is: no pass runs.
std::shared_ptr<const Executable> compile(ir::Program program, const CompileOptions& options = {});
// For another process, perhaps on another processor: the kernels' objects, and a plan that cannot run in this one.
std::shared_ptr<const Executable> compile_objects(const ir::Graph& graph, const CompileOptions& options);

passes::LoopTarget loop_target(const Target& target);

}  // namespace lathe::codegen
