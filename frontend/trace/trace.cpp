#include "frontend/trace/trace.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "frontend/tensor/record.h"
#include "ir/ops/ops.h"

namespace lathe {
namespace {

thread_local Trace* current_trace = nullptr;

using detail::Node;
using detail::NodeKind;
using detail::NodeRef;

// Nodes of a trace. Pending calls that do not depend on its inputs (constants, iotas) are recomputed inside; data is
// captured.
class TraceBuilder final : public detail::GraphBuilder {
public:
    TraceBuilder(ir::Graph& graph, const ir::Unifier& unifier) : GraphBuilder(graph), unifier_(unifier) {}
    std::vector<NodeRef> captured;

protected:
    bool is_input(Node& node) override {
        if (node.kind != NodeKind::op && node.kind != NodeKind::projection) return true;
        return !node.symbolic && !remember_operands(node);
    }
    std::span<Node* const> operands(Node& node) override {
        if (node.symbolic) return node.inputs();
        return raw_.at(&node);
    }
    ir::Attributes attributes(const Node& node) override { return unifier_.apply(GraphBuilder::attributes(node)); }
    ir::Value input(Node& node) override {
        if (node.kind == NodeKind::placeholder)
            throw detail::ForeignTensor(
                "a tensor of another function, which is being traced or differentiated, was used "
                "in this one",
                node.location());
        if (node.kind == NodeKind::number) return graph_.constant(detail::literal_of(node), node.location());
        captured.push_back(NodeRef::share(&node));
        return graph_.add_parameter("captured" + std::to_string(captured.size() - 1), node.type, node.location(), true);
    }

private:
    // Another thread may evaluate a pending node, which then lets its operands go: they are copied under a claim that
    // is held for as long as that takes. False if the node has data.
    bool remember_operands(Node& node) {
        if (raw_.contains(&node)) return true;
        const auto self = reinterpret_cast<detail::NodeState>(this);
        std::vector<Node*>& raw = raw_[&node];
        detail::NodeState state = node.state.load(std::memory_order_acquire);
        while (state != detail::ready) {
            if (state != detail::pending) {
                detail::await(node);
                state = node.state.load(std::memory_order_acquire);
            } else if (node.state.compare_exchange_weak(state, self, std::memory_order_acquire)) {
                break;
            }
        }
        if (state == detail::ready) {
            raw_.erase(&node);
            return false;
        }
        const Unclaim unclaim{node};
        raw.reserve(node.operand_count);
        for (Node* x : node.inputs()) {
            kept_.push_back(NodeRef::share(x));
            raw.push_back(x);
        }
        return true;
    }
    struct Unclaim {
        Node& node;
        ~Unclaim() { detail::settle(node, detail::pending); }
    };
    const ir::Unifier& unifier_;
    std::unordered_map<const Node*, std::vector<Node*>> raw_;
    std::vector<NodeRef> kept_;
};

}  // namespace

std::uint32_t detail::next_trace_serial() {
    static std::atomic<std::uint32_t> last{0};
    std::uint32_t serial = 0;
    while (serial == 0) serial = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return serial;
}

Trace::Trace(std::string name, std::source_location where)
    : where_(where), serial_(detail::next_trace_serial()), previous_(current_trace) {
    scope_.name = std::move(name);
    current_trace = this;
    detail::trace_serial = serial_;
}
Trace::~Trace() {
    current_trace = previous_;
    detail::trace_serial = previous_ == nullptr ? 0 : previous_->serial_;
}
Trace* Trace::current() { return current_trace; }

ir::Dim Trace::add_symbol(std::string name, std::optional<std::int64_t> example) {
    examples_.push_back(example);
    return ir::Dim::symbol(scope_.add_symbol(std::move(name)));
}

std::int64_t Trace::pin(ir::Dim dim, ir::Loc loc) {
    std::vector<std::int64_t> values;
    for (const auto& example : examples_) {
        if (!example)
            throw UserError(detail::spoken("extent") + ": a symbolic extent was read as a number while tracing", loc);
        values.push_back(*example);
    }
    const std::optional<std::int64_t> value = dim.evaluate(values);
    if (!value) throw UserError("an extent has no value", loc);
    scope_.require_equal(dim, *value, loc, "the extent was read as a number");
    return *value;
}

void Trace::require_equal(ir::Dim a, ir::Dim b, ir::Loc loc, const std::string& what) {
    scope_.require_equal(a, b, loc, what);
}

NodeRef Trace::add_input(std::string name, ir::Type type) {
    NodeRef node = detail::make_node(NodeKind::placeholder);
    node->type = type;
    node->symbolic = true;
    node->trace = this;
    node->where = where_;
    node->bits = inputs_.size();
    inputs_.push_back({node, std::move(name)});
    return node;
}

void Trace::declare(const NodeRef& variable, NodeRef value) {
    cell_of_.emplace(variable.get(), cells_.size());
    cells_.push_back({variable, {}, std::move(value), true, false});
}

NodeRef Trace::declare_argument(const Node& variable, const NodeRef& value) {
    NodeRef stand_in =
        detail::make_variable(value->type, variable.variable->name, variable.variable->trainable.value());
    stand_in->variable->in_trace = true;
    detail::make_value_of(*value, *stand_in);
    cell_of_.emplace(stand_in.get(), cells_.size());
    cells_.push_back({stand_in, {}, value});
    return stand_in;
}

NodeRef Trace::assigned(const NodeRef& variable) const {
    const Cell& cell = cells_[cell_of_.at(variable.get())];
    return cell.set ? cell.value : NodeRef{};
}

NodeRef Trace::read(const NodeRef& variable) {
    const auto [found, fresh] = cell_of_.try_emplace(variable.get(), cells_.size());
    if (fresh) {
        if (variable->variable->in_trace) {
            cell_of_.erase(found);
            throw UserError("a variable was used outside of the traced function that made it", detail::blame({}));
        }
        NodeRef node = detail::make_node(NodeKind::placeholder);
        node->type = variable->type;
        node->symbolic = true;
        node->where = where_;
        variable->variable->trainable.read();
        detail::make_value_of(*node, *variable);
        node->trace = this;
        cells_.push_back({variable, node, node});
    }
    Cell& cell = cells_[found->second];
    if (!cell.cut) {  // derivatives by the variable are by what it was set to
        cell.value = detail::record(ir::ops::stop_gradient, std::span(&cell.value, 1), {}, where_);
        detail::make_value_of(*cell.value, *variable);
        cell.cut = true;
    }
    return cell.value;
}

void Trace::write(const NodeRef& variable, NodeRef value, ir::Loc loc) {
    if (!cell_of_.contains(variable.get())) read(variable);
    const ir::Type& type = variable->type;
    for (std::size_t i = 0; i < type.shape.rank(); ++i)
        scope_.require_equal(value->type.shape[i], type.shape[i], loc, "set: the variable has another extent");
    Cell& cell = cells_[cell_of_.at(variable.get())];
    cell.value = std::move(value);
    cell.set = true;
    cell.cut = false;
}

NodeRef Trace::gradient(const std::shared_ptr<detail::VariableData>& variable) const {
    const auto found = gradients_.find(variable);
    return found == gradients_.end() ? NodeRef{} : found->second;
}

void Trace::set_gradient(const std::shared_ptr<detail::VariableData>& variable, NodeRef gradient) {
    gradients_[variable] = std::move(gradient);
}

// An equality that this call's extents contradict is a mistake of the line that demanded it.
void Trace::check_examples() const {
    std::vector<std::int64_t> values;
    for (const auto& example : examples_) {
        if (!example) return;
        values.push_back(*example);
    }
    for (const ir::Precondition& p : scope_.preconditions) {
        const auto a = p.a.evaluate(values), b = p.b.evaluate(values);
        if (a && b && *a != *b)
            throw TypeError(p.what + ": " + std::to_string(*a) + " is not " + std::to_string(*b), p.loc);
    }
}

Trace::Result Trace::finish(std::span<const NodeRef> outputs) {
    check_examples();
    ir::Unifier unifier(scope_.preconditions);
    std::vector<ir::Symbol> used;
    for (const Input& input : inputs_)
        for (ir::Dim d : input.placeholder->type.shape) unifier.apply(d).collect_symbols(used);
    Result result;
    result.graph = std::make_unique<ir::Graph>();
    ir::Graph& graph = *result.graph;
    graph.name = scope_.name;
    graph.symbols = unifier.renumber(used, scope_.symbols);

    TraceBuilder builder(graph, unifier);
    for (const Input& input : inputs_)
        builder.bind(input.placeholder.get(), graph.add_parameter(input.name, unifier.apply(input.placeholder->type)));
    for (const Cell& cell : cells_) {
        if (!cell.placeholder) continue;
        const std::string& name = cell.variable->variable->name;
        builder.bind(cell.placeholder.get(),
                     graph.add_parameter(name.empty() ? "variable" + std::to_string(result.captured.size()) : name,
                                         cell.placeholder->type, {}, !cell.set));
        result.captured.push_back(cell.variable);
    }
    std::size_t count = 0;
    for (const NodeRef& out : outputs)
        graph.add_output(outputs.size() == 1 ? "result" : "result" + std::to_string(count++), builder.build(out.get()));
    for (const Cell& cell : cells_)
        if (cell.set && cell.placeholder) {
            graph.add_output("updated_" + std::to_string(result.updated.size()), builder.build(cell.value.get()));
            result.updated.push_back(cell.variable);
        }
    result.captured.insert(result.captured.end(), builder.captured.begin(), builder.captured.end());
    for (const ir::Precondition& p : scope_.preconditions)
        if (unifier.apply(p.a) != unifier.apply(p.b))
            graph.require_equal(unifier.apply(p.a), unifier.apply(p.b), p.loc, p.what);
    result.flags = std::move(flags_);
    return result;
}

namespace detail {

ir::Attributes GraphBuilder::attributes(const Node& node) {
    return node.attributes ? *node.attributes : ir::Attributes{};
}

ir::Value GraphBuilder::build(Node* target) {
    std::vector<Node*> stack{target};
    while (!stack.empty()) {
        Node* node = stack.back();
        if (values_.contains(node)) {
            stack.pop_back();
            continue;
        }
        if (is_input(*node)) {
            values_[node] = input(*node);
            stack.pop_back();
            continue;
        }
        bool waits = false;
        const std::span<Node* const> inputs = operands(*node);
        for (Node* x : inputs)
            if (!values_.contains(x)) {
                stack.push_back(x);
                waits = true;
            }
        if (waits) continue;
        stack.pop_back();
        if (node->kind == NodeKind::leaf) {  // of a compiled call, which was recorded since
            values_[node] = values_.at(inputs[0]);
            continue;
        }
        if (node->kind == NodeKind::projection) {
            values_[node] = ir::Value{values_.at(inputs[0]).node, node->index};
            continue;
        }
        std::vector<ir::Value> values;
        for (Node* x : inputs) values.push_back(values_.at(x));
        const ir::Node& added = graph_.add(*node->op, values, attributes(*node), node->location());
        values_[node] = ir::Value{&added, 0};
    }
    return values_.at(target);
}

ir::Literal literal_of(const Node& node) {
    const std::size_t size = size_of(node.type.dtype);
    const auto count = static_cast<std::size_t>(node.type.shape.element_count().constant());
    const auto* bytes = static_cast<const std::byte*>(node.elements());
    return ir::make_literal(node.type, std::span(bytes, (node.kind == NodeKind::number ? 1 : count) * size));
}

}  // namespace detail
}  // namespace lathe
