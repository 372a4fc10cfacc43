// What work that is pending, and memory, may take.
#pragma once

#include <cstdint>

namespace lathe {

// Pending nodes that a recorded call may sit on before it is evaluated at once: bounds the memory of work not yet done.
void limit_pending(std::uint32_t nodes);
std::uint32_t pending_limit();
// Bytes that tensors may take, together with what is kept for reuse. What would exceed them throws ResourceError, as
// does what the machine or the process's control group does not have; all that was computed before stays.
void limit_memory(std::uint64_t bytes);
std::uint64_t memory_limit();

}  // namespace lathe
