#include "tests/run_program.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/loops/text.h"
#include "ir/ops/op.h"
#include "runtime/parallel.h"
#include "tests/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

std::vector<ir::Type> types_of(std::span<const Literal> literals) {
    std::vector<ir::Type> types;
    for (const Literal& l : literals) types.push_back(l.type);
    return types;
}

ir::Type concrete(ir::Type type, std::span<const std::int64_t> symbols) {
    for (std::size_t i = 0; i < type.shape.rank(); ++i) type.shape[i] = type.shape[i].evaluate(symbols).value();
    return type;
}

std::size_t bytes_of(const ir::Type& type) {
    return static_cast<std::size_t>(type.shape.element_count().constant()) * size_of(type.dtype);
}

// The memory of a program: inputs and constants, and what kernels write.
class Memories {
public:
    Memories(const ir::Graph& graph, std::span<const Literal> inputs, std::span<const std::int64_t> symbols)
        : symbols_(symbols) {
        for (std::size_t i = 0; i < inputs.size(); ++i) sources_[key(graph.parameters()[i])] = elements_of(inputs[i]);
    }

    void* argument(const passes::Memory& m, const ir::Buffer& buffer, std::span<const std::int64_t> extents) {
        if (buffer.role == ir::BufferRole::input && m.is_value() && m.value.node->op->lowering == ir::Lowering::source)
            return source(m.value).data();
        auto& memory = written_[key(m.value)];
        std::string layout(m.permutation.begin(), m.permutation.end());
        if (m.part != 0) layout = "part " + std::to_string(m.part);
        const auto [found, fresh] = memory.try_emplace(layout);
        if (fresh) {
            if (buffer.role == ir::BufferRole::input)
                throw InternalError(std::string(m.value.node->op->name) + " is read before it is written");
            found->second.assign(bytes_of(concrete(buffer.type, extents)), std::byte{0x5A});
        }
        return found->second.data();
    }

    Literal output(ir::Value v) const {
        const auto& memory = written_.at(key(v));
        const auto whole = memory.find("");
        if (whole == memory.end()) throw InternalError("an output was not written");
        return ir::make_literal(concrete(v.type(), symbols_), whole->second);
    }

private:
    using Key = std::pair<std::uint32_t, std::uint32_t>;
    static Key key(ir::Value v) { return {v.node->id, v.index}; }

    std::vector<std::byte>& source(ir::Value v) {
        const auto [found, fresh] = sources_.try_emplace(key(v));
        if (fresh) found->second = elements_of(std::get<Literal>(v.node->attributes[0]));
        return found->second;
    }

    std::span<const std::int64_t> symbols_;
    std::map<Key, std::vector<std::byte>> sources_;
    std::map<Key, std::map<std::string, std::vector<std::byte>>> written_;  // by value and layout
};

// Every iteration of a parallel loop is worth a task.
void cut_finely(const runtime::BoundPlan& bound) {
    auto* const steps = const_cast<lathe_bound_step*>(bound.tables->steps);
    for (std::uint32_t s = 0; s < bound.tables->plan->step_count; ++s)
        if (steps[s].kind == lathe_step_kernel && steps[s].trips > 1) {
            steps[s].grain = 1;
            steps[s].is_plain = 0;
        }
}

}  // namespace

std::vector<Literal> run_loops(const passes::Program& program, std::span<const Literal> inputs) {
    const ir::Graph& graph = *program.fused.graph;
    const std::vector<std::int64_t> symbols = ir::bind_symbols(graph, types_of(inputs));
    Memories memories(graph, inputs, symbols);
    for (const passes::LoweredKernel& kernel : program.kernels) {
        std::vector<std::int64_t> extents;
        for (ir::Dim d : kernel.extents) extents.push_back(d.evaluate(symbols).value());
        std::vector<void*> buffers;
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i)
            buffers.push_back(memories.argument(kernel.arguments[i], kernel.nest.buffers[i], extents));
        const std::int64_t trips = ir::parallel_trips(kernel.nest, extents);
        for (const auto& [begin, end] : {std::pair(trips / 2, trips), std::pair(std::int64_t{0}, trips / 2)}) {
            const ir::Fault fault = ir::interpret(kernel.nest, buffers, extents, begin, end);
            if (fault.site >= 0)
                throw IndexError(kernel.site_names.at(static_cast<std::size_t>(fault.site)) + " " + fault.to_string(),
                                 kernel.sites.at(static_cast<std::size_t>(fault.site)));
        }
    }
    std::vector<Literal> outputs;
    for (ir::Value v : graph.outputs()) outputs.push_back(memories.output(v));
    return outputs;
}

std::vector<Literal> run_compiled(const codegen::Executable& executable, std::span<const Literal> inputs, int threads) {
    const runtime::Plan& plan = executable.plan;
    std::vector<std::vector<std::int64_t>> shapes;
    std::vector<GuardedMemory> memory;
    std::vector<const void*> in;
    for (const Literal& x : inputs) {
        std::vector<std::int64_t>& shape = shapes.emplace_back();
        for (ir::Dim d : x.type.shape) shape.push_back(d.constant());
        const std::vector<std::byte> bytes = elements_of(x);
        memory.emplace_back(bytes.size());
        if (!bytes.empty()) std::memcpy(memory.back().data(), bytes.data(), bytes.size());
        in.push_back(memory.back().data());
    }
    const std::vector<std::span<const std::int64_t>> views(shapes.begin(), shapes.end());
    const auto bound = runtime::bind_plan_uncached(plan, runtime::symbols_of(plan, views));
    if (threads > 1) cut_finely(*bound);

    std::vector<void*> out;
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
        memory.emplace_back(static_cast<std::size_t>(bound->output_bytes[i]));
        std::memset(memory.back().data(), 0x5A, memory.back().size());
        out.push_back(memory.back().data());
    }
    for (const runtime::PlanDonation& d : plan.donations) out[d.output] = const_cast<void*>(in[d.input]);
    const std::size_t workspace_bytes = bound->workspace_bytes(threads);
    const runtime::Buffer workspace = runtime::allocate(std::max<std::size_t>(workspace_bytes, 1));
    std::memset(workspace.data(), 0x5A, workspace_bytes);
    const runtime::ThreadLimit limit(threads);
    if (const runtime::RunFault fault = runtime::run(*bound, in.data(), out.data(), workspace.data(), threads)) {
        for (const runtime::PlanDonation& d : plan.donations)
            if (!std::ranges::equal(elements_of(inputs[d.input]),
                                    std::span(memory[d.input].data(), memory[d.input].size())))
                throw InternalError("input " + std::to_string(d.input) + " was overwritten by a run that failed");
        throw IndexError(runtime::describe(plan, fault), ir::Loc::of_id(runtime::site_of(plan, fault).location));
    }

    std::vector<Literal> results;
    for (std::uint32_t i : executable.outputs) {
        ir::Type type{static_cast<ir::Dtype>(plan.outputs[i].dtype), {}};
        for (std::int64_t d : bound->output_dims[i]) type.shape.push_back(d);
        results.push_back(ir::make_literal(
            type, {static_cast<const std::byte*>(out[i]), static_cast<std::size_t>(bound->output_bytes[i])}));
    }
    return results;
}

}  // namespace lathe::testing_support
