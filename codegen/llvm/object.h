// Loop nests to object code, and to the texts on the way.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/backend.h"
#include "codegen/target.h"
#include "ir/loops/loops.h"

namespace lathe::codegen {

// Compiles kernels for one target. Holds LLVM's context and code generator: one per thread, used by one thread at a
// time.
class ObjectCompiler final : public KernelCompiler {
public:
    explicit ObjectCompiler(const Target& target);
    ~ObjectCompiler() override;
    ObjectCompiler(const ObjectCompiler&) = delete;
    ObjectCompiler& operator=(const ObjectCompiler&) = delete;

    // A relocatable object that defines `symbol` (a lathe_kernel) and needs no other.
    std::vector<std::byte> compile(const ir::LoopNest& nest, std::string_view symbol) override;
    std::string llvm_text(const ir::LoopNest& nest, std::string_view symbol) override;  // after the passes
    std::string assembly(const ir::LoopNest& nest, std::string_view symbol) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace lathe::codegen
