// Regions on their way into the program of the graph around them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ir/program/program.h"

namespace lathe::passes {

// Puts the steps of a program into another: `inputs` and `outputs` are the buffers there for its inputs and results.
// Symbols of the part are those of the whole, in front of its own.
std::vector<ir::Program::Step> splice(ir::Program& into, ir::Program part,
                                      std::span<const ir::Program::BufferId> inputs,
                                      std::span<const ir::Program::BufferId> outputs);

// A step that copies a value from one buffer to another.
ir::Program::Step copy_step(ir::Value v, ir::Program::BufferId from, ir::Program::BufferId to);

// The body of a scan as a graph that takes xs whole and reads their slice `index`: slicing is index arithmetic.
std::unique_ptr<ir::Graph> body_over_sequences(const ir::Node& scan, ir::Dim index,
                                               const std::vector<std::string>& symbols);

}  // namespace lathe::passes
