// Checks of loop nests.
#pragma once

#include <string>
#include <vector>

#include "ir/loops/loops.h"

namespace lathe::ir {

// All faults at once, one sentence each; empty if sound.
std::vector<std::string> verify(const LoopNest& nest);

}  // namespace lathe::ir
