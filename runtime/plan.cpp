#include "runtime/plan.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "runtime/find_call.h"
#include "runtime/parallel.h"

namespace lathe::runtime {
namespace {

// Equal expressions get one number.
class TableWriter {
public:
    explicit TableWriter(PlanTables& tables) : tables_(tables) {}

    std::uint32_t size(const SizeExpression& e) {
        if (e.depth() > lathe_size_stack) throw PlanError("a size is too complex");
        const auto tokens = e.tokens();
        const std::string_view key(reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes());
        const auto [found, fresh] =
            numbers_.try_emplace(std::string(key), static_cast<std::uint32_t>(tables_.expressions.size()));
        if (fresh) {
            tables_.expressions.push_back(
                {static_cast<std::uint32_t>(tables_.tokens.size()), static_cast<std::uint32_t>(tokens.size())});
            tables_.tokens.insert(tables_.tokens.end(), tokens.begin(), tokens.end());
        }
        return found->second;
    }

    std::uint32_t sizes(const std::vector<SizeExpression>& list) {
        const auto first = static_cast<std::uint32_t>(tables_.sizes.size());
        for (const SizeExpression& e : list) tables_.sizes.push_back(size(e));
        return first;
    }

    lathe_plan_tensor tensor(const PlanTensor& t) {
        return {t.element_size, sizes(t.dims), static_cast<std::uint32_t>(t.dims.size())};
    }

    lathe_plan_step step(const PlanStep& s) {
        lathe_plan_step out{};
        out.kind = static_cast<std::uint32_t>(s.kind);
        out.target = s.target;
        out.kernel = s.kernel;
        out.first_operand = static_cast<std::uint32_t>(tables_.operands.size());
        out.operand_count = static_cast<std::uint32_t>(s.operands.size());
        tables_.operands.insert(tables_.operands.end(), s.operands.begin(), s.operands.end());
        out.first_extent = sizes(s.extents);
        out.extent_count = static_cast<std::uint32_t>(s.extents.size());
        tables_.extent_count += out.extent_count;
        out.trips = size(s.trips);
        out.cost = size(s.cost);
        out.workspace = size(s.workspace);
        out.symbol = s.symbol;
        out.first_site = s.first_site;
        out.is_dynamic = s.is_dynamic ? 1 : 0;
        out.repeats = s.repeats ? 1 : 0;
        return out;
    }

private:
    PlanTables& tables_;
    std::unordered_map<std::string, std::uint32_t> numbers_;
};

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
    tables_ = {};
    TableWriter writer(tables_);
    for (const PlanTensor& t : inputs) tables_.inputs.push_back(writer.tensor(t));
    for (const PlanTensor& t : outputs) tables_.outputs.push_back(writer.tensor(t));
    for (const PlanPrecondition& p : preconditions) {
        tables_.preconditions.push_back(writer.size(p.a));
        tables_.preconditions.push_back(writer.size(p.b));
    }
    for (const PlanTemporary& t : temporaries) tables_.temporaries.push_back({writer.size(t.bytes), t.within});
    for (const PlanStep& s : steps) tables_.steps.push_back(writer.step(s));
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
               .expression_count = count(tables_.expressions),
               .precondition_count = count(preconditions),
               .input_count = count(inputs),
               .output_count = count(outputs),
               .constant_count = count(constants),
               .temporary_count = count(temporaries),
               .step_count = count(steps),
               .symbol_count = symbol_count,
               .iteration_count = iteration_count,
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
            const auto tokens = input.dims[axis].tokens();
            if (tokens.size() != 1 || tokens[0].code != lathe_size_symbol) continue;
            std::int64_t& symbol = symbols[static_cast<std::size_t>(tokens[0].value)];
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
    bound->memory.resize(static_cast<std::size_t>(lathe_bound_bytes_v4(&plan.c_plan()) + 7) / 8);
    const lathe_misfit misfit = lathe_bind_v4(&plan.c_plan(), symbols.data(), bound->memory.data());
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
    if (threads < 2) return {lathe_walk_v4(plan.tables, inputs, outputs, workspace, nullptr)};
    const lathe_pool pool = pool_of_thread(threads);
    return {lathe_walk_v4(plan.tables, inputs, outputs, workspace, &pool)};
}

}  // namespace lathe::runtime
