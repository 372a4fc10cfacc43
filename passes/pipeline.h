// The pipeline: what happens to a graph on its way to a program of kernels, as one table, in the order of execution.
// Timing, dumping, verifying and switching off are done by whoever walks the table, never inside a pass.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/program/program.h"
#include "passes/fuse/fuse.h"
#include "passes/fuse/lower.h"
#include "passes/graph/assign_layouts.h"
#include "passes/graph/expand.h"
#include "passes/graph/inline_once.h"
#include "passes/graph/join_scans.h"
#include "passes/graph/lift_products.h"
#include "passes/graph/pack_bytes.h"
#include "passes/graph/simplify.h"
#include "passes/graph/sink_transposes.h"
#include "passes/graph/split.h"
#include "passes/loops/batch.h"
#include "passes/loops/delinearize.h"
#include "passes/loops/elide_copies.h"
#include "passes/loops/hoist.h"
#include "passes/loops/loop_passes.h"
#include "passes/loops/parallelize.h"
#include "passes/loops/split_ranges.h"
#include "passes/loops/stage.h"
#include "passes/loops/stream.h"
#include "passes/loops/tile.h"
#include "passes/loops/transpose.h"
#include "passes/remark.h"

namespace lathe::passes {

using GraphPass = std::unique_ptr<ir::Graph> (*)(const ir::Graph&);  // null: the graph stays as it is
using BuildPass = ir::Program (*)(std::shared_ptr<const ir::Graph>, const FuseOptions&, Remarks&);
using ProgramPass = void (*)(ir::Program&, const LoopTarget&);

// A rewrite of loop nests, as a pass.
template <void (*rewrite)(ir::LoopNest&, const LoopTarget&)>
void each_kernel(ir::Program& program, const LoopTarget& target) {
    ir::for_each_kernel(program, [&](ir::Program::Kernel& kernel) { rewrite(kernel.nest, target); });
}

struct Pass {
    std::string_view name;
    std::string_view doc;
    std::variant<GraphPass, BuildPass, ProgramPass> run;
    bool optional = true;  // may be switched off: what it does is an optimisation
};

inline constexpr Pass pipeline[] = {
    {"pack_bytes", "write contractions of integers that are bytes as ones of four bytes at a time", pack_bytes},
    {"expand", "write composite ops as what they are made of", expand, false},
    {"join_scans", "let a scan give what an equal one stacks besides", join_scans},
    {"sink_transposes", "compute what follows a transposed product in the order of the product", sink_transposes},
    {"simplify", "fold constants, apply identities that keep every bit, join equal nodes, drop dead ones", simplify},
    {"lift_products", "compute products of a scan's slices in front of it, for all iterations at once", lift_products},
    {"inline_once", "write regions that run once as part of the graph around them", inline_once, false},
    {"split", "cut ops of very many operands into trees of themselves", split, false},
    {"assign_layouts", "store what contractions read in the order in which they read it", assign_layouts, false},
    {"fuse", "decide which nodes share a kernel", fuse},
    {"lower", "write each group of nodes as a plain loop nest", lower, false},
    {"hoist", "run in front of a loop what all of its iterations would compute alike", hoist},
    {"delinearize", "split loops over products of extents that an index takes apart", delinearize},
    {"collapse", "join loops over dimensions that lie next to each other in memory", each_kernel<collapse>},
    {"elide_copies", "write what is only copied to an output there at once", elide_copies},
    {"stage", "cut long reductions to one value into two kernels", stage},
    {"tile", "cut the loops of contractions into register tiles", tile},
    {"transpose", "copy to scratch, transposed, what vectors would read far apart", transpose},
    {"split_ranges", "split loops where guards change, so that parts of concatenations are plain copies", split_ranges},
    {"vectorize", "mark innermost loops and reductions to run in vectors", each_kernel<vectorize>},
    {"interchange", "keep what all rows read in registers while the rows go by", each_kernel<interchange>},
    {"parallelize", "give each nest a parallel outermost loop", parallelize},
    {"stream", "write large results around the cache", stream},
    {"batch", "run kernels that do not depend on each other as one parallel region", batch},
};

const Pass* find_pass(std::string_view name);  // null if unknown

// What the pipeline makes of a graph.
struct Lowered {
    ir::Program program;  // its graph is the one that was fused
    Remarks remarks;
};

struct PassRun {
    const Pass* pass = nullptr;
    double milliseconds = 0;
    const ir::Graph* graph = nullptr;      // after a graph pass
    const ir::Program* program = nullptr;  // after all others
};

struct PipelineOptions {
    LoopTarget target;
    FuseOptions fuse;
    std::vector<std::string> off;                 // names of passes that are skipped
    std::vector<std::uint32_t> donated;           // parameters whose memory outputs may take over
    std::vector<std::int64_t> typical_symbols;    // sizes to be fast for, by symbol of the graph; none: not known
    bool verify = false;                          // after each pass; throws InternalError with the pass and the IR
    std::function<void(const PassRun&)> observe;  // called after each pass
};

// Throws UserError where `off` names a pass that does not exist or cannot be switched off. The result may point to
// nodes of `graph`, which has to outlive it.
Lowered run_pipeline(const ir::Graph& graph, const PipelineOptions& options = {});

// One pass alone, on a program; a pass that builds one gets the graph behind `program`.
void run_pass(const Pass& pass, ir::Program& program, const LoopTarget& target = {});
// The program that the passes up to fusion and lowering, and nothing else, make of a graph.
ir::Program fused_program(std::shared_ptr<const ir::Graph> graph);
ir::Program lowered_program(std::shared_ptr<const ir::Graph> graph);

}  // namespace lathe::passes
