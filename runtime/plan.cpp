#include "runtime/plan.h"

#include <algorithm>

#include "runtime/find_call.h"
#include "runtime/parallel.h"
#include "runtime/table_writer.h"

namespace lathe::runtime {
namespace {

std::vector<std::int64_t> dims_of(const PlanTensor& tensor, std::span<const std::int64_t> symbols) {
    std::vector<std::int64_t> dims;
    dims.reserve(tensor.dims.size());
    for (const SizeExpression& dim : tensor.dims) dims.push_back(dim.evaluate(symbols));
    return dims;
}

std::int64_t bytes_of(const PlanTensor& tensor, std::span<const std::int64_t> dims) {
    std::int64_t bytes = tensor.element_size;
    for (const std::int64_t dim : dims) bytes *= dim;  // known to fit
    return bytes;
}

[[noreturn]] void throw_misfit(const Plan& plan, const lathe_misfit& m) {
    switch (m.kind) {
        case lathe_misfit_symbol:
            throw PlanError("the extent " + std::to_string(m.a) + " is negative");
        case lathe_misfit_precondition: {
            const PlanPrecondition& p = plan.preconditions[m.which];
            throw PlanError(p.message + " (" + std::to_string(m.a) + " and " + std::to_string(m.b) + ")", p.location);
        }
        case lathe_misfit_extent: {
            const std::size_t inputs = plan.inputs.size();
            const PlanTensor& t = m.which < inputs ? plan.inputs[m.which] : plan.outputs[m.which - inputs];
            throw PlanError("'" + t.name + "' has the negative extent " + std::to_string(m.a));
        }
        case lathe_misfit_division:
            throw PlanError("a size divides by zero");
        default:
            throw PlanError("a size does not fit 64 bits");
    }
}

}  // namespace

void Plan::add_calls() {
    for (const std::string& name : calls) kernels.push_back(find_call(name));
}

void Plan::finish() {
    tables_ = TableWriter::write(*this);
    constant_addresses_.clear();
    for (const Buffer& c : constants) constant_addresses_.push_back(c.data());

    const auto count = [](const auto& v) { return static_cast<std::uint32_t>(v.size()); };
    c_plan_ = {.tokens = tables_.tokens.data(),
               .expressions = tables_.expressions.data(),
               .sizes = tables_.sizes.data(),
               .operands = tables_.operands.data(),
               .preconditions = tables_.preconditions.data(),
               .inputs = tables_.inputs.data(),
               .outputs = tables_.outputs.data(),
               .constants = constant_addresses_.data(),
               .temporaries = tables_.temporaries.data(),
               .kernels = kernels.data(),
               .steps = tables_.steps.data(),
               .shared = tables_.shared.data(),
               .expression_count = count(tables_.expressions),
               .precondition_count = count(preconditions),
               .input_count = count(inputs),
               .output_count = count(outputs),
               .constant_count = count(constants),
               .temporary_count = count(temporaries),
               .step_count = count(steps),
               .symbol_count = symbol_count,
               .iteration_count = iteration_count,
               .shared_count = count(tables_.shared),
               .extent_count = tables_.extent_count};
}

std::vector<std::int64_t> symbols_of(const Plan& plan, std::span<const std::span<const std::int64_t>> shapes) {
    if (shapes.size() != plan.inputs.size())
        throw PlanError("the plan has " + std::to_string(plan.inputs.size()) + " inputs, not " +
                        std::to_string(shapes.size()));
    std::vector<std::int64_t> symbols(plan.symbol_count);
    find_symbols(plan, shapes, symbols);
    return symbols;
}

void find_symbols(const Plan& plan, std::span<const std::span<const std::int64_t>> shapes,
                  std::span<std::int64_t> symbols) {
    constexpr std::int64_t unknown = -1;
    std::ranges::fill(symbols, unknown);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const PlanTensor& input = plan.inputs[i];
        if (shapes[i].size() != input.dims.size())
            throw PlanError("input '" + input.name + "' has rank " + std::to_string(input.dims.size()) + ", not " +
                            std::to_string(shapes[i].size()));
        for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
            const lathe_token& dim = input.dims[axis].node().token;
            if (dim.code != lathe_size_symbol) continue;
            std::int64_t& symbol = symbols[static_cast<std::size_t>(dim.value)];
            if (symbol == unknown) symbol = shapes[i][axis];
        }
    }
    if (std::find(symbols.begin(), symbols.end(), unknown) != symbols.end())
        throw PlanError("a symbol of the plan is the extent of no input");
    for (std::size_t i = 0; i < shapes.size(); ++i)
        for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
            const std::int64_t expected = plan.inputs[i].dims[axis].evaluate(symbols);
            if (shapes[i][axis] != expected)
                throw PlanError("input '" + plan.inputs[i].name + "' has the extent " +
                                std::to_string(shapes[i][axis]) + " in dimension " + std::to_string(axis) + ", not " +
                                std::to_string(expected));
        }
}

std::unique_ptr<const BoundPlan> bind_plan_uncached(const Plan& plan, std::span<const std::int64_t> symbols) {
    if (symbols.size() != plan.symbol_count) throw PlanError("the plan has another number of symbols");
    auto bound = std::make_unique<BoundPlan>();
    bound->symbols.assign(symbols.begin(), symbols.end());
    bound->memory.resize(static_cast<std::size_t>(lathe_bound_bytes_v5(&plan.c_plan()) + 7) / 8);
    const lathe_misfit misfit = lathe_bind_v5(&plan.c_plan(), symbols.data(), bound->memory.data());
    if (misfit.kind != lathe_fits) throw_misfit(plan, misfit);
    bound->tables = reinterpret_cast<const lathe_bound_plan*>(bound->memory.data());
    for (const PlanTensor& input : plan.inputs) bound->input_bytes.push_back(bytes_of(input, dims_of(input, symbols)));
    for (const PlanTensor& output : plan.outputs) {
        bound->output_dims.push_back(dims_of(output, symbols));
        bound->output_bytes.push_back(bytes_of(output, bound->output_dims.back()));
    }
    return bound;
}

Binding bind_plan(const Plan& plan, std::span<const std::int64_t> symbols) {
    if (const BoundPlan* const found = plan.bindings.find(symbols)) return Binding(found);
    if (auto found = plan.bindings.find_recent(symbols)) return Binding(std::move(found));
    return plan.bindings.insert(bind_plan_uncached(plan, symbols));
}

const PlanSite& site_of(const Plan& plan, const RunFault& fault) {
    static const PlanSite& nothing = *new PlanSite;  // never destroyed
    const auto site = static_cast<std::size_t>(fault.fault.site);
    return fault && site < plan.sites.size() ? plan.sites[site] : nothing;
}

std::string describe(const Plan& plan, const RunFault& fault) {
    if (!fault) return {};
    if (fault.is_memory()) return "there is no memory to interpret a kernel";
    const lathe_fault& f = fault.fault;
    const std::string& message = site_of(plan, fault).message;
    const std::string index =
        f.is_unsigned != 0 ? std::to_string(static_cast<std::uint64_t>(f.index)) : std::to_string(f.index);
    return (message.empty() ? "index" : message) + " " + index + " at position " + std::to_string(f.position) +
           " is out of range for " + std::to_string(f.bound);
}

int BoundPlan::threads() const { return tables->is_parallel != 0 ? thread_count() : 1; }

std::size_t BoundPlan::workspace_bytes(int threads) const {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(tables->worker_bytes, std::int64_t{threads}, &bytes) ||
        __builtin_add_overflow(bytes, tables->workspace_bytes, &bytes))
        throw PlanError("a size does not fit 64 bits");
    return static_cast<std::size_t>(bytes);
}

RunFault run(const BoundPlan& plan, const void* const* inputs, void* const* outputs, void* workspace, int threads) {
    if (threads < 2) return {lathe_walk_v5(plan.tables, inputs, outputs, workspace, nullptr)};
    const lathe_pool pool = pool_of_thread(threads);
    return {lathe_walk_v5(plan.tables, inputs, outputs, workspace, &pool)};
}

}  // namespace lathe::runtime
