#include "frontend/trace/gradient.h"

#include <unordered_set>

#include "frontend/trace/grad.h"
#include "frontend/trace/inline_graph.h"
#include "frontend/trace/trace.h"
#include "passes/graph/differentiate.h"

namespace lathe::detail {
namespace {

// Nodes that keep no history, as that of a comparison, have no derivative. They enter as they are, unless they depend
// on a stand-in: then they are recorded again, as all that depends on it. Values of variables begin a history. The
// others never lose their operands, so that reading them needs no claim.
bool ends_history(const Node& node) {
    return node.variable || !(node.keeps_history || node.on_stand_in) ||
           (node.kind != NodeKind::op && node.kind != NodeKind::projection && !node.call);
}

// What a node with history was computed from. The result of a compiled call is a recorded call's.
std::span<Node* const> history_of(Node& node) {
    return node.call ? std::span<Node* const>(&node.call->result(node.index), 1) : node.inputs();
}

// In a trace, extents are what the demands so far say they are: a rule that compares shapes must not take an extent
// that is known to be 6 for a symbol.
class HistoryBuilder final : public GraphBuilder {
public:
    HistoryBuilder(ir::Graph& graph, const ir::Unifier& unifier) : GraphBuilder(graph), unifier_(unifier) {}
    std::vector<NodeRef> inputs;

    ir::Value parameter(const std::string& name, const Node& node) {
        return graph_.add_parameter(name, unifier_.apply(node.type), node.location());
    }

protected:
    bool is_input(Node& node) override { return ends_history(node); }
    ir::Value input(Node& node) override {
        inputs.push_back(NodeRef::share(&node));
        return parameter("x" + std::to_string(inputs.size()), node);
    }
    std::span<Node* const> operands(Node& node) override { return history_of(node); }
    ir::Attributes attributes(const Node& node) override { return unifier_.apply(GraphBuilder::attributes(node)); }

private:
    const ir::Unifier& unifier_;
};

// What stands for an argument by which is differentiated.
NodeRef differentiation_input(const Tensor& x, std::string_view function, std::source_location where) {
    if (!is_float(x.dtype()))
        throw TypeError(std::string(function) + ": a derivative by " + x.type().to_string() +
                            " is not defined: only floats have one",
                        blame(where));
    NodeRef node = make_node(NodeKind::placeholder);
    node->type = x.type();
    node->symbolic = true;
    node->keeps_history = true;
    node->on_stand_in = true;
    return node;
}

}  // namespace

namespace {

// The names and the demands of the current trace.
ir::Unifier take_symbols(ir::Graph& graph) {
    Trace* const trace = Trace::current();
    if (trace == nullptr) return {};
    for (const std::string& name : trace->symbol_names()) graph.add_symbol(name);
    return trace->unifier();
}

}  // namespace

History record_history(std::span<const Tensor> x, const TensorFunction& f, std::string_view function, Where where) {
    History out;
    out.graph = std::make_unique<ir::Graph>();
    std::vector<NodeRef> stand_ins;
    std::vector<Tensor> arguments;
    for (const Tensor& t : x) {
        out.inputs.push_back(resolve(t.node()));
        stand_ins.push_back(differentiation_input(t, function, where));
        arguments.emplace_back(stand_ins.back());
    }
    const auto call = [&] {
        const Frame users(where);
        return f(arguments);
    };
    const std::vector<Tensor> results = call();
    const ir::Unifier unifier = take_symbols(*out.graph);
    HistoryBuilder builder(*out.graph, unifier);
    for (std::size_t i = 0; i < stand_ins.size(); ++i)
        builder.bind(stand_ins[i].get(), builder.parameter("x" + std::to_string(i), *stand_ins[i]));
    for (const Tensor& y : results) {
        const NodeRef node = resolve(y.node());
        if (!node) throw UserError(std::string(function) + ": the function returned an empty tensor", blame(where));
        out.graph->add_output("y" + std::to_string(out.graph->outputs().size()), builder.build(node.get()));
    }
    out.inputs.insert(out.inputs.end(), builder.inputs.begin(), builder.inputs.end());
    return out;
}

std::vector<NodeRef> value_and_gradients(const NodeRef& target, std::span<const NodeRef> wrt,
                                         std::span<const NodeRef> wrt_values, std::source_location where) {
    if (!target) throw UserError("grad: the function returned an empty tensor", blame(where));
    if (target->type.shape.rank() != 0 || !is_float(target->type.dtype))
        throw TypeError("grad: the differentiated value is a float of rank 0, not " + target->type.to_string(),
                        blame(where));
    ir::Graph graph;
    const ir::Unifier unifier = take_symbols(graph);
    HistoryBuilder builder(graph, unifier);
    std::vector<std::size_t> indices;
    for (const NodeRef& x : wrt) {
        indices.push_back(graph.parameters().size());
        builder.bind(x.get(), builder.parameter("wrt" + std::to_string(indices.size()), *x));
    }
    graph.add_output("value", builder.build(target.get()));
    const std::unique_ptr<ir::Graph> derivative =
        blaming(where, "grad", [&] { return passes::differentiate(graph, 0, indices, true); });
    std::vector<NodeRef> inputs(wrt_values.begin(), wrt_values.end());
    inputs.insert(inputs.end(), builder.inputs.begin(), builder.inputs.end());
    return inline_graph(*derivative, inputs);
}

std::vector<Tensor> record_gradients(std::span<const Tensor> x, const TensorFunction& f, Where where) {
    std::vector<NodeRef> values, inputs;
    std::vector<Tensor> stand_ins;
    for (const Tensor& t : x) {
        values.push_back(resolve(t.node()));
        inputs.push_back(differentiation_input(t, "grad", where));
        stand_ins.emplace_back(inputs.back());
    }
    const auto call = [&] {
        const Frame users(where);
        return f(stand_ins);
    };
    const std::vector<Tensor> value = call();
    std::vector<Tensor> results;
    for (NodeRef& r : value_and_gradients(resolve(value[0].node()), inputs, values, where))
        results.emplace_back(std::move(r));
    return results;
}

void backward(const Tensor& target, std::source_location where) {
    const NodeRef root = resolve(target.node());
    if (!root) throw UserError("backward: an empty tensor was used", blame(where));
    // The trainable variables' values that the target was computed from.
    std::vector<NodeRef> leaves;
    std::unordered_set<Node*> seen{root.get()};
    std::vector<Node*> stack{root.get()};
    while (!stack.empty()) {
        Node* node = stack.back();
        stack.pop_back();
        if (ends_history(*node)) {
            if (node->keeps_history && node->variable) leaves.push_back(NodeRef::share(node));
            continue;
        }
        for (Node* x : history_of(*node))
            if (seen.insert(x).second) stack.push_back(x);
    }
    if (leaves.empty())
        throw UserError("backward: the tensor was not computed from any trainable variable", blame(where));
    const std::vector<NodeRef> results = value_and_gradients(root, leaves, leaves, where);
    for (std::size_t i = 0; i < leaves.size(); ++i) add_to_gradient(leaves[i]->variable, results[i + 1], where);
}

}  // namespace lathe::detail
