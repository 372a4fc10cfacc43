// Every way in which the compiler may run a graph, as checks against the reference interpreter.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "passes/pipeline.h"
#include "tools/fuzz/reduce_graph.h"

namespace lathe::testing_support {

// What went wrong with a case, in words.
using Check = std::function<std::optional<std::string>(const GraphCase&)>;

// Kernel by kernel in the interpreter of loop nests.
Check through_loops(const passes::PipelineOptions& options);
// Compiled for a target by name, on one and two threads; once more where outputs may take over any input's memory.
Check through_jit(const std::string& target);

// Compiled with numbers for all sizes, some inputs as constants, others prepared; on two threads.
Check through_jit_with_weights(const std::string& target);

// Ahead of time, linked into a library of its own; on the calling thread and on all.
Check through_ahead(const std::string& target);

// Sets of passes to leave out: none, then each optional one.
std::vector<std::vector<std::string>> switched_off();
// Targets whose code this processor can run.
std::vector<std::string> runnable_targets();

// Through the loops with each set of passes left out, and compiled for each target: the first fault.
std::optional<std::string> first_fault(const GraphCase& c);

}  // namespace lathe::testing_support
