#include "frontend/jit.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <unordered_set>

#include "frontend/run_plan.h"
#include "frontend/trace.h"
#include "ir/op.h"

namespace lathe {
namespace {

using detail::Node;
using detail::NodeRef;

// What a variant was traced for: per argument dtype, rank and which extents are 1.
using Signature = std::vector<std::uint64_t>;

Signature signature_of(std::span<const NodeRef> arguments) {
    Signature out;
    out.reserve(arguments.size());
    for (const NodeRef& a : arguments) {
        std::uint64_t word = static_cast<std::uint64_t>(a->type.dtype) << 16 | a->type.shape.rank() << 8;
        for (std::size_t i = 0; i < a->type.shape.rank(); ++i)
            if (a->type.shape[i] == ir::Dim(1)) word |= 1ULL << i;
        out.push_back(word);
    }
    return out;
}

struct Variant {
    Signature signature;
    std::shared_ptr<const codegen::Executable> executable;
    std::vector<NodeRef> captured;   // inputs behind the arguments
    std::vector<NodeRef> updated;    // variables; their new values are the outputs behind the results
    std::vector<std::size_t> taken;  // captured variables that are updated, by address
    std::size_t results = 0;
    struct Donation {
        std::size_t captured, output;  // the captured variable's memory may become this output of the plan
    };
    std::vector<Donation> donations;
};

std::vector<std::int64_t> extents_of(const ir::Shape& shape) {
    std::vector<std::int64_t> out;
    for (ir::Dim d : shape) out.push_back(d.constant());
    return out;
}

}  // namespace

struct CompiledFunction::State {
    Body body;
    JitOptions options;
    std::shared_mutex mutex;  // protects variants and statistics
    std::mutex updating;      // held by a call that sets variables
    std::vector<std::shared_ptr<const Variant>> variants;
    JitStatistics statistics;

    std::shared_ptr<const Variant> trace(const Signature& signature, std::span<const NodeRef> arguments, Where where);
    std::vector<Tensor> run(const Variant& variant, const runtime::BoundPlan& bound,
                            std::span<const NodeRef> arguments);
};

std::shared_ptr<const Variant> CompiledFunction::State::trace(const Signature& signature,
                                                              std::span<const NodeRef> arguments, Where where) {
    auto variant = std::make_shared<Variant>();
    variant->signature = signature;
    Trace::Result traced;
    {
        Trace trace("jit");
        std::vector<Tensor> inputs;
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            ir::Type type = arguments[i]->type;
            for (std::size_t d = 0; d < type.shape.rank(); ++d)
                if (type.shape[d] != ir::Dim(1))
                    type.shape[d] =
                        trace.add_symbol("n" + std::to_string(i) + "_" + std::to_string(d), type.shape[d].constant());
            inputs.emplace_back(trace.add_input("arg" + std::to_string(i), type));
        }
        std::vector<NodeRef> outputs;
        for (const Tensor& t : body(inputs)) {
            if (!t) throw UserError("jit: the function returned an empty tensor", ir::Loc::of(where));
            outputs.push_back(detail::resolve(t.node()));
        }
        variant->results = outputs.size();
        traced = trace.finish(outputs);
    }
    codegen::CompileOptions compile = options.compile;
    std::unordered_set<const Node*> updated;
    for (const NodeRef& u : traced.updated) updated.insert(u.get());
    for (std::size_t c = 0; c < traced.captured.size(); ++c)
        if (updated.contains(traced.captured[c].get())) {
            compile.donated.push_back(static_cast<std::uint32_t>(arguments.size() + c));
            variant->taken.push_back(c);
        }
    std::ranges::sort(variant->taken, std::less<>(), [&](std::size_t c) { return traced.captured[c]->variable.get(); });
    variant->executable = codegen::compile(*traced.graph, compile);
    variant->captured = std::move(traced.captured);
    variant->updated = std::move(traced.updated);
    for (const runtime::PlanDonation& d : variant->executable->plan.donations)
        variant->donations.push_back({d.input - arguments.size(), d.output});
    return variant;
}

std::vector<Tensor> CompiledFunction::State::run(const Variant& variant, const runtime::BoundPlan& bound,
                                                 std::span<const NodeRef> arguments) {
    const auto& plan = variant.executable->plan;
    const bool updates = !variant.updated.empty();
    std::unique_lock<std::mutex> one_at_a_time(updating, std::defer_lock);
    if (updates) one_at_a_time.lock();

    // What the outputs become is made before anything runs: behind the run, nothing may fail.
    const auto make_leaf = [&](std::size_t i) {
        const std::uint32_t o = variant.executable->outputs[i];
        ir::Type type{static_cast<Dtype>(plan.outputs[o].dtype), {}};
        for (std::int64_t extent : bound.output_dims[o]) type.shape.push_back(extent);
        return detail::leaf(type, {});
    };
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < variant.results; ++i) results.emplace_back(make_leaf(i));
    std::vector<NodeRef> updated;
    for (std::size_t u = 0; u < variant.updated.size(); ++u) {
        updated.push_back(make_leaf(variant.results + u));
        updated.back()->keeps_history = variant.updated[u]->keeps_history;
        updated.back()->variable = variant.updated[u]->variable;
    }

    // Values of captured variables; those whose memory may be given away are out of their variables meanwhile. Reading
    // may wait for other programs, so that it comes before anything is taken.
    std::vector<NodeRef> values(variant.captured.size());
    struct PutBack {  // after an error everything is as it was
        std::vector<NodeRef>& values;
        const Variant& variant;
        std::size_t taken = 0;
        ~PutBack() {
            while (taken > 0) {
                const std::size_t c = variant.taken[--taken];
                detail::check_in(*variant.captured[c]->variable, std::move(values[c]));
            }
        }
    } put_back{values, variant};
    std::vector<bool> is_taken(values.size(), false);
    for (std::size_t c : variant.taken) is_taken[c] = true;
    for (std::size_t c = 0; c < values.size(); ++c)
        if (!is_taken[c]) values[c] = detail::resolve(variant.captured[c]);
    for (std::size_t c : variant.taken) {
        values[c] = detail::check_out(*variant.captured[c]->variable);
        ++put_back.taken;
    }

    std::vector<runtime::Buffer> buffers(plan.outputs.size());
    for (const Variant::Donation& d : variant.donations) {
        Node& value = *values[d.captured];
        if (value.references.load(std::memory_order_acquire) == 1 && value.data.sole_owner())
            buffers[d.output] = value.data;
    }
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    inputs.reserve(arguments.size() + values.size());
    for (const NodeRef& a : arguments) inputs.push_back(a->elements());
    for (const NodeRef& v : values) inputs.push_back(v->elements());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        if (!buffers[i]) buffers[i] = detail::allocate_tensor(static_cast<std::size_t>(bound.output_bytes[i]));
        outputs.push_back(buffers[i].data());
    }
    detail::run_bound(plan, bound, inputs.data(), outputs.data());

    const auto& place = variant.executable->outputs;
    for (std::size_t i = 0; i < variant.results; ++i) results[i].node()->data = buffers[place[i]];
    put_back.taken = 0;
    for (std::size_t u = 0; u < updated.size(); ++u) {
        updated[u]->data = buffers[place[variant.results + u]];
        detail::check_in(*variant.updated[u]->variable, std::move(updated[u]));
    }
    return results;
}

CompiledFunction::CompiledFunction(Body body, JitOptions options) : state_(std::make_shared<State>()) {
    state_->body = std::move(body);
    state_->options = std::move(options);
}

std::vector<Tensor> CompiledFunction::operator()(std::span<const Tensor> arguments, Where where) const {
    eval(arguments, where);
    std::vector<NodeRef> nodes;
    std::vector<std::vector<std::int64_t>> extents;
    for (const Tensor& t : arguments) {
        nodes.push_back(detail::resolve(t.node()));
        extents.push_back(extents_of(nodes.back()->type.shape));
    }
    const Signature signature = signature_of(nodes);

    // A variant that fits: of the same signature, with preconditions (extents that were read as numbers) that hold.
    const auto fits = [&](const Variant& v) -> std::optional<runtime::Binding> {
        if (v.signature != signature) return std::nullopt;
        std::vector<std::span<const std::int64_t>> shapes(extents.begin(), extents.end());
        std::vector<std::vector<std::int64_t>> captured;
        captured.reserve(v.captured.size());
        for (const NodeRef& c : v.captured) captured.push_back(extents_of(c->type.shape));
        shapes.insert(shapes.end(), captured.begin(), captured.end());
        const std::vector<std::int64_t> symbols = runtime::symbols_of(v.executable->plan, shapes);
        return runtime::bind_plan(v.executable->plan, symbols);
    };
    std::shared_ptr<const Variant> variant;
    std::optional<runtime::Binding> binding;
    std::string misfit;
    const auto search = [&] {
        for (const auto& v : state_->variants) {
            try {
                if ((binding = fits(*v))) {
                    variant = v;
                    return;
                }
            } catch (const runtime::PlanError& e) {
                misfit = e.what();
            }
        }
    };
    {
        const std::shared_lock lock(state_->mutex);
        search();
    }
    if (!variant) {
        const std::unique_lock lock(state_->mutex);
        search();  // another thread may have traced meanwhile
        if (!variant) {
            variant = state_->trace(signature, nodes, where);
            try {
                binding = fits(*variant);
            } catch (const runtime::PlanError& e) {
                throw TypeError(e.what());
            }
            ++state_->statistics.traces;
            state_->statistics.last = variant->executable->statistics;
            state_->statistics.remarks = variant->executable->remarks;
            state_->statistics.executable = variant->executable;
            state_->variants.push_back(variant);
        }
    }
    return state_->run(*variant, **binding, nodes);
}

JitStatistics CompiledFunction::statistics() const {
    const std::shared_lock lock(state_->mutex);
    return state_->statistics;
}

}  // namespace lathe
