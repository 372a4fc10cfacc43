// Cases as text, for people and for files.
#pragma once

#include <string>

#include "tools/fuzz/random_graph.h"
#include "tools/fuzz/reduce_graph.h"

namespace lathe::testing_support {

// The graph as text that reads back, then its inputs as comments, the first elements of each.
std::string describe(const GraphCase& c);
// The same of a graph with all of its sets of inputs.
std::string describe(const RandomGraph& sample);

}  // namespace lathe::testing_support
