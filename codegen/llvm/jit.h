// Puts object code into this process.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "codegen/backend.h"

namespace lathe::codegen {

// One per process. Any number of threads may load at once. Throws ResourceError where the system refuses executable
// memory.
class Jit {
public:
    static Jit& shared();
    // Several loads of one object, or of equal symbols, do not clash.
    std::shared_ptr<const LoadedCode> load(std::span<const std::byte> object, std::string_view symbol);
    ~Jit();
    Jit(const Jit&) = delete;
    Jit& operator=(const Jit&) = delete;

private:
    Jit();
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace lathe::codegen
