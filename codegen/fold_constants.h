// What need not run in every run of a program is taken out of it.
#pragma once

#include <optional>

#include "codegen/compile.h"
#include "ir/program/part.h"
#include "ir/program/program.h"

namespace lathe::codegen {

// Runs the steps that need to run once (ir::StepTime), on this processor, and makes what they write constants of the
// program. The bits are those that the program's own target would give.
void fold_constants(ir::Program& program, const CompileOptions& options);

// Takes out the steps that need to run when a steady input has changed. What they write are further inputs of the
// program, in the order of the part's outputs. Nothing where there are none.
std::optional<ir::ProgramPart> take_out_preparation(ir::Program& program);

}  // namespace lathe::codegen
