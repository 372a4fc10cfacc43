// Products of bytes, four in each lane.
#pragma once

#include "codegen/target.h"

namespace llvm {
class IRBuilderBase;
class Value;
}  // namespace llvm

namespace lathe::codegen {

// Prim::dot_bytes on i32s or vectors of them.
llvm::Value* dot_bytes(llvm::IRBuilderBase& builder, const Target& target, llvm::Value* a, llvm::Value* b,
                       llvm::Value* c);

}  // namespace lathe::codegen
