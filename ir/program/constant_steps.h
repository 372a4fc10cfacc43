// Steps that depend on constants alone: they need to run once, when the program is compiled.
#pragma once

#include <vector>

#include "ir/program/program.h"

namespace lathe::ir {

// By step. Steps that may find an index out of range are not among them: that is for those to hear who run the program.
std::vector<bool> constant_steps(const Program& program);

}  // namespace lathe::ir
