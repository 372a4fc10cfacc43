// Kernels that follow each other and do not depend on each other run as one parallel region: many small updates cost
// one start of threads, and share them.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

// Only kernels that write results of the program alone, or inside of a loop or branch what is named outside of it, as
// what is carried: their memory is there in any case, so nothing lives longer.
// Those that may find an index out of range stay outside, for they have to come before whatever overwrites donated
// memory.
void batch(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
