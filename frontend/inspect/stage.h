// The stages of compilation that have a text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

enum class Stage : std::uint8_t {
    graph,      // as it was recorded, traced or written
    optimized,  // simplified
    fused,      // which nodes share a kernel, and why others do not
    program,    // buffers, and the steps that run, with their loop nests
    loops,      // the scheduled loop nest of each kernel
    llvm,       // LLVM's IR of each kernel
    assembly,   // the machine code of each kernel
};

// As `lathe print --stage` takes them: "graph", ..., "asm".
std::string_view name(Stage stage);
std::string_view describe(Stage stage);
std::span<const Stage> all_stages();

struct TextOptions {
    std::string target = "host";     // of models: what is compiled for
    std::vector<std::string> off{};  // of models: names of passes that are left out
    bool locations = false;          // show which source lines made each node, buffer and step
    bool whole = false;              // long constants in full, and the graph of a fused program: the text parses again
};

}  // namespace lathe
