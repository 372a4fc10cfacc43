// Loops whose guards hold in some of their iterations only, as those of concatenations and padding.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// Splits the iterations of loops at the bounds of guards, so that no guard is left to ask in what elements of a part
// come from one place. It asks for sizes: parts that are typically short stay together.
void split_ranges(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
