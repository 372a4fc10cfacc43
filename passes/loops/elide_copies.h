// Copies of what a kernel might have written there at once.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// Drops kernels that copy a temporary to an output element by element, as where an output is a reshape: kernels write
// and read the output instead.
void elide_copies(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
