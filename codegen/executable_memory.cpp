#include "codegen/executable_memory.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace lathe::codegen {
namespace {

// As code is loaded: written first, then made executable. Where there is no memory at all, nothing is known.
ExecutableMemory try_it() {
    const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const page = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return {};
    ExecutableMemory found;
    if (mprotect(page, bytes, PROT_READ | PROT_EXEC) != 0 && errno != ENOMEM)
        found = {false, std::string("the system refuses executable memory: ") + std::strerror(errno)};
    munmap(page, bytes);
    return found;
}

}  // namespace

const ExecutableMemory& executable_memory() {
    static const auto& found = *new ExecutableMemory(try_it());  // never destroyed
    return found;
}

}  // namespace lathe::codegen
