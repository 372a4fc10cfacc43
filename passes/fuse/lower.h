// Lowering: a fused group becomes a plain loop nest, one loop per dimension of its domain, nothing tiled or vectorized.
//
// Extents become arguments of the kernel. Dimensions that the group's ops force to be equal share one; dimensions that
// merely have the same number do not, so a kernel serves every shape of the same structure. An extent of 1 is
// structure.
#pragma once

#include <vector>

#include "ir/loops/loops.h"
#include "passes/fuse/fuse.h"

namespace lathe::passes {

struct LoweredKernel {
    ir::LoopNest nest;
    std::vector<Memory> arguments;        // of the nest's buffers, in order
    std::vector<ir::Dim> extents;         // of the nest's extents, in order, over the graph's symbols
    std::vector<ir::Loc> sites;           // by BindIndex::site: the node whose index may be out of range
    std::vector<std::string> site_names;  // see index_name
    ir::Loc loc;                          // of all members

    // A dimension over the nest's extents, over the graph's symbols.
    ir::Dim over_graph(ir::Dim d) const {
        return d.substitute([this](ir::Symbol s) { return extents[s]; });
    }
};

LoweredKernel lower(const Group& group);

}  // namespace lathe::passes
