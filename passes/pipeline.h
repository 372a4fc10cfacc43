// The pipeline: what happens to a graph on its way to kernels, as one table. Timing, dumping, verifying and switching
// off are done by whoever walks the table, never inside a pass.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "passes/fuse/fuse.h"
#include "passes/fuse/lower.h"
#include "passes/graph/simplify.h"
#include "passes/graph/split.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

using GraphPass = std::unique_ptr<ir::Graph> (*)(const ir::Graph&);  // null: the graph stays as it is
using FusePass = FusedGraph (*)(const ir::Graph&, const FuseOptions&);
using LowerPass = LoweredKernel (*)(const Group&);
using LoopPass = void (*)(ir::LoopNest&, const LoopTarget&);

using KernelPass = void (*)(LoweredKernel&, const LoopTarget&);
using KernelsPass = std::vector<LoweredKernel> (*)(LoweredKernel, const LoopTarget&);

// Cuts long reductions to one value into two kernels. It asks for sizes: reductions of symbolic extents are left alone
// (but where the target's limit is 0, which takes all).
std::vector<LoweredKernel> stage(LoweredKernel kernel, const LoopTarget& target);

// Makes kernels write around the cache what is known not to fit it. It asks for sizes: kernels whose results have
// symbolic extents are left alone.
void stream(LoweredKernel& kernel, const LoopTarget& target);

struct Pass {
    std::string_view name;
    std::string_view doc;
    std::variant<GraphPass, FusePass, LowerPass, LoopPass, KernelPass, KernelsPass> run;
    bool optional = true;  // may be switched off: what it does is an optimisation
};

inline constexpr Pass pipeline[] = {
    {"simplify", "fold constants, apply identities that keep every bit, join equal nodes, drop dead ones", simplify},
    {"split", "cut ops of very many operands into trees of themselves", split, false},
    {"fuse", "decide which nodes share a kernel", fuse},
    {"lower", "write each group of nodes as a plain loop nest", lower, false},
    {"collapse", "join loops over dimensions that lie next to each other in memory", collapse},
    {"stage", "cut long reductions to one value into two kernels", stage},
    {"tile", "cut the loops of contractions into register tiles", tile},
    {"vectorize", "mark innermost loops and reductions to run in vectors", vectorize},
    {"parallelize", "give each nest a parallel outermost loop", parallelize},
    {"stream", "write large results around the cache", stream},
};

const Pass* find_pass(std::string_view name);  // null if unknown

// What the pipeline makes of a graph.
struct Program {
    std::unique_ptr<ir::Graph> graph;    // simplified
    FusedGraph fused;                    // of `graph`
    std::vector<LoweredKernel> kernels;  // one per group or more, in the groups' order
};

struct PassRun {
    const Pass* pass = nullptr;
    double milliseconds = 0;
    const ir::Graph* graph = nullptr;       // after a graph pass
    const FusedGraph* fused = nullptr;      // after fuse
    const LoweredKernel* kernel = nullptr;  // after lower and loop passes
};

struct PipelineOptions {
    LoopTarget target;
    FuseOptions fuse;
    std::vector<std::string> off;                 // names of passes that are skipped
    bool verify = false;                          // after each pass; throws InternalError with the pass and the IR
    std::function<void(const PassRun&)> observe;  // called after each pass
};

// Throws UserError where `off` names a pass that does not exist or cannot be switched off.
Program run_pipeline(const ir::Graph& graph, const PipelineOptions& options = {});

}  // namespace lathe::passes
