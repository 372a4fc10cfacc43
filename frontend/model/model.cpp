#include "frontend/model/model.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <set>

#include "codegen/compile.h"
#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"
#include "frontend/model/trace_model.h"
#include "frontend/tensor/run_plan.h"
#include "frontend/trace/inline_graph.h"
#include "frontend/trace/trace.h"
#include "ir/graph/text.h"
#include "ir/ops/op.h"
#include "ir/printable.h"
#include "passes/graph/rebuild.h"

namespace lathe {
namespace {

using detail::NodeRef;

std::string unique_name(std::string name, std::set<std::string>& used) {
    if (name.empty()) name = "weight";
    std::string out = name;
    for (int i = 1; !used.insert(out).second; ++i) out = name + "_" + std::to_string(i);
    return out;
}

// A copy of a graph in which `value_of(copy, i, node)` stands for parameter i; its first outputs, under these names.
template <class ValueOf>
std::unique_ptr<ir::Graph> with_parameters(const ir::Graph& graph, std::span<const std::string> outputs,
                                           const ValueOf& value_of) {
    std::unique_ptr<ir::Graph> out = passes::like(graph);
    passes::ValueMap values(graph.nodes().size());
    std::size_t parameter = 0;
    for (const ir::Node& n : graph.nodes()) {
        if (parameter < graph.parameters().size() && graph.parameters()[parameter].node == &n)
            values[n.id] = {value_of(*out, parameter++, n)};
        else
            values[n.id] = passes::add_copy(*out, n, values);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i)
        out->add_output(outputs[i], passes::mapped(values, graph.outputs()[i]));
    return out;
}

std::size_t first_count(const ir::Graph& graph, std::span<const CountedOutput> counted) {
    std::size_t first = graph.outputs().size();
    for (const CountedOutput& c : counted) first = std::min(first, c.count);
    return first;
}

void require_fit(const ir::Graph& graph, std::span<const CountedOutput> counted) {
    const std::size_t results = first_count(graph, counted);
    std::set<std::size_t> counts;
    for (const CountedOutput& c : counted) {
        const auto refuse = [&](const std::string& why) {
            throw UserError(ir::printable_line(graph.name) + ": the output " + std::to_string(c.output) +
                            " is counted, but " + why);
        };
        if (c.output >= results) refuse("it is none before the counts");
        if (c.axis >= graph.outputs()[c.output].type().shape.rank()) refuse("has no axis " + std::to_string(c.axis));
        if (c.count >= graph.outputs().size()) refuse("there is no output " + std::to_string(c.count));
        if (const ir::Type& type = graph.outputs()[c.count].type(); type.dtype != Dtype::i64 || type.shape.rank() != 0)
            refuse("by " + type.to_string(graph.symbols) + ", not i64[]");
        counts.insert(c.count);
    }
    if (counts.size() != graph.outputs().size() - results)
        throw UserError(ir::printable_line(graph.name) + ": an output behind the counts is none");
}

void require_fit(const ir::Graph& graph, std::size_t input_count, std::span<const SizedInput> sized) {
    std::size_t next = 0;
    for (const SizedInput& s : sized) {
        bool fits = s.first >= next && s.count >= 1 && s.count <= input_count && s.first <= input_count - s.count &&
                    s.rank <= 1 && (s.rank == 1 || s.count == 1) && (s.dtype == Dtype::i64 || s.dtype == Dtype::i32);
        for (std::size_t i = s.first; fits && i < s.first + s.count; ++i) {
            const Shape& shape = graph.parameters()[i].type().shape;
            fits = shape.rank() == 2 && shape[1] == Dim(0) &&
                   graph.parameter_name(i).ends_with("." + std::to_string(i - s.first));
        }
        if (!fits)
            throw UserError(ir::printable_line(graph.name) + ": the parameters from " + std::to_string(s.first) +
                            " on do not stand for elements of an input");
        next = s.first + s.count;
    }
}

std::string name_of(const ir::Graph& graph, const SizedInput& s) {
    const std::string& first = graph.parameter_name(s.first);
    return first.substr(0, first.size() - 2);  // without .0
}

// Calls visit(parameter, nullptr) for inputs that are parameters, and visit(first, &sized) for others.
template <class Visit>
void visit_inputs(std::size_t input_count, std::span<const SizedInput> sized, const Visit& visit) {
    for (std::size_t i = 0; i < input_count;) {
        const bool is_sized = !sized.empty() && sized[0].first == i;
        visit(i, is_sized ? &sized[0] : nullptr);
        i += is_sized ? sized[0].count : 1;
        if (is_sized) sized = sized.subspan(1);
    }
}

std::vector<std::string> names_of_inputs(const ir::Graph& graph, std::size_t input_count,
                                         std::span<const SizedInput> sized) {
    std::vector<std::string> names;
    visit_inputs(input_count, sized, [&](std::size_t i, const SizedInput* s) {
        names.push_back(s == nullptr ? graph.parameter_name(i) : name_of(graph, *s));
    });
    return names;
}

std::vector<Tensor> expanded(const ir::Graph& graph, std::size_t input_count, std::span<const SizedInput> sized,
                             std::span<const Tensor> inputs, Where where) {
    const std::vector<std::string> names = names_of_inputs(graph, input_count, sized);
    if (inputs.size() != names.size())
        throw TypeError(ir::printable_line(graph.name) + ": takes " + std::to_string(names.size()) + " inputs, not " +
                            std::to_string(inputs.size()),
                        detail::blame(where));
    std::vector<Tensor> values;
    std::size_t next = 0;
    visit_inputs(input_count, sized, [&](std::size_t i, const SizedInput* s) {
        const Tensor& given = inputs[next];
        const auto refuse = [&](const std::string& why) {
            throw TypeError(ir::printable_line(graph.name) + ": input '" + ir::printable_line(names[next]) + "' " + why,
                            detail::blame(where));
        };
        if (s == nullptr) {
            values.push_back(given);
        } else {
            const ir::Type wanted{s->dtype, s->rank == 0 ? Shape{} : Shape{static_cast<std::int64_t>(s->count)}};
            if (given.is_empty())
                throw UserError(ir::printable_line(graph.name) + ": an input is empty", detail::blame(where));
            if (!(given.type() == wanted)) refuse("is " + given.type().to_string() + ", not " + wanted.to_string());
            for (const std::int64_t size : convert(given, Dtype::i64).to_vector<std::int64_t>()) {
                if (size < 0)
                    refuse("has " + std::to_string(size) +
                           " for a size; another meaning of it is known when the model is made");
                values.push_back(zeros(Shape{size, 0}, graph.parameters()[i].type().dtype));
            }
        }
        ++next;
    });
    return values;
}

// What the outputs of a graph are as results.
template <class Tensors>
void cut_outputs(Tensors& outputs, std::span<const CountedOutput> counted, std::size_t results) {
    for (const CountedOutput& c : counted)
        outputs[c.output] = narrow(outputs[c.output], static_cast<std::int64_t>(c.axis), 0,
                                   outputs[c.count].template item<std::int64_t>());
    outputs.erase(outputs.begin() + static_cast<std::ptrdiff_t>(results), outputs.end());
}

}  // namespace

struct ModelWeights {
    explicit ModelWeights(std::vector<Array> of_model) : arrays(std::move(of_model)) {}
    const std::vector<Array> arrays;

    // The same as tensors, made at the first use.
    std::span<const NodeRef> nodes() {
        std::call_once(once_, [this] {
            for (const Array& a : arrays) nodes_.push_back(Tensor::from(a).node());
        });
        return nodes_;
    }

private:
    std::once_flag once_;
    std::vector<NodeRef> nodes_;
};

struct Model::Lazy {
    std::mutex mutex;  // protects `compiled`
    std::shared_ptr<const CompiledModel> compiled;
    std::atomic<std::uint64_t> runs{0};
};

Model::Model(std::unique_ptr<ir::Graph> graph, std::size_t input_count, std::vector<Array> weights,
             std::vector<CountedOutput> counted, std::vector<SizedInput> sized)
    : graph_(std::move(graph)),
      input_count_(input_count),
      weights_(std::make_shared<ModelWeights>(std::move(weights))),
      counted_(std::move(counted)),
      sized_(std::move(sized)),
      lazy_(std::make_shared<Lazy>()) {
    require_fit(*graph_, counted_);
    require_fit(*graph_, input_count_, sized_);
}

std::vector<std::string> Model::input_names() const { return names_of_inputs(*graph_, input_count_, sized_); }
std::vector<Tensor> Model::expand(std::span<const Tensor> inputs, Where where) const {
    return expanded(*graph_, input_count_, sized_, inputs, where);
}

std::size_t Model::result_count() const { return first_count(*graph_, counted_); }
std::vector<Tensor> Model::cut(std::vector<Tensor> outputs) const {
    cut_outputs(outputs, counted_, result_count());
    return outputs;
}

const std::string& Model::name() const { return graph_->name; }
std::string Model::printable_name() const { return ir::printable_line(name()); }

const std::vector<Array>& Model::weights() const { return weights_->arrays; }

std::unique_ptr<ir::Graph> Model::closed_graph() const {
    std::vector<std::string> outputs;
    for (std::size_t i = 0; i < graph_->outputs().size(); ++i) outputs.push_back(graph_->output_name(i));
    return with_parameters(*graph_, outputs, [this](ir::Graph& out, std::size_t i, const ir::Node& n) {
        if (i < input_count_) return out.add_parameter(graph_->parameter_name(i), n.results[0], n.loc);
        // The weights themselves, and no copy of them.
        const std::vector<std::byte>& bytes = weights_->arrays[i - input_count_].bytes;
        return out.constant({n.results[0], {weights_, &bytes}}, n.loc);
    });
}

CompiledModel Model::compile(const CompileOptions& options, Where where) const {
    CompiledModel out;
    out.executable_ = detail::blaming(
        where, printable_name(), [&] { return codegen::compile(*closed_graph(), detail::compiler_options(options)); });
    out.graph_ = graph_;
    out.input_count_ = input_count_;
    out.weights_ = weights_;
    out.counted_ = counted_;
    out.sized_ = sized_;
    return out;
}

std::vector<Tensor> CompiledModel::operator()(std::span<const Tensor> inputs, Where where) const {
    detail::CallMemory memory;
    std::pmr::vector<Tensor> results = run(inputs, where, memory);
    return {std::make_move_iterator(results.begin()), std::make_move_iterator(results.end())};
}

std::pmr::vector<Tensor> CompiledModel::run(std::span<const Tensor> inputs, Where where,
                                            detail::CallMemory& memory) const {
    if (sized_.empty()) return run_expanded(inputs, where, memory);
    const std::vector<Tensor> values = expanded(*graph_, input_count_, sized_, inputs, where);
    return run_expanded(values, where, memory);
}

std::pmr::vector<Tensor> CompiledModel::run_expanded(std::span<const Tensor> inputs, Where where,
                                                     detail::CallMemory& memory) const {
    if (inputs.size() != input_count_)
        throw TypeError(ir::printable_line(graph_->name) + ": takes " + std::to_string(input_count_) + " inputs, not " +
                            std::to_string(inputs.size()),
                        detail::blame(where));
    const detail::LocScope scope(where, graph_->name);
    std::pmr::vector<NodeRef> nodes(&memory);
    nodes.reserve(inputs.size());
    std::pmr::vector<Tensor> results(&memory);
    bool recorded = false, differentiable = false;
    for (const Tensor& t : inputs) {
        nodes.push_back(detail::resolve(t.node()));
        if (!nodes.back())
            throw UserError(ir::printable_line(graph_->name) + ": an input is empty", detail::blame(where));
        recorded = recorded || nodes.back()->symbolic;
        differentiable = differentiable || nodes.back()->keeps_history;
    }
    std::vector<NodeRef> read;  // by the graph
    if (recorded || differentiable) {
        read.assign(nodes.begin(), nodes.end());
        const auto weights = weights_->nodes();
        read.insert(read.end(), weights.begin(), weights.end());
    }
    if (recorded && !counted_.empty())
        throw UserError(ir::printable_line(graph_->name) + ": values decide how long the result '" +
                            ir::printable_line(graph_->output_name(counted_[0].output)) +
                            "' is, so that the model cannot be part of another program",
                        detail::blame(where));
    if (recorded) {
        for (NodeRef& r : detail::instantiate_graph(*graph_, read, graph_->name)) results.emplace_back(std::move(r));
        return results;
    }
    const std::pmr::vector<Tensor> values(nodes.begin(), nodes.end(), &memory);  // of the time: inputs may be variables
    eval(values, where);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const ir::Type& wanted = graph_->parameters()[i].type();
        const ir::Type& given = nodes[i]->type;
        if (given.dtype != wanted.dtype || given.shape.rank() != wanted.shape.rank())
            throw TypeError(ir::printable_line(graph_->name) + ": input '" +
                                ir::printable_line(graph_->parameter_name(i)) + "' is " +
                                wanted.to_string(graph_->symbols) + ", not " + given.to_string(),
                            detail::blame(where));
    }
    const auto& plan = executable_->plan;
    try {
        std::pmr::vector<std::int64_t> symbols(plan.symbol_count, &memory);
        runtime::find_symbols(plan, detail::shapes_of(nodes, memory), symbols);
        const runtime::Binding bound = runtime::bind_plan(plan, symbols);
        std::pmr::vector<const void*> in(&memory);
        std::pmr::vector<void*> out(&memory);
        std::pmr::vector<runtime::Buffer> buffers(&memory);
        in.reserve(nodes.size());
        out.reserve(bound->output_bytes.size());
        buffers.reserve(bound->output_bytes.size());
        for (const NodeRef& n : nodes) in.push_back(n->elements());
        for (std::size_t i = 0; i < bound->output_bytes.size(); ++i) {
            buffers.push_back(detail::allocate_output(plan, *bound, i));
            out.push_back(buffers.back().data());
        }
        detail::run_bound(plan, *bound, in.data(), out.data(), detail::blame(where));
        results.reserve(executable_->outputs.size());
        for (std::uint32_t o : executable_->outputs)
            results.emplace_back(detail::leaf(detail::output_type(plan, *bound, o), buffers[o]));
        if (differentiable) {
            std::pmr::vector<NodeRef> made(&memory);
            for (const Tensor& t : results) made.push_back(t.node());
            detail::keep_history(graph_, std::move(read), made);
        }
        cut_outputs(results, counted_, first_count(*graph_, counted_));
        return results;
    } catch (const runtime::PlanError& e) {
        detail::throw_misfit(e, ir::printable_line(graph_->name), detail::blame(where));
    }
}

struct BoundModel::State {
    std::shared_ptr<const codegen::Executable> executable;
    std::shared_ptr<const runtime::BoundPlan> bound;
    runtime::Buffer workspace;
    int threads = 1;  // that the workspace has room for
};

BoundModel CompiledModel::bind(std::span<const std::vector<std::int64_t>> shapes, Where where) const {
    BoundModel::State state;
    state.executable = executable_;
    try {
        const std::vector<std::span<const std::int64_t>> spans(shapes.begin(), shapes.end());
        const auto& plan = executable_->plan;
        state.bound = runtime::bind_plan_uncached(plan, runtime::symbols_of(plan, spans));
    } catch (const runtime::PlanError& e) {
        detail::throw_misfit(e, ir::printable_line(graph_->name), detail::blame(where));
    }
    const detail::LocScope scope(where);
    state.threads = state.bound->threads();
    state.workspace = detail::allocate_tensor(state.bound->workspace_bytes(state.threads));
    BoundModel out;
    out.state_ = std::make_shared<const BoundModel::State>(std::move(state));
    return out;
}

void BoundModel::operator()(const void* const* inputs, void* const* outputs, Where where) const {
    const State& s = *state_;
    const runtime::RunFault fault = runtime::run(*s.bound, inputs, outputs, s.workspace.data(), s.threads);
    if (fault) [[unlikely]]
        detail::throw_fault(s.executable->plan, fault, detail::blame(where));
}

std::size_t BoundModel::output_bytes(std::size_t i) const {
    return static_cast<std::size_t>(state_->bound->output_bytes[state_->executable->outputs[i]]);
}

std::pmr::vector<Tensor> Model::run(std::span<const Tensor> inputs, Where where, detail::CallMemory& memory) const {
    std::shared_ptr<const CompiledModel> compiled;
    {
        const std::lock_guard lock(lazy_->mutex);
        if (!lazy_->compiled) lazy_->compiled = std::make_shared<CompiledModel>(compile({}, where));
        compiled = lazy_->compiled;
    }
    lazy_->runs.fetch_add(1, std::memory_order_relaxed);
    return compiled->run(inputs, where, memory);
}

std::vector<Tensor> Model::operator()(std::span<const Tensor> inputs, Where where) const {
    detail::CallMemory memory;
    std::pmr::vector<Tensor> results = run(inputs, where, memory);
    return {std::make_move_iterator(results.begin()), std::make_move_iterator(results.end())};
}

Tensor Model::operator()(const Tensor& x, Where where) const {
    detail::CallMemory memory;
    std::pmr::vector<Tensor> results = run(std::span(&x, 1), where, memory);
    if (results.size() != 1)
        throw UserError(printable_name() + ": has " + std::to_string(results.size()) + " outputs, not one",
                        detail::blame(where));
    return std::move(results[0]);
}

std::map<std::string, Array> Model::run(const std::map<std::string, Array>& inputs, Where where) const {
    std::vector<Tensor> tensors;
    const std::vector<std::string> names = input_names();
    for (const std::string& name : names) {
        const auto found = inputs.find(name);
        if (found == inputs.end())
            throw UserError(printable_name() + ": no input '" + ir::printable_line(name) + "' was given",
                            detail::blame(where));
        tensors.push_back(Tensor::from(found->second, where));
    }
    for (const auto& [given, array] : inputs) {
        if (std::ranges::find(names, given) == names.end())
            throw UserError(printable_name() + ": has no input '" + ir::printable_line(given) + "'",
                            detail::blame(where));
    }
    const std::vector<Tensor> results = (*this)(tensors, where);
    std::map<std::string, Array> out;
    for (std::size_t i = 0; i < results.size(); ++i) out[graph_->output_name(i)] = results[i].to_array(where);
    return out;
}

std::shared_ptr<const codegen::Executable> Model::executable() const {
    const std::lock_guard lock(lazy_->mutex);
    return lazy_->compiled ? lazy_->compiled->executable_ : nullptr;
}
std::uint64_t Model::runs() const { return lazy_->runs.load(std::memory_order_relaxed); }

namespace detail {

Model trace_model(const TensorFunction& body, std::size_t arity, const std::vector<TensorSpec>& specs,
                  const TraceOptions& options, Where where) {
    if (specs.size() != arity)
        throw UserError("trace: the function takes " + std::to_string(arity) + " tensors, but there are " +
                            std::to_string(specs.size()) + " specs",
                        blame(where));
    return trace_model(body, specs, options, {}, where);
}

Model trace_model(const TensorFunction& body, const std::vector<TensorSpec>& specs, const TraceOptions& options,
                  const TakeWeight& take, Where where) {
    Trace::Result traced;
    std::size_t result_count = 0;
    {
        Trace trace(options.name, where);
        std::map<std::string, Dim> symbols;
        std::vector<Tensor> inputs;
        for (const TensorSpec& spec : specs) {
            ir::Type type{spec.dtype, {}};
            if (spec.dims.size() > ir::max_rank)
                throw TypeError("trace: the input '" + ir::printable_line(spec.name) + "' has " +
                                    std::to_string(spec.dims.size()) + " dimensions, more than " +
                                    std::to_string(ir::max_rank),
                                detail::blame(where));
            for (const auto& dim : spec.dims) {
                if (const auto* number = std::get_if<std::int64_t>(&dim)) {
                    if (*number < 0)
                        throw UserError(
                            "trace: the input '" + ir::printable_line(spec.name) + "' has a negative extent",
                            detail::blame(where));
                    type.shape.push_back(*number);
                    continue;
                }
                const std::string& name = std::get<std::string>(dim);
                const auto [found, fresh] = symbols.try_emplace(name);
                if (fresh) found->second = trace.add_symbol(name);
                type.shape.push_back(found->second);
            }
            inputs.emplace_back(trace.add_input(spec.name, type));
        }
        std::vector<NodeRef> outputs;
        const auto call = [&] {
            const detail::Frame users(where);
            return body(inputs);
        };
        for (const Tensor& t : call()) {
            if (t.is_empty()) throw UserError("trace: the function returned an empty tensor", detail::blame(where));
            outputs.push_back(resolve(t.node()));
        }
        result_count = outputs.size();
        traced = trace.finish(outputs);
    }
    if (!traced.updated.empty())
        throw UserError("trace: the function sets a variable, which a model cannot do", detail::blame(where));

    // Names of inputs stay; weights are called as the options say, or as their variables are, made unique.
    std::set<std::string> used;
    for (const TensorSpec& spec : specs)
        if (!used.insert(spec.name).second)
            throw UserError("trace: two inputs are called '" + ir::printable_line(spec.name) + "'",
                            detail::blame(where));
    std::vector<std::string> names;
    std::vector<Array> weights;
    for (const NodeRef& node : traced.captured) {
        const auto named =
            std::ranges::find_if(options.weights, [&](const auto& w) { return w.second.node() == node; });
        const bool is_variable = node->kind == NodeKind::variable;
        names.push_back(unique_name(named != options.weights.end() ? named->first
                                    : is_variable                  ? node->variable->name
                                                                   : "constant",
                                    used));
        std::optional<Array> taken = take ? take(Tensor(node)) : std::nullopt;
        weights.push_back(taken ? std::move(*taken) : Tensor(node).to_array());
    }
    if (!options.outputs.empty() && options.outputs.size() != result_count)
        throw UserError("trace: the function returns " + std::to_string(result_count) + " tensors, but there are " +
                            std::to_string(options.outputs.size()) + " names for them",
                        detail::blame(where));
    std::vector<std::string> outputs;
    for (std::size_t i = 0; i < result_count; ++i)
        outputs.push_back(i < options.outputs.size() ? options.outputs[i] : traced.graph->output_name(i));
    if (std::set<std::string>(outputs.begin(), outputs.end()).size() != outputs.size())
        throw UserError("trace: two results have the same name", detail::blame(where));
    std::unique_ptr<ir::Graph> graph =
        with_parameters(*traced.graph, outputs, [&](ir::Graph& out, std::size_t i, const ir::Node& n) {
            return out.add_parameter(i < specs.size() ? specs[i].name : names[i - specs.size()], n.results[0], n.loc);
        });
    return {std::move(graph), specs.size(), std::move(weights), options.counted, options.sized};
}

}  // namespace detail
}  // namespace lathe
