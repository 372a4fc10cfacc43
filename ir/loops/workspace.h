// Where the scratch of a kernel lies. Little of constant size lies on the stack, which hosts may have made small, or in
// registers; the rest in the workspace that each task gets.
#pragma once

#include <optional>
#include <vector>

#include "ir/loops/loops.h"

namespace lathe::ir {

struct Workspace {
    std::vector<std::optional<Dim>> offsets;  // bytes, by buffer of the nest; none: not in the workspace
    Dim bytes = 0;                            // over the nest's extents
};

Workspace workspace_of(const LoopNest& nest);

// Elements behind the end of any scratch that a vector may touch.
inline constexpr std::int64_t scratch_slack = 256;

}  // namespace lathe::ir
