// What depends on constants alone is computed once, when a program is compiled.
#pragma once

#include "codegen/compile.h"
#include "ir/program/program.h"

namespace lathe::codegen {

// Runs the steps of `constant_steps`, on this processor, and makes what they write constants of the program. The bits
// are those that the program's own target would give.
void fold_constants(ir::Program& program, const CompileOptions& options);

}  // namespace lathe::codegen
