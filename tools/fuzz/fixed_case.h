// Cases as models have them: sizes are numbers, weights are constants, or the same in most runs.
#pragma once

#include "tools/fuzz/reduce_graph.h"

namespace lathe::testing_support {

// The same case with numbers for all symbols. Of its inputs, every second one is a constant; the others are steady.
GraphCase fixed(const GraphCase& c);

}  // namespace lathe::testing_support
