// Whether this process may turn memory into code. Some sandboxes and hardened systems refuse that to all but the loader
// of programs; kernels are then interpreted.
#pragma once

#include <string>

namespace lathe::codegen {

struct ExecutableMemory {
    bool allowed = true;
    std::string refusal;  // why not, as the system says it
};
// Found out by trying, once per process.
const ExecutableMemory& executable_memory();

}  // namespace lathe::codegen
