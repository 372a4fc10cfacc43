// The body of a loop as it is for a part of the iterations.
#pragma once

#include "ir/loops/loops.h"
#include "passes/loops/range.h"

namespace lathe::passes {

// Leaves out what the range decides: guards that hold, what is not read or written for others, choices between values,
// and then what nobody needs. The loop's variable stays as it is.
void specialize(ir::Statements& body, const Range& range);

}  // namespace lathe::passes
