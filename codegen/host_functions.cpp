// The interpreter of graphs runs the functions of the library that define their ops.
#include "ir/graph/host_functions.h"

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "ir/error.h"
#include "runtime/find_call.h"

namespace lathe::codegen {
namespace {

void run_host_function(const ir::HostRun& run) {
    const lathe_kernel function = runtime::find_call(run.function);
    if (function == nullptr) throw InternalError("there is no function " + std::string(run.function));
    std::vector<std::uint32_t> operands;
    for (std::uint32_t i = 0; i < run.memory.size(); ++i) operands.push_back(i);
    constexpr std::align_val_t alignment{64};
    const auto free = [&](void* memory) { ::operator delete(memory, alignment); };
    const std::unique_ptr<void, decltype(free)> workspace(
        ::operator new(static_cast<std::size_t>(run.workspace), alignment), free);
    lathe_task task{{-1, 0, 0, 0, 0}, workspace.get()};
    function(run.memory.data(), operands.data(), run.extents.data(), 0, run.iterations, &task);
}

const bool interpreter_calls = (ir::set_host_functions(run_host_function), true);

}  // namespace
}  // namespace lathe::codegen
