// Fusion: which nodes are computed together, in one kernel, decided by loop structure; see ir/program/group.h.
#pragma once

#include <memory>

#include "ir/program/program.h"
#include "passes/remark.h"

namespace lathe::passes {

struct FuseOptions {
    bool enabled = true;            // false: every node on its own
    std::size_t max_members = 96;   // bounds compile time and the size of a kernel
    std::size_t max_epilogue = 24;  // scalar instructions behind a contraction
};

// A program of groups, in an order that respects their dependencies. What was not fused, and why, goes to `remarks`.
ir::Program fuse(std::shared_ptr<const ir::Graph> graph, const FuseOptions& options, Remarks& remarks);

}  // namespace lathe::passes
