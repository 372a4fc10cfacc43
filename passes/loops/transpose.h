// Loops whose vectors would read memory far apart, though it lies side by side along a loop around them.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

void transpose(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
