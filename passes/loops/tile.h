// Cuts the two innermost loops around a contraction into register tiles: the accumulators of a tile stay in registers
// over the contracted loop, whose blocks continue the defined order. It asks for sizes where what pays depends on them.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

void tile(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
