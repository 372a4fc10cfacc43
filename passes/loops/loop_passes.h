// Rewrites of loop nests: each takes a sound nest and leaves a sound one that computes the same bits.
#pragma once

#include <cstdint>

#include "ir/loops/loops.h"

namespace lathe::passes {

// What the rewrites need to know of a machine.
struct LoopTarget {
    int vector_bytes = 64;
    int vector_registers = 32;
    std::int64_t stream_bytes = std::int64_t{16} << 20;  // results of this size do not stay in the cache
    std::int64_t staged_elements = 1 << 18;              // a reduction of so many to one value is worth two kernels

    // Whether so many elements do not stay in the cache.
    bool streams(std::int64_t count, ir::Dtype dtype) const {
        return count >= stream_bytes / static_cast<std::int64_t>(size_of(dtype));
    }
};

// Joins loops over dimensions that are adjacent in every array that either indexes, so that a contiguous array is
// walked by one loop and rank does not matter.
void collapse(ir::LoopNest& nest, const LoopTarget& target);

// Marks innermost loops and lane-ordered reductions to run in vectors.
void vectorize(ir::LoopNest& nest, const LoopTarget& target);

// Brings a loop whose iterations read the same vectors, as those of a depthwise convolution do its weights, into the
// vector loop that it holds.
void interchange(ir::LoopNest& nest, const LoopTarget& target);

// Renumbers symbols, buffers and values in order of appearance, drops what is unused, and turns extents that occur only
// as a product into one extent, so that equal nests have equal text.
struct Renumbering {
    std::vector<ir::Dim> extents;        // the arguments that remain, over the old extents
    std::vector<std::size_t> arguments;  // the buffers that remain, by their old numbers
};
Renumbering canonicalize(ir::LoopNest& nest);

// Estimated picoseconds of one iteration of the parallel loop (of the whole nest where there is none), over the
// extents.
ir::Dim iteration_cost(const ir::LoopNest& nest, const LoopTarget& target);

}  // namespace lathe::passes
