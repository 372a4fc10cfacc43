// Makes kernels write around the cache what is known not to fit it.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// It asks for sizes: kernels whose results have extents that are not known, not even typically, are left alone.
void stream(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
