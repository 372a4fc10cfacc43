// Cuts long reductions to one value into two kernels.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// It asks for sizes: reductions of extents that are not known, not even typically, are left alone (but where the
// target's limit is 0, which takes all).
void stage(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
