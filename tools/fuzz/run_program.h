// Runs what the compiler makes of a graph, at the stages that have a meaning of their own.
#pragma once

#include <span>
#include <vector>

#include "codegen/compile.h"
#include "ir/attribute.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {

// The outputs of a compiled graph, which is prepared anew; on several threads every parallel loop is cut as finely as
// it can be. Operands end at protected pages. Outputs take over the memory of inputs as the plan allows; where an index
// is out of range, that has to be as before.
std::vector<ir::Literal> run_compiled(const codegen::Executable& executable, std::span<const ir::Literal> inputs,
                                      int threads);

}  // namespace lathe::testing_support
