// What every iteration of a loop would compute alike is computed once, in front of it.
#pragma once

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"

namespace lathe::passes {

void hoist(ir::Program& program, const LoopTarget& target);

}  // namespace lathe::passes
