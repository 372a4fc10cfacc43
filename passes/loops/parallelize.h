// Gives loop nests a loop that threads share.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// The outermost loop of each nest where its iterations are independent. Where memory says which rows are written, it
// asks how long they typically are.
void parallelize(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
