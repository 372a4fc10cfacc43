// An opaque node becomes a call of a function of the library, as its row says.
#pragma once

#include "ir/program/program.h"

namespace lathe::passes {

// Of a group that is nothing but an opaque node.
ir::Program::Call lower_call(const ir::Program::Fused& fused);

}  // namespace lathe::passes
