// Running a plan without machine code.
#pragma once

#include <vector>

#include "ir/loops/loops.h"
#include "runtime/plan.h"

namespace lathe::codegen {

// Makes a plan that has no kernels yet run its loop nests, by the steps' kernel numbers, through their interpreter. The
// same bits, slowly. Nothing is donated: interpreting takes memory, and may fail in the middle.
void interpret_kernels(runtime::Plan& plan, std::vector<ir::LoopNest> nests);

}  // namespace lathe::codegen
