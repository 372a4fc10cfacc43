// What an iteration of a loop adds to a stack is stored there by the kernel that computes it.
#pragma once

#include "ir/program/program.h"

namespace lathe::passes {

void store_in_stacks(ir::Program& program, ir::Program::Loop& loop);

}  // namespace lathe::passes
