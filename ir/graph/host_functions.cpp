#include "ir/graph/host_functions.h"

#include <atomic>
#include <string>

#include "ir/error.h"

namespace lathe::ir {
namespace {

std::atomic<HostFunctions> host_functions{nullptr};

std::size_t bytes_of(const Type& type) {
    return size_of(type.dtype) * static_cast<std::size_t>(type.shape.element_count().constant());
}

}  // namespace

void set_host_functions(HostFunctions run) { host_functions.store(run, std::memory_order_relaxed); }

std::vector<Literal> run_host_function(const OpDef& op, const ReferenceContext& context) {
    const HostFunctions run = host_functions.load(std::memory_order_relaxed);
    if (run == nullptr) throw InternalError("nothing runs the function of " + std::string(op.name));
    std::vector<Type> types;
    for (const Literal& x : context.operands) types.push_back(x.type);
    const std::vector<bool> wanted(context.results.size(), true);
    const HostCall call = op.call({types, context.attributes, wanted});
    std::vector<std::vector<std::byte>> memory;
    for (const Literal& x : context.operands) {  // splats hold one element
        std::vector<std::byte>& bytes = memory.emplace_back();
        while (bytes.size() < bytes_of(x.type)) bytes.insert(bytes.end(), x.bytes->begin(), x.bytes->end());
    }
    for (const Type& t : context.results) memory.emplace_back(bytes_of(t));
    std::vector<void*> at;
    for (std::vector<std::byte>& bytes : memory) at.push_back(bytes.data());
    std::vector<std::int64_t> extents;
    for (Dim d : call.extents) extents.push_back(d.constant());
    run({call.function, at, extents, call.iterations.constant(), call.workspace.constant()});
    std::vector<Literal> results;
    for (std::size_t i = 0; i < context.results.size(); ++i)
        results.push_back(make_literal(context.results[i], memory[context.operands.size() + i]));
    return results;
}

}  // namespace lathe::ir
