#include "frontend/trace/recorded.h"

#include <algorithm>
#include <unordered_set>

#include "frontend/trace/region.h"
#include "frontend/trace/trace.h"
#include "ir/ops/op.h"

namespace lathe::detail {
namespace {

// More would only be a recursion that does not end.
constexpr int max_nesting = 30;

thread_local int depth = 0;

// While it lives, what the thread records is a region's.
class RegionScope {
public:
    explicit RegionScope(Where where) : before_(std::exchange(trace_serial, next_trace_serial())) {
        if (++depth <= max_nesting) return;
        leave();
        throw UserError("loops and branches are nested too deeply", blame(where));
    }
    ~RegionScope() { leave(); }
    RegionScope(const RegionScope&) = delete;
    RegionScope& operator=(const RegionScope&) = delete;

private:
    void leave() {
        trace_serial = before_;
        --depth;
    }
    std::uint32_t before_;
};

class RegionBuilder final : public GraphBuilder {
public:
    using GraphBuilder::GraphBuilder;

protected:
    bool is_input(Node&) override { return false; }
    ir::Value input(Node& node) override { throw InternalError("a region has an unknown input", node.location()); }
};

// What a function computed from its arguments is the region's, and what needs no operands is made there again.
bool is_inside(const Node& node, const Recorded& region) {
    if (node.made_in < region.serial) return false;
    if (node.kind != NodeKind::op && node.kind != NodeKind::projection) return false;
    return node.symbolic || node.op == nullptr || node.op->lowering == ir::Lowering::source ||
           node.op->lowering == ir::Lowering::index;
}

}  // namespace

bool in_region() { return depth > 0; }

std::vector<NodeRef> operands_of(std::span<const Tensor> tensors) {
    std::vector<NodeRef> nodes;
    for (const Tensor& t : tensors) nodes.push_back(operand(t.node()));
    return nodes;
}

std::vector<Tensor> tensors_of_nodes(std::vector<NodeRef> nodes) {
    std::vector<Tensor> tensors;
    for (NodeRef& n : nodes) tensors.emplace_back(std::move(n));
    return tensors;
}

std::vector<ir::Type> types_of(std::span<const NodeRef> nodes) {
    std::vector<ir::Type> types;
    for (const NodeRef& n : nodes) types.push_back(n->type);
    return types;
}

Recorded run_body(std::string_view function, const TensorFunction& body, std::span<const ir::Type> types, Where where) {
    const RegionScope scope(where);
    Recorded out;
    out.serial = trace_serial;
    std::vector<Tensor> inputs;
    for (const ir::Type& type : types) {
        NodeRef node = make_node(NodeKind::placeholder);
        node->type = type;
        node->symbolic = true;
        node->where = where;
        out.inputs.push_back(node);
        inputs.emplace_back(std::move(node));
    }
    std::vector<Tensor> results;
    {
        const Frame users(where);
        results = body(inputs);
    }
    if (std::ranges::any_of(results, &Tensor::is_empty))
        throw UserError(std::string(function) + ": the function returned an empty tensor", blame(where));
    out.outputs = operands_of(results);
    return out;
}

Captures::Captures(std::vector<Recorded> regions) : regions_(std::move(regions)) {
    for (const Recorded& r : regions_) collect(r);
}

ir::Region Captures::region(std::size_t i, std::string name) const {
    const Recorded& recorded = regions_[i];
    auto graph = std::make_shared<ir::Graph>();
    graph->name = std::move(name);
    RegionBuilder builder(*graph);
    std::size_t count = 0;
    const auto bind = [&](const char* what, const NodeRef& node) {
        builder.bind(node.get(), graph->add_parameter(what + std::to_string(count++), node->type, node->location()));
    };
    for (const NodeRef& x : recorded.inputs) bind("x", x);
    count = 0;
    for (const NodeRef& c : values_) bind("captured", c);
    count = 0;
    for (const NodeRef& out : recorded.outputs)
        graph->add_output("y" + std::to_string(count++), builder.build(out.get()));
    return {std::move(graph)};
}

void Captures::collect(const Recorded& region) {
    std::unordered_set<Node*> seen;
    for (const NodeRef& x : region.inputs) seen.insert(x.get());
    std::vector<Node*> stack;
    for (const NodeRef& out : region.outputs) stack.push_back(out.get());
    while (!stack.empty()) {
        Node* const node = stack.back();
        stack.pop_back();
        if (!seen.insert(node).second) continue;
        if (is_inside(*node, region))
            stack.insert(stack.end(), node->inputs().begin(), node->inputs().end());
        else if (std::ranges::find(values_, node, &NodeRef::get) == values_.end())
            values_.push_back(NodeRef::share(node));
    }
}

}  // namespace lathe::detail
