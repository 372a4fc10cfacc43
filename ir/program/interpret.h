// The reference interpreter of programs.
#pragma once

#include <span>
#include <vector>

#include "ir/program/program.h"

namespace lathe::ir {

// The results, for inputs in the order of the program's. Kernels run in several parts, as threads would run them.
// Throws IndexError where an index read from data is out of range.
std::vector<Literal> interpret(const Program& program, std::span<const Literal> inputs);

}  // namespace lathe::ir
