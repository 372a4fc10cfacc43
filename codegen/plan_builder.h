// From a program of kernels to the plan that the runtime walks.
#pragma once

#include <span>

#include "ir/program/program.h"
#include "passes/loops/loop_passes.h"
#include "runtime/plan.h"

namespace lathe::codegen {

// Fills everything but the kernels' addresses: kernel k of the plan is the program's, as for_each_kernel counts them.
// Result i of the program is output `outputs[i]` of the plan, which has each value once. `donated` lists parameters
// whose memory an output of the same type may take over; those where that is not safe are left alone.
// The program loses its constants to the plan, one after the other: there are never two copies of all. A plan that runs
// once may borrow them instead; the program has to outlive it then.
enum class Constants : std::uint8_t { taken, borrowed };
void build_plan(ir::Program& program, const passes::LoopTarget& target, std::span<const std::uint32_t> donated,
                runtime::Plan& plan, std::vector<std::uint32_t>& outputs, Constants constants = Constants::taken);

}  // namespace lathe::codegen
