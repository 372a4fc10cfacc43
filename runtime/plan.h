// The symbolic plan of a compiled graph in this process: what the compiler fills, the tables that it becomes, and its
// bindings to concrete sizes.
//
//   Plan plan = ...;                                    // filled by the compiler
//   plan.finish();                                      // then immutable
//   Binding bound = bind_plan(plan, symbols);           // cached: a new shape costs microseconds, never machine code
//   const int threads = bound->threads();
//   Buffer workspace = allocate(bound->workspace_bytes(threads));
//   RunFault fault = run(*bound, inputs, outputs, workspace.data(), threads);
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
#include "runtime/bound_plan.h"
#include "runtime/buffer.h"
#include "runtime/plan_tables.h"
#include "runtime/size_expression.h"

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

// An input or output of the plan.
struct PlanTensor {
    std::string name;
    std::uint8_t dtype = 0;  // not interpreted here; the compiler's numbering
    std::int64_t element_size = 0;
    std::vector<SizeExpression> dims;
    std::string op{};            // outputs: what makes it, for messages
    std::uint32_t location = 0;  // of the call that does: an id that the compiler gave, not interpreted here
};

// A step as plan_tables.h describes it.
struct PlanStep {
    lathe_step_kind kind = lathe_step_kernel;
    std::uint32_t target = 0;
    std::uint32_t kernel = 0;             // in Plan::kernels
    std::vector<std::uint32_t> operands;  // slots: inputs, then outputs, then constants, then temporaries
    std::vector<SizeExpression> extents;
    SizeExpression trips = 1;
    SizeExpression cost = 0;
    SizeExpression workspace = 0;
    std::uint32_t symbol = 0;
    std::uint32_t first_site = 0;
    bool is_dynamic = false;
    bool repeats = false;
};

struct PlanTemporary {
    SizeExpression bytes;
    std::uint32_t within = lathe_no_step;
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

// The arrays behind a lathe_plan, but for constants and kernels.
struct PlanTables {
    std::vector<lathe_token> tokens;
    std::vector<lathe_expression> expressions;
    std::vector<std::uint32_t> sizes, operands, preconditions, shared;
    std::vector<lathe_plan_tensor> inputs, outputs;
    std::vector<lathe_plan_temporary> temporaries;
    std::vector<lathe_plan_step> steps;
    std::uint32_t extent_count = 0;
};

// A plan with concrete sizes.
struct BoundPlan {
    std::vector<std::int64_t> symbols;
    std::vector<std::vector<std::int64_t>> output_dims;
    std::vector<std::int64_t> input_bytes, output_bytes;
    std::vector<std::uint64_t> memory;  // of the tables
    const lathe_bound_plan* tables = nullptr;

    int threads() const;  // that a run on the calling thread should use
    std::size_t workspace_bytes(int threads) const;
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
    std::uint32_t symbol_count = 0;     // that the inputs' shapes imply
    std::uint32_t iteration_count = 0;  // symbols of loops, numbered behind those of the machine
    std::vector<PlanTensor> inputs, outputs;
    std::vector<Buffer> constants;
    std::vector<std::int64_t> constant_bytes;  // as many: buffers may be larger
    std::vector<PlanTemporary> temporaries;
    std::vector<std::string> calls;     // functions by their names, which are numbered behind the kernels
    std::vector<lathe_kernel> kernels;  // and those functions
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

    // Puts the functions that it calls behind its kernels.
    void add_calls();
    // Makes the tables of everything above, which may not change any more. Throws PlanError where a size is too
    // complex.
    void finish();
    const PlanTables& tables() const { return tables_; }
    const lathe_plan& c_plan() const { return c_plan_; }

private:
    PlanTables tables_;
    std::vector<const void*> constant_addresses_;
    lathe_plan c_plan_{};
};

// The symbols' values that the inputs' shapes imply. Throws PlanError where a shape does not fit.
std::vector<std::int64_t> symbols_of(const Plan& plan, std::span<const std::span<const std::int64_t>> shapes);
// The same into `symbols`, as many as the plan has, from the first inputs alone: those behind are known to fit.
void find_symbols(const Plan& plan, std::span<const std::span<const std::int64_t>> shapes,
                  std::span<std::int64_t> symbols);

// Throws PlanError where a precondition fails or a size overflows. Thread-safe; cached.
Binding bind_plan(const Plan& plan, std::span<const std::int64_t> symbols);
std::unique_ptr<const BoundPlan> bind_plan_uncached(const Plan& plan, std::span<const std::int64_t> symbols);

// What stopped a run: its site is -1 when nothing went wrong. What it wrote to outputs by then is undefined.
struct RunFault {
    lathe_fault fault{-1, 0, 0, 0, 0};
    explicit operator bool() const { return fault.site >= 0; }
    bool is_memory() const { return fault.site == LATHE_SITE_MEMORY; }  // a kernel found none
};
const PlanSite& site_of(const Plan& plan, const RunFault& fault);
// "<site> 7 at position 3 is out of range for 5"; empty where nothing went wrong.
std::string describe(const Plan& plan, const RunFault& fault);

// Runs the steps. `workspace` has workspace_bytes(threads), aligned to 64. Allocates nothing, takes no lock. Outputs
// may be the memory of inputs as the plan's donations say. At most so many threads take part, and no more than
// parallel.h says for the calling thread.
RunFault run(const BoundPlan& plan, const void* const* inputs, void* const* outputs, void* workspace, int threads);

}  // namespace lathe::runtime
