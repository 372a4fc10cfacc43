// Lowering: a fused group becomes a plain loop nest, one loop per dimension of its domain, nothing tiled or vectorized.
//
// Extents become arguments of the kernel. Dimensions that the group's ops force to be equal share one; dimensions that
// merely have the same number do not, so a kernel serves every shape of the same structure. An extent of 1 is
// structure.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

ir::Program::Kernel lower_group(const ir::Program::Fused& fused);

// Every group of a program.
void lower(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
