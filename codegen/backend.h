// The part of codegen that needs LLVM is a shared library of its own, loaded when something first compiles: a process
// that compiles nothing pays nothing for it, and nobody sees its LLVM. This table is all that leads into it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/target.h"
#include "ir/loops/loops.h"
#include "runtime/abi.h"

namespace lathe::codegen {

struct AotTables;
struct ObjectFile;

// Machine code of one object; freed with the last reference.
class LoadedCode {
public:
    virtual ~LoadedCode() = default;
    lathe_kernel entry = nullptr;
};

// Compiles kernels for one target; used by one thread at a time.
class KernelCompiler {
public:
    virtual ~KernelCompiler() = default;
    // A relocatable object that defines `symbol` (a lathe_kernel) and needs no other.
    virtual std::vector<std::byte> compile(const ir::LoopNest& nest, std::string_view symbol) = 0;
    virtual std::string llvm_text(const ir::LoopNest& nest, std::string_view symbol) = 0;  // after the passes
    virtual std::string assembly(const ir::LoopNest& nest, std::string_view symbol) = 0;
};

struct Backend {
    std::unique_ptr<KernelCompiler> (*compiler)(const Target& target);
    // Puts an object into this process, from any thread. Throws ResourceError where executable memory is refused.
    std::shared_ptr<const LoadedCode> (*load)(std::span<const std::byte> object, std::string_view symbol);
    // An object with the plan of a model that is compiled ahead of time and its C functions.
    std::vector<std::byte> (*tables)(const AotTables& tables);
    // A static library.
    std::vector<std::byte> (*archive)(std::span<const ObjectFile> objects);
};

// Loads the library where that has not been done. Throws ResourceError where it cannot be.
const Backend& backend();

}  // namespace lathe::codegen
