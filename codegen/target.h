// What code is compiled for. Passes get numbers only, never the name of a processor.
#pragma once

#include <string>
#include <string_view>

namespace lathe::codegen {

struct Target {
    std::string name;      // of the level: a part of every kernel's key
    std::string cpu;       // as LLVM calls the level
    std::string features;  // of the processor that the level has besides, likewise
    int vector_bytes = 32;
    int vector_registers = 16;
    int cpu_level = 1;       // as runtime/cpu_features.h counts them
    bool runs_here = false;  // whether this processor offers the level
    friend bool operator==(const Target&, const Target&) = default;
};

// The highest level that this processor offers; throws UserError where it offers none.
Target host_target();
// "avx2", "avx512", "vnni" or "host"; throws UserError for other names.
Target target_named(std::string_view name);
// What differs from the level below it in products of bytes alone, without that. Other kernels are compiled for this.
Target without_features(const Target& target);

}  // namespace lathe::codegen
