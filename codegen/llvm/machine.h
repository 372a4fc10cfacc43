// LLVM's code generator for one processor.
#pragma once

#include <memory>
#include <string>

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/CodeGen.h>
#include <llvm/Target/TargetMachine.h>

namespace lathe::codegen {

inline constexpr const char* triple = "x86_64-unknown-linux-gnu";

std::unique_ptr<llvm::TargetMachine> make_machine(const std::string& cpu, const std::string& features = {});
llvm::SmallVector<char, 0> generate(llvm::TargetMachine& machine, llvm::Module& module, llvm::CodeGenFileType type);

}  // namespace lathe::codegen
