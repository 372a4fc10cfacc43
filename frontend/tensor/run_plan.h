// Running a bound plan on raw memory, with the library's errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "frontend/tensor/call_memory.h"
#include "frontend/tensor/node.h"
#include "ir/loc.h"
#include "ir/type.h"
#include "runtime/plan.h"

namespace lathe::detail {

// Extents of nodes with known ones, as a plan wants to have them; all of it lies in the call's memory.
std::pmr::vector<std::span<const std::int64_t>> shapes_of(std::span<const NodeRef> nodes, CallMemory& memory);

// What an output of a bound plan is.
ir::Type output_type(const runtime::Plan& plan, const runtime::BoundPlan& bound, std::size_t output);

// Memory for a tensor; throws ResourceError.
runtime::Buffer allocate_tensor(std::size_t bytes);

// The same for an output of a plan; the error names the call that makes it.
runtime::Buffer allocate_output(const runtime::Plan& plan, const runtime::BoundPlan& bound, std::size_t output);

// An index out of range, at the line that made the op, which `caller` called.
[[noreturn]] void throw_fault(const runtime::Plan& plan, const runtime::RunFault& fault, ir::Loc caller = {});
// Extents that a plan does not fit: at the line that demanded others, if one did, else of the function that was called.
[[noreturn]] void throw_misfit(const runtime::PlanError& error, const std::string& function, ir::Loc caller);

// Runs with a workspace that the thread keeps. Throws ResourceError where there is no memory for it, or for kernels
// that are interpreted.
runtime::RunFault try_run_bound(const runtime::BoundPlan& bound, const void* const* inputs, void* const* outputs);
// The same. Throws IndexError with the line that made the op, where an index was out
// of range; outputs are then undefined.
void run_bound(const runtime::Plan& plan, const runtime::BoundPlan& bound, const void* const* inputs,
               void* const* outputs, ir::Loc caller);

}  // namespace lathe::detail
