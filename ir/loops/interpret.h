// The reference interpreter of loop nests.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ir/loops/loops.h"

namespace lathe::ir {

// A fault that a kernel recorded: an index out of range. Of several, the one with the least site, then position.
struct Fault {
    std::int32_t site = -1;    // of a BindIndex; -1: none
    bool is_unsigned = false;  // the index is a std::uint64_t
    std::int64_t index = 0, bound = 0, position = 0;

    bool precedes(const Fault& other) const {
        if (site < 0 || other.site < 0) return site >= 0;
        return site != other.site ? site < other.site : position < other.position;
    }
    // "7 at position 3 is out of range for 5"
    std::string to_string() const;
};

// Runs iterations [begin, end) of the parallel loop (0, 1 where there is none) on raw memory: the reference for
// kernels. `buffers` holds the arguments in order, `extents` the extents. Checks every index against its buffer's shape
// and throws InternalError outside it.
Fault interpret(const LoopNest& nest, std::span<void* const> buffers, std::span<const std::int64_t> extents,
                std::int64_t begin, std::int64_t end);

// How many iterations the parallel loop has for given extents (1 where there is none).
std::int64_t parallel_trips(const LoopNest& nest, std::span<const std::int64_t> extents);

}  // namespace lathe::ir
