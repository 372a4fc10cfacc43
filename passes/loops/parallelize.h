// Gives loop nests a loop that threads share.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// Elements that one iteration of the parallel loop over a vector loop takes: far more than the loop around them costs,
// few enough to share a mid-sized array between threads.
inline constexpr std::int64_t parallel_chunk = 4096;

// The outermost loop of each nest where its iterations are independent. Where memory says which rows are written, it
// asks how long they typically are.
void parallelize(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
