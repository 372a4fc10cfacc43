// Text, checks and reference semantics of programs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/program/program.h"

namespace lathe::ir {

// Groups as lists of their nodes, kernels as loop nests.
std::string print(const Program& program);

// All faults at once, one sentence each; empty if sound.
std::vector<std::string> verify(const Program& program);

// The results, for inputs in the order of the program's. Kernels run in several parts, as threads would run them.
// Throws IndexError where an index read from data is out of range.
std::vector<Literal> interpret(const Program& program, std::span<const Literal> inputs);

}  // namespace lathe::ir
