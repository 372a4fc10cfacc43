#include "runtime/plan.h"

#include <algorithm>
#include <xmmintrin.h>

#include "runtime/parallel.h"
#include "runtime/plan_rules.h"

namespace lathe::runtime {
namespace {

constexpr std::int64_t alignment = static_cast<std::int64_t>(buffer_alignment);

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) throw PlanError("a size does not fit 64 bits");
    return sum;
}

std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) throw PlanError("a size does not fit 64 bits");
    return product;
}

std::int64_t align(std::int64_t bytes) { return checked_add(bytes, alignment - 1) / alignment * alignment; }

std::vector<std::int64_t> dims_of(const PlanTensor& tensor, std::span<const std::int64_t> symbols) {
    std::vector<std::int64_t> dims;
    dims.reserve(tensor.dims.size());
    for (const SizeExpression& dim : tensor.dims) dims.push_back(dim.evaluate(symbols));
    return dims;
}

std::int64_t bytes_of(const PlanTensor& tensor, std::span<const std::int64_t> dims) {
    std::int64_t bytes = tensor.element_size;
    for (const std::int64_t dim : dims) {
        if (dim < 0) throw PlanError("'" + tensor.name + "' has the negative extent " + std::to_string(dim));
        bytes = checked_multiply(bytes, dim);
    }
    return bytes;
}

void check_preconditions(const Plan& plan, std::span<const std::int64_t> symbols) {
    for (const PlanPrecondition& p : plan.preconditions) {
        const std::int64_t a = p.a.evaluate(symbols), b = p.b.evaluate(symbols);
        if (a != b)
            throw PlanError(p.message + " (" + std::to_string(a) + " and " + std::to_string(b) + ")", p.location);
    }
}

void place_temporaries(const Plan& plan, BoundPlan& bound) {
    const std::size_t count = plan.temporaries.size();
    std::vector<std::int64_t> bytes(count);
    for (std::size_t t = 0; t < count; ++t) {
        bytes[t] = plan.temporaries[t].evaluate(bound.symbols);
        if (bytes[t] < 0) throw PlanError("a temporary has a negative size");
    }
    std::vector<Lifetime> lifetimes(count);
    for (std::size_t s = 0; s < plan.steps.size(); ++s)
        for (const std::uint32_t slot : plan.steps[s].operands) {
            if (slot < plan.temporary_slot(0)) continue;
            const std::size_t t = slot - plan.temporary_slot(0);
            Lifetime& life = lifetimes[t];
            if (life.last < life.first) life = {bytes[t], static_cast<std::int64_t>(s), static_cast<std::int64_t>(s)};
            life.last = static_cast<std::int64_t>(s);
        }
    const Placement placement = place(lifetimes);
    const std::int64_t table = align(static_cast<std::int64_t>(bound.slot_count * sizeof(void*)));
    bound.offsets.resize(count);
    for (std::size_t t = 0; t < count; ++t) bound.offsets[t] = table + placement.offsets[t];
    bound.workspace_bytes = checked_add(table, placement.total);
}

void resolve_steps(const Plan& plan, BoundPlan& bound) {
    std::size_t extents = 0;
    for (const PlanStep& step : plan.steps) extents += step.extents.size();
    bound.extents.reserve(extents);  // the steps point into it
    bound.steps.reserve(plan.steps.size());
    for (const PlanStep& step : plan.steps) {
        const std::int64_t* const first = bound.extents.data() + bound.extents.size();
        for (const SizeExpression& extent : step.extents) bound.extents.push_back(extent.evaluate(bound.symbols));
        const std::int64_t trips = step.trips.evaluate(bound.symbols);
        bound.steps.push_back({plan.kernels[step.kernel], step.operands.data(), first, trips,
                               lathe_step_grain(trips, step.cost.evaluate(bound.symbols))});
    }
}

// Floating point as the numerics are defined. MXCSR is per thread.
class DefaultRounding {
public:
    DefaultRounding() : previous_(_mm_getcsr()) {
        if (differs()) _mm_setcsr((previous_ & ~unsigned{lathe_mxcsr_controls}) | lathe_mxcsr_defaults);
    }
    ~DefaultRounding() {
        if (differs()) _mm_setcsr(previous_);
    }
    DefaultRounding(const DefaultRounding&) = delete;
    DefaultRounding& operator=(const DefaultRounding&) = delete;

private:
    bool differs() const { return (previous_ & lathe_mxcsr_controls) != lathe_mxcsr_defaults; }
    unsigned previous_;
};

struct StepTask {
    const lathe_step* step;
    void* const* slots;
    lathe_fault* fault;
    std::int32_t busy = 0;
};

void run_in_parallel(const lathe_step& step, void* const* slots, lathe_fault& fault) {
    StepTask task{&step, slots, &fault};
    parallel_for(step.trips, step.grain, [&task](std::int64_t begin, std::int64_t end) {
        const DefaultRounding rounding;
        lathe_fault own{-1, 0, 0, 0, 0};
        task.step->kernel(task.slots, task.step->operands, task.step->extents, begin, end, &own);
        lathe_merge_fault(task.fault, &own, &task.busy);
    });
}

}  // namespace

std::vector<std::int64_t> symbols_of(const Plan& plan, std::span<const std::span<const std::int64_t>> shapes) {
    if (shapes.size() != plan.inputs.size())
        throw PlanError("the plan has " + std::to_string(plan.inputs.size()) + " inputs, not " +
                        std::to_string(shapes.size()));
    constexpr std::int64_t unknown = -1;
    std::vector<std::int64_t> symbols(plan.symbol_count, unknown);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const PlanTensor& input = plan.inputs[i];
        if (shapes[i].size() != input.dims.size())
            throw PlanError("input '" + input.name + "' has rank " + std::to_string(input.dims.size()) + ", not " +
                            std::to_string(shapes[i].size()));
        for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
            const auto ops = input.dims[axis].ops();
            if (ops.size() != 1 || ops[0].code != SizeExpression::Code::symbol) continue;
            std::int64_t& symbol = symbols.at(static_cast<std::size_t>(ops[0].value));
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
    return symbols;
}

std::unique_ptr<const BoundPlan> bind_plan_uncached(const Plan& plan, std::span<const std::int64_t> symbols) {
    if (symbols.size() != plan.symbol_count) throw PlanError("the plan has another number of symbols");
    check_preconditions(plan, symbols);
    auto bound = std::make_unique<BoundPlan>();
    bound->symbols.assign(symbols.begin(), symbols.end());
    bound->slot_count = plan.slot_count();
    for (const PlanTensor& input : plan.inputs) bound->input_bytes.push_back(bytes_of(input, dims_of(input, symbols)));
    for (const PlanTensor& output : plan.outputs) {
        bound->output_dims.push_back(dims_of(output, symbols));
        bound->output_bytes.push_back(bytes_of(output, bound->output_dims.back()));
    }
    for (const Buffer& constant : plan.constants) bound->constants.push_back(constant.data());
    resolve_steps(plan, *bound);
    place_temporaries(plan, *bound);
    return bound;
}

Binding bind_plan(const Plan& plan, std::span<const std::int64_t> symbols) {
    if (const BoundPlan* const found = plan.bindings.find(symbols)) return Binding(found);
    if (auto found = plan.bindings.find_recent(symbols)) return Binding(std::move(found));
    return plan.bindings.insert(bind_plan_uncached(plan, symbols));
}

Placement place(std::span<const Lifetime> lifetimes) {
    Placement placement;
    placement.offsets.resize(lifetimes.size());
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < lifetimes.size(); ++i)
        if (lifetimes[i].last >= lifetimes[i].first && lifetimes[i].bytes > 0) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return lifetimes[a].bytes != lifetimes[b].bytes ? lifetimes[a].bytes > lifetimes[b].bytes : a < b;
    });
    std::vector<std::size_t> placed;  // by offset
    for (const std::size_t i : order) {
        const std::int64_t bytes = align(lifetimes[i].bytes);
        std::int64_t offset = 0;
        for (const std::size_t other : placed) {
            if (lifetimes[other].last < lifetimes[i].first || lifetimes[i].last < lifetimes[other].first) continue;
            if (placement.offsets[other] >= checked_add(offset, bytes)) break;
            offset = std::max(offset, placement.offsets[other] + align(lifetimes[other].bytes));
        }
        placement.offsets[i] = offset;
        placement.total = std::max(placement.total, checked_add(offset, bytes));
        const auto at =
            std::upper_bound(placed.begin(), placed.end(), offset,
                             [&](std::int64_t value, std::size_t other) { return value < placement.offsets[other]; });
        placed.insert(at, i);
    }
    return placement;
}

const PlanSite& site_of(const Plan& plan, const RunFault& fault) {
    static const PlanSite& nothing = *new PlanSite;  // never destroyed
    if (!fault) return nothing;
    const std::size_t site =
        plan.steps[static_cast<std::size_t>(fault.step)].first_site + static_cast<std::size_t>(fault.fault.site);
    return site < plan.sites.size() ? plan.sites[site] : nothing;
}

std::string describe(const Plan& plan, const RunFault& fault) {
    if (!fault) return {};
    const lathe_fault& f = fault.fault;
    const std::string& message = site_of(plan, fault).message;
    const std::string index =
        f.is_unsigned != 0 ? std::to_string(static_cast<std::uint64_t>(f.index)) : std::to_string(f.index);
    return (message.empty() ? "index" : message) + " " + index + " at position " + std::to_string(f.position) +
           " is out of range for " + std::to_string(f.bound);
}

RunFault run(const BoundPlan& plan, const void* const* inputs, void* const* outputs, void* workspace) {
    const DefaultRounding rounding;
    RunFault result;
    void** const slots = static_cast<void**>(workspace);
    void** slot = slots;
    for (std::size_t i = 0; i < plan.input_bytes.size(); ++i) *slot++ = const_cast<void*>(inputs[i]);
    for (std::size_t i = 0; i < plan.output_bytes.size(); ++i) *slot++ = outputs[i];
    for (const void* const constant : plan.constants) *slot++ = const_cast<void*>(constant);
    for (const std::int64_t offset : plan.offsets) *slot++ = static_cast<std::byte*>(workspace) + offset;
    const lathe_step* const end = plan.steps.data() + plan.steps.size();
    for (const lathe_step* step = plan.steps.data(); step != end; ++step) {
        if (step->grain == 0)
            step->kernel(slots, step->operands, step->extents, 0, step->trips, &result.fault);
        else
            run_in_parallel(*step, slots, result.fault);
        if (result.fault.site >= 0) [[unlikely]] {
            result.step = static_cast<std::int32_t>(step - plan.steps.data());
            return result;
        }
    }
    return result;
}

}  // namespace lathe::runtime
