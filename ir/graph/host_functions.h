// The seam to functions of the library that this folder does not have. An opaque row without a reference is defined by
// its function: a second implementation would not have its bits. Whoever has the functions says how they run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/ops/op.h"

namespace lathe::ir {

// A call of HostCall::function: all iterations, one after the other, on the operands and results in memory, with a
// workspace of its own.
struct HostRun {
    std::string_view function;
    std::span<void* const> memory;
    std::span<const std::int64_t> extents;
    std::int64_t iterations = 0, workspace = 0;
};
using HostFunctions = void (*)(const HostRun& run);
void set_host_functions(HostFunctions run);

// The results of an op, all of them, as its function computes them. All types and attributes are constant.
std::vector<Literal> run_host_function(const OpDef& op, const ReferenceContext& context);

}  // namespace lathe::ir
