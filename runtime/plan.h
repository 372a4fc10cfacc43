// The symbolic plan of a compiled graph, as data: sizes are expressions over symbols, kernels are addresses.
//
// Binding a plan to the values of its symbols resolves every extent and places the temporaries in one workspace;
// running a bound plan walks a flat table of steps. A new shape costs a new binding (microseconds), never new machine
// code.
//
//   Plan plan = ...;                                    // filled once by the compiler, then immutable
//   Binding bound = bind_plan(plan, symbols);                // cached
//   Buffer workspace = allocate(bound->workspace_bytes);
//   RunFault fault = run(*bound, inputs, outputs, workspace.data());
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/abi.h"
#include "runtime/buffer.h"

namespace lathe::runtime {

// Inputs that don't fit the plan, or sizes that overflow. Codegen and frontend translate it to their own errors.
class PlanError : public std::runtime_error {
public:
    explicit PlanError(const std::string& message, std::uint32_t location = 0)
        : std::runtime_error(message), location_(location) {}
    // Of the calls that demanded what does not hold, as in PlanPrecondition.
    std::uint32_t location() const { return location_; }

private:
    std::uint32_t location_;
};

// An integer expression over the symbols, in postfix order.
class SizeExpression {
public:
    enum class Code : std::uint8_t { constant, symbol, add, subtract, multiply, floordiv, min, max };
    struct Op {
        Code code = Code::constant;
        std::int64_t value = 0;  // of a constant, or the number of a symbol
        friend bool operator==(const Op&, const Op&) = default;
    };

    SizeExpression() : SizeExpression(0) {}
    SizeExpression(std::int64_t constant)  // NOLINT(google-explicit-constructor): a number is an expression
        : ops_{{Code::constant, constant}} {}
    static SizeExpression symbol(std::uint32_t number);
    static SizeExpression binary(Code code, const SizeExpression& a, const SizeExpression& b);

    std::int64_t evaluate(std::span<const std::int64_t> symbols) const;  // throws PlanError: overflow, division by zero

    std::span<const Op> ops() const { return ops_; }  // for the AOT emitter
    int depth() const { return depth_; }              // stack entries that an evaluation needs
    friend bool operator==(const SizeExpression& a, const SizeExpression& b) { return a.ops_ == b.ops_; }

private:
    std::vector<Op> ops_;
    int depth_ = 1;
};

inline SizeExpression operator+(const SizeExpression& a, const SizeExpression& b) {
    return SizeExpression::binary(SizeExpression::Code::add, a, b);
}
inline SizeExpression operator*(const SizeExpression& a, const SizeExpression& b) {
    return SizeExpression::binary(SizeExpression::Code::multiply, a, b);
}

// An input or output of the plan.
struct PlanTensor {
    std::string name;
    std::uint8_t dtype = 0;  // not interpreted here; the compiler's numbering
    std::int64_t element_size = 0;
    std::vector<SizeExpression> dims;
    std::string op{};            // outputs: what makes it, for messages
    std::uint32_t location = 0;  // of the call that does: an id that the compiler gave, not interpreted here
};

// Kernel arguments are slots: inputs, then outputs, then constants, then temporaries.
struct PlanStep {
    std::uint32_t kernel = 0;             // index into Plan::kernels
    std::vector<std::uint32_t> operands;  // slots
    std::vector<SizeExpression> extents;
    SizeExpression trips = 1;      // iterations of the kernel's parallel loop; 1 where it has none
    SizeExpression cost = 0;       // estimated picoseconds of one iteration; 0: never run in parallel
    std::uint32_t first_site = 0;  // the kernel's fault site k is Plan::sites[first_site + k]
};

struct PlanPrecondition {
    SizeExpression a, b;  // must be equal
    std::string message;
    std::uint32_t location = 0;  // of the calls that made it, as in PlanTensor
};

// Where a kernel may find an index that is out of range.
struct PlanSite {
    std::string message;         // what is out of range: "gather: index"
    std::uint32_t location = 0;  // as in PlanPrecondition
};

// The output may be given the input's memory when nothing else holds it: no step reads the input after the output is
// first written, and no step from there on can fault.
struct PlanDonation {
    std::uint32_t input = 0, output = 0;
};

// A plan with concrete sizes.
struct BoundPlan {
    std::vector<std::int64_t> symbols;
    std::vector<lathe_step> steps;
    std::vector<std::int64_t> offsets;  // of temporaries, in the workspace
    std::vector<std::int64_t> extents;  // storage of the steps' extents
    std::vector<const void*> constants;
    std::vector<std::vector<std::int64_t>> output_dims;
    std::vector<std::int64_t> input_bytes, output_bytes;
    std::uint32_t slot_count = 0;
    std::int64_t workspace_bytes = 0;  // the slot table, then the temporaries
};

// Keeps a BoundPlan alive: those in the plan's table live as long as the plan.
class Binding {
public:
    explicit Binding(const BoundPlan* of_plan) : bound_(of_plan) {}
    explicit Binding(std::shared_ptr<const BoundPlan> own) : bound_(own.get()), own_(std::move(own)) {}
    const BoundPlan& operator*() const { return *bound_; }
    const BoundPlan* operator->() const { return bound_; }

private:
    const BoundPlan* bound_;
    std::shared_ptr<const BoundPlan> own_;
};

// Bindings by symbol values. Hits in the table take no lock; what does not fit there is kept in a short list, oldest
// first out.
class BindingCache {
public:
    BindingCache() = default;
    BindingCache(const BindingCache&) = delete;
    BindingCache& operator=(const BindingCache&) = delete;
    ~BindingCache();

    const BoundPlan* find(std::span<const std::int64_t> symbols) const;  // in the table only
    std::shared_ptr<const BoundPlan> find_recent(std::span<const std::int64_t> symbols);
    Binding insert(std::unique_ptr<const BoundPlan> bound);
    std::size_t size() const;

private:
    static constexpr std::size_t table_size = 64, probes = 8, recent_size = 64;
    std::array<std::atomic<const BoundPlan*>, table_size> table_{};
    mutable std::mutex mutex_;  // protects recent_
    std::vector<std::shared_ptr<const BoundPlan>> recent_;
};

struct Plan {
    std::uint32_t symbol_count = 0;
    std::vector<PlanTensor> inputs, outputs;
    std::vector<Buffer> constants;
    std::vector<std::int64_t> constant_bytes;  // as many: buffers may be larger
    std::vector<SizeExpression> temporaries;   // bytes; each is alive from the first to the last step that has it
    std::vector<lathe_kernel> kernels;
    std::vector<PlanStep> steps;
    std::vector<PlanPrecondition> preconditions;
    std::vector<PlanDonation> donations;
    std::vector<PlanSite> sites;
    std::vector<std::shared_ptr<const void>> owners;  // keep the kernels' code alive
    mutable BindingCache bindings;

    std::uint32_t output_slot(std::uint32_t i) const { return static_cast<std::uint32_t>(inputs.size()) + i; }
    std::uint32_t constant_slot(std::uint32_t i) const {
        return output_slot(static_cast<std::uint32_t>(outputs.size())) + i;
    }
    std::uint32_t temporary_slot(std::uint32_t i) const {
        return constant_slot(static_cast<std::uint32_t>(constants.size())) + i;
    }
    std::uint32_t slot_count() const { return temporary_slot(static_cast<std::uint32_t>(temporaries.size())); }
};

// The symbols' values that the inputs' shapes imply. Throws PlanError where a shape does not fit.
std::vector<std::int64_t> symbols_of(const Plan& plan, std::span<const std::span<const std::int64_t>> shapes);

// Throws PlanError where a precondition fails or a size overflows. Thread-safe; cached.
Binding bind_plan(const Plan& plan, std::span<const std::int64_t> symbols);
std::unique_ptr<const BoundPlan> bind_plan_uncached(const Plan& plan, std::span<const std::int64_t> symbols);

// Placement of temporaries whose lifetimes [first, last] overlap at disjoint offsets, by decreasing size.
struct Lifetime {
    std::int64_t bytes = 0, first = 0, last = -1;
};
struct Placement {
    std::vector<std::int64_t> offsets;
    std::int64_t total = 0;
};
Placement place(std::span<const Lifetime> lifetimes);

// Where a run stopped: `step` is -1 when nothing went wrong. What it wrote to outputs by then is undefined.
struct RunFault {
    std::int32_t step = -1;
    lathe_fault fault{-1, 0, 0, 0, 0};
    explicit operator bool() const { return step >= 0; }
};
const PlanSite& site_of(const Plan& plan, const RunFault& fault);
// "<site> 7 at position 3 is out of range for 5"; empty where nothing went wrong.
std::string describe(const Plan& plan, const RunFault& fault);

// Runs the steps in order. `workspace` has workspace_bytes, aligned to 64. Allocates nothing, takes no lock. Outputs
// may be the memory of inputs as the plan's donations say. Threads: as parallel.h says for the calling thread.
RunFault run(const BoundPlan& plan, const void* const* inputs, void* const* outputs, void* workspace);

}  // namespace lathe::runtime
