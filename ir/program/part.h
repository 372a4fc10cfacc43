// Some steps of a program as a program of their own.
#pragma once

#include <span>
#include <vector>

#include "ir/program/program.h"

namespace lathe::ir {

struct ProgramPart {
    Program program;
    // Of the whole program: what the inputs are, and what the results are, in order.
    std::vector<Program::BufferId> inputs, outputs;
};

// The steps that are chosen, none of which holds others. Every temporary that they write is a result: an array of what
// lies in memory, its padding included.
ProgramPart part_of(const Program& program, const std::vector<bool>& chosen);

void erase_steps(Program& program, const std::vector<bool>& erased);

// Buffers that somebody else writes become inputs, behind those that there are.
void make_inputs(Program& program, std::span<const Program::BufferId> written);

}  // namespace lathe::ir
