#include "frontend/trace/jit.h"

#include <algorithm>
#include <future>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_set>

#include "codegen/compile.h"
#include "frontend/tensor/run_plan.h"
#include "frontend/trace/inline_graph.h"
#include "frontend/trace/prepared.h"
#include "frontend/trace/trace.h"
#include "ir/graph/interpret.h"
#include "ir/ops/op.h"

namespace lathe {
namespace {

using detail::Node;
using detail::NodeRef;

// What a variant was traced for: per argument dtype, rank and which extents are 1; whether it is a variable, and
// whether that is an earlier argument, too.
using Signature = std::vector<std::uint64_t>;
using SignatureView = std::span<const std::uint64_t>;

// The first argument that is the same variable.
std::size_t first_place(std::span<const NodeRef> variables, std::size_t argument) {
    return static_cast<std::size_t>(std::ranges::find(variables, variables[argument]) - variables.begin());
}

// `variables` are those of the arguments that are variables.
std::pmr::vector<std::uint64_t> signature_of(std::span<const NodeRef> arguments, std::span<const NodeRef> variables,
                                             detail::CallMemory& memory) {
    std::pmr::vector<std::uint64_t> out(&memory);
    out.reserve(arguments.size());
    for (const NodeRef& a : arguments) {
        std::uint64_t word = static_cast<std::uint64_t>(a->type.dtype) << 16 | a->type.shape.rank() << 8;
        for (std::size_t i = 0; i < a->type.shape.rank(); ++i)
            if (a->type.shape[i] == ir::Dim(1)) word |= 1ULL << i;
        if (const NodeRef& variable = variables[out.size()]) {
            word |= static_cast<std::uint64_t>(first_place(variables, out.size()) + 1) << 32 |
                    static_cast<std::uint64_t>(variable->variable->trainable.value()) << 24;
        }
        out.push_back(word);
    }
    return out;
}

struct Variant {
    Signature signature;
    std::shared_ptr<const codegen::Executable> executable;
    std::vector<NodeRef> captured;   // inputs behind the arguments
    std::vector<NodeRef> updated;    // captured variables; their new values are the last outputs
    std::vector<std::size_t> taken;  // captured variables that are updated, by address
    std::size_t results = 0;
    std::vector<std::size_t> updated_arguments;  // variables; their new values come right behind the results
    std::shared_ptr<const void> tree;            // of the results
    std::shared_ptr<const ir::Graph> graph;      // what was traced
    bool is_history = false;                     // whether its results may be differentiated by it
    std::shared_ptr<const codegen::CompileOptions> options;
    struct Donation {
        std::size_t captured, output;       // the captured variable's memory may become this output of the plan
        std::optional<std::size_t> update;  // where that is the variable's own new value: its number among the updates
    };
    std::vector<Donation> donations;
    std::vector<std::size_t> prepared_from;  // captured tensors, by number
    mutable detail::Prepared prepared;
    detail::FlagReads flags;
};

// What a call brings.
struct Call {
    Call(std::span<const Tensor> given, Where call, detail::CallMemory& of_call) : memory(of_call), where(call) {
        arguments.reserve(given.size());
        variables.reserve(given.size());
        for (const Tensor& t : given) {
            variables.push_back(t.is_variable() ? t.node() : NodeRef{});
            arguments.push_back(detail::resolve(t.node()));
        }
        shapes = detail::shapes_of(arguments, memory);
        signature = signature_of(arguments, variables, memory);
    }

    detail::CallMemory& memory;
    std::pmr::vector<NodeRef> arguments{&memory};  // ready
    std::pmr::vector<NodeRef> variables{&memory};  // as many: those that the arguments are the values of
    std::pmr::vector<std::span<const std::int64_t>> shapes{&memory};
    std::pmr::vector<std::uint64_t> signature{&memory};
    Where where;
};

struct Match {
    std::shared_ptr<const Variant> variant;
    runtime::Binding binding;
};

bool is_for(const Variant& variant, const Call& call) {
    return std::ranges::equal(variant.signature, call.signature) && variant.flags.hold();
}

// Throws PlanError where a precondition (an extent that was read as a number) does not hold.
Match match(const std::shared_ptr<const Variant>& variant, const Call& call) {
    const runtime::Plan& plan = variant->executable->plan;
    std::pmr::vector<std::int64_t> symbols(plan.symbol_count, &call.memory);
    runtime::find_symbols(plan, call.shapes, symbols);  // what is captured has the extents that it was traced with
    return Match{variant, runtime::bind_plan(plan, symbols)};
}

// The sizes of the call that a function is compiled at; none where they do not fit, which is said when it runs.
std::vector<std::int64_t> symbols_of_call(const Trace::Result& traced, const Call& call) {
    std::vector<ir::Type> types;
    for (const NodeRef& a : call.arguments) types.push_back(a->type);
    for (const NodeRef& c : traced.captured) types.push_back(c->type);
    try {
        return ir::bind_symbols(*traced.graph, types);
    } catch (const UserError&) {
        return {};
    }
}

}  // namespace

struct JitState {
    std::mutex tracing;  // held while the C++ function runs: it need not be made for several threads
    std::mutex mutex;    // protects `statistics`
    JitStatistics statistics;
};

struct CompiledFunction::State {
    Body body;
    JitOptions options;
    std::shared_ptr<JitState> shared;
    std::mutex updating;  // held by a call that sets variables

    // A variant on its way: others that want it wait. Those that do not fit it, or find that it failed, try their own.
    struct Build {
        Signature signature;
        std::shared_future<void> ended;
    };
    std::shared_mutex mutex;  // protects what follows; never held while anything is traced or compiled
    // The oldest first, which goes first: extents that are read as numbers may ask for a new one at every call.
    static constexpr std::size_t most_variants = 32;
    std::vector<std::shared_ptr<const Variant>> variants;
    std::uint64_t added = 0;  // to them, so far
    std::vector<Build> builds;

    Match find_or_build(const Call& call);
    Match build(const Call& call);
    std::shared_ptr<const Variant> trace(const Call& call);
    std::pmr::vector<Tensor> run(const Variant& variant, const runtime::BoundPlan& bound, const Call& call);
};

Match CompiledFunction::State::find_or_build(const Call& call) {
    while (true) {
        std::uint64_t seen = 0;
        {
            const std::shared_lock lock(mutex);
            seen = added;
            for (std::size_t v = variants.size(); v-- > 0;) {
                if (!is_for(*variants[v], call)) continue;
                try {
                    return match(variants[v], call);
                } catch (const runtime::PlanError&) {
                    continue;  // another variant may hold for these extents
                }
            }
        }
        std::promise<void> end;
        std::shared_future<void> other;
        {
            const std::unique_lock lock(mutex);
            if (added != seen) continue;
            const auto found = std::ranges::find_if(
                builds, [&](const Build& b) { return std::ranges::equal(b.signature, call.signature); });
            if (found == builds.end()) {
                builds.push_back({{call.signature.begin(), call.signature.end()}, end.get_future().share()});
            } else {
                other = found->ended;
            }
        }
        if (other.valid()) {
            other.wait();
            continue;
        }
        struct Ending {
            State& state;
            SignatureView signature;
            std::promise<void>& end;
            ~Ending() {
                {
                    const std::unique_lock lock(state.mutex);
                    std::erase_if(state.builds,
                                  [&](const Build& b) { return std::ranges::equal(b.signature, signature); });
                }
                end.set_value();
            }
        } const ending{*this, call.signature, end};
        return build(call);
    }
}

Match CompiledFunction::State::build(const Call& call) {
    const std::shared_ptr<const Variant> variant = trace(call);
    std::optional<Match> found;
    try {
        found = match(variant, call);
    } catch (const runtime::PlanError& e) {
        detail::throw_misfit(e, "jit", detail::blame(call.where));
    }
    std::shared_ptr<const Variant> dropped;  // destroyed when nothing is locked
    const std::unique_lock lock(mutex);
    if (variants.size() == most_variants) {
        dropped = std::move(variants.front());
        variants.erase(variants.begin());
    }
    variants.push_back(variant);
    ++added;
    const std::lock_guard counting(shared->mutex);
    JitStatistics& statistics = shared->statistics;
    ++statistics.traces;
    statistics.executable = variant->executable;
    statistics.graph = variant->graph;
    statistics.options = variant->options;
    return *std::move(found);
}

std::shared_ptr<const Variant> CompiledFunction::State::trace(const Call& call) {
    const std::span<const NodeRef> arguments = call.arguments;
    auto variant = std::make_shared<Variant>();
    variant->signature.assign(call.signature.begin(), call.signature.end());
    Trace::Result traced;
    {
        const std::scoped_lock one_at_a_time(shared->tracing);
        Trace trace("jit", call.where);
        std::vector<Tensor> inputs;
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            ir::Type type = arguments[i]->type;
            for (std::size_t d = 0; d < type.shape.rank(); ++d)
                if (type.shape[d] != ir::Dim(1))
                    type.shape[d] =
                        trace.add_symbol("n" + std::to_string(i) + "_" + std::to_string(d), type.shape[d].constant());
            NodeRef input = trace.add_input("arg" + std::to_string(i), type);
            if (const NodeRef& variable = call.variables[i]) {
                const std::size_t first = first_place(call.variables, i);
                input = first == i ? trace.declare_argument(*variable, input) : inputs[first].node();
            }
            inputs.emplace_back(std::move(input));
        }
        std::vector<NodeRef> outputs;
        const auto run = [&] {
            const detail::Frame users(call.where, detail::Frame::Code::root);
            return body(inputs);
        };
        const Results results = run();
        for (const Tensor& t : results.tensors) outputs.push_back(detail::resolve(t.node()));
        variant->results = outputs.size();
        variant->tree = results.tree;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (!call.variables[i] || first_place(call.variables, i) != i) continue;
            if (NodeRef value = trace.assigned(inputs[i].node())) {
                outputs.push_back(std::move(value));
                variant->updated_arguments.push_back(i);
            }
        }
        traced = trace.finish(outputs);
    }
    codegen::CompileOptions compile =
        detail::blaming(call.where, "jit", [&] { return detail::compiler_options(options.compile); });
    std::unordered_set<const Node*> updated;
    for (const NodeRef& u : traced.updated) updated.insert(u.get());
    for (std::size_t c = 0; c < traced.captured.size(); ++c)
        if (updated.contains(traced.captured[c].get())) {
            compile.donated.push_back(static_cast<std::uint32_t>(arguments.size() + c));
            variant->taken.push_back(c);
        }
    std::ranges::sort(variant->taken, std::less<>(), [&](std::size_t c) { return traced.captured[c]->variable.get(); });
    if (compile.pipeline.typical_symbols.empty()) compile.pipeline.typical_symbols = symbols_of_call(traced, call);
    compile.prepares = true;
    variant->executable = detail::blaming(call.where, "jit", [&] { return codegen::compile(*traced.graph, compile); });
    variant->is_history = traced.updated.empty() && variant->updated_arguments.empty();
    variant->graph = std::move(traced.graph);
    variant->options = std::make_shared<const codegen::CompileOptions>(std::move(compile));
    variant->captured = std::move(traced.captured);
    variant->updated = std::move(traced.updated);
    variant->flags = std::move(traced.flags);
    if (variant->executable->preparation)
        for (const std::uint32_t input : variant->executable->preparation->inputs)
            variant->prepared_from.push_back(input - arguments.size());
    const auto& place = variant->executable->outputs;
    const std::size_t first = variant->results + variant->updated_arguments.size();
    for (const runtime::PlanDonation& d : variant->executable->plan.donations) {
        const std::size_t c = d.input - arguments.size();
        const auto of = static_cast<std::size_t>(std::ranges::find(variant->updated, variant->captured[c]) -
                                                 variant->updated.begin());
        const bool is_own = place[first + of] == d.output;
        variant->donations.push_back(
            {c, d.output, is_own ? std::optional(variant->updated_arguments.size() + of) : std::nullopt});
    }
    return variant;
}

std::pmr::vector<Tensor> CompiledFunction::State::run(const Variant& variant, const runtime::BoundPlan& bound,
                                                      const Call& call) {
    const std::span<const NodeRef> arguments = call.arguments;
    detail::CallMemory& memory = call.memory;
    const auto& plan = variant.executable->plan;
    std::unique_lock<std::mutex> one_at_a_time(updating, std::defer_lock);
    if (!variant.updated.empty() || !variant.updated_arguments.empty()) one_at_a_time.lock();

    // Values of captured variables; those whose memory may be given away are out of their variables meanwhile. Reading
    // may wait for other programs, so that it comes before anything is taken.
    std::pmr::vector<NodeRef> values(variant.captured.size(), &memory);
    struct PutBack {  // after an error everything is as it was
        std::span<NodeRef> values;
        const Variant& variant;
        std::size_t taken = 0;
        ~PutBack() {
            while (taken > 0) {
                const std::size_t c = variant.taken[--taken];
                detail::check_in(*variant.captured[c]->variable, std::move(values[c]));
            }
        }
    } put_back{values, variant};
    std::pmr::vector<bool> is_taken(values.size(), false, &memory);
    for (std::size_t c : variant.taken) is_taken[c] = true;
    std::pmr::vector<std::uint32_t> versions(&memory);
    versions.reserve(variant.prepared_from.size());
    for (const std::size_t c : variant.prepared_from) versions.push_back(detail::version_of(*variant.captured[c]));
    for (std::size_t c = 0; c < values.size(); ++c)
        if (!is_taken[c]) values[c] = detail::resolve(variant.captured[c]);
    for (std::size_t c : variant.taken) {
        values[c] = detail::check_out(*variant.captured[c]->variable);
        ++put_back.taken;
    }

    std::shared_ptr<const detail::Prepared::Arrays> prepared;
    if (variant.executable->preparation) {
        std::pmr::vector<NodeRef> from(&memory);
        from.reserve(versions.size());
        for (const std::size_t c : variant.prepared_from) from.push_back(values[c]);
        prepared = variant.prepared.arrays(*variant.executable->preparation, versions, from);
    }

    // What the outputs become is made before anything runs: behind the run, nothing may fail. A variable whose memory
    // takes its own new value keeps its node.
    const auto make_leaf = [&](std::size_t i) {
        return detail::leaf(detail::output_type(plan, bound, variant.executable->outputs[i]), {});
    };
    std::pmr::vector<Tensor> results(&memory);
    results.reserve(variant.results);
    for (std::size_t i = 0; i < variant.results; ++i) results.emplace_back(make_leaf(i));
    const std::size_t updates = variant.updated_arguments.size() + variant.updated.size();
    std::pmr::vector<runtime::Buffer> buffers(plan.outputs.size(), &memory);
    std::pmr::vector<NodeRef*> stays(updates, nullptr, &memory);
    for (const Variant::Donation& d : variant.donations) {
        NodeRef& value = values[d.captured];
        if (value->references.load(std::memory_order_acquire) != 1 || !value->data.sole_owner()) continue;
        buffers[d.output] = value->data;
        if (d.update) stays[*d.update] = &value;
    }
    const auto updated_variable = [&](std::size_t u) -> const NodeRef& {
        const std::size_t of_arguments = variant.updated_arguments.size();
        return u < of_arguments ? call.variables[variant.updated_arguments[u]] : variant.updated[u - of_arguments];
    };
    std::pmr::vector<NodeRef> fresh(updates, &memory);  // new values
    for (std::size_t u = 0; u < updates; ++u) {
        if (stays[u]) continue;
        fresh[u] = make_leaf(variant.results + u);
        detail::make_value_of(*fresh[u], *updated_variable(u));
    }
    std::pmr::vector<const void*> inputs(&memory);
    std::pmr::vector<void*> outputs(&memory);
    inputs.reserve(plan.inputs.size());
    outputs.reserve(buffers.size());
    for (const NodeRef& a : arguments) inputs.push_back(a->elements());
    for (const NodeRef& v : values) inputs.push_back(v->elements());
    if (prepared)
        for (const runtime::Buffer& b : prepared->buffers) inputs.push_back(b.data());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        if (!buffers[i]) buffers[i] = detail::allocate_output(plan, bound, i);
        outputs.push_back(buffers[i].data());
    }
    detail::run_bound(plan, bound, inputs.data(), outputs.data(), {});

    const auto& place = variant.executable->outputs;
    for (std::size_t i = 0; i < variant.results; ++i) results[i].node()->data = buffers[place[i]];
    const auto asks = [](const NodeRef& x) { return x->keeps_history; };
    if (variant.is_history && (std::ranges::any_of(arguments, asks) || std::ranges::any_of(values, asks))) {
        std::pmr::vector<NodeRef> nodes(&memory);
        nodes.reserve(results.size());
        for (const Tensor& r : results) nodes.push_back(r.node());
        std::vector<NodeRef> read;
        read.reserve(arguments.size() + values.size());
        read.assign(arguments.begin(), arguments.end());
        read.insert(read.end(), values.begin(), values.end());
        detail::keep_history(variant.graph, std::move(read), nodes);
    }
    put_back.taken = 0;
    for (std::size_t u = 0; u < updates; ++u) {
        if (!stays[u]) fresh[u]->data = buffers[place[variant.results + u]];
        detail::check_in(*updated_variable(u)->variable, std::move(stays[u] ? *stays[u] : fresh[u]));
    }
    return results;
}

CompiledFunction::CompiledFunction(Body body, JitOptions options, std::shared_ptr<JitState> shared)
    : state_(std::make_shared<State>()) {
    state_->body = std::move(body);
    state_->options = std::move(options);
    state_->shared = std::move(shared);
}

bool CompiledFunction::is_traced() { return Trace::current() != nullptr; }
bool CompiledFunction::is_recorded(const Tensor& argument) { return !argument.is_empty() && argument.node()->symbolic; }

std::shared_ptr<JitState> CompiledFunction::make_shared_state() { return std::make_shared<JitState>(); }
JitStatistics CompiledFunction::statistics(JitState& state) {
    const std::lock_guard lock(state.mutex);
    return state.statistics;
}

std::optional<CompiledFunction::ResultsIn<std::pmr::vector<Tensor>>> CompiledFunction::operator()(
    std::span<const Tensor> arguments, Where where, detail::CallMemory& memory) const try {
    eval(arguments, where);
    const Call call(arguments, where, memory);
    const Match found = state_->find_or_build(call);
    const detail::LocScope scope(where);
    return ResultsIn<std::pmr::vector<Tensor>>{state_->run(*found.variant, *found.binding, call), found.variant->tree};
} catch (const detail::ForeignTensor&) {
    return std::nullopt;
}

}  // namespace lathe
