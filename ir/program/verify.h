// Checks of programs.
#pragma once

#include <string>
#include <vector>

#include "ir/program/program.h"

namespace lathe::ir {

// All faults at once, one sentence each; empty if sound.
std::vector<std::string> verify(const Program& program);

}  // namespace lathe::ir
