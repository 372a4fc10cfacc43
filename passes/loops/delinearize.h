// Loops over dimensions that are several in one.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// Splits loops over products of extents where an index asks for the position in each of them. It asks for sizes: rows
// of a contraction stay together unless they are many and what is contracted is short.
void delinearize(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
