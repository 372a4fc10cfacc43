#include "frontend/trace/control.h"

#include <algorithm>
#include <unordered_set>

#include "frontend/trace/region.h"
#include "frontend/trace/trace.h"
#include "ir/ops/control.h"

namespace lathe::detail {
namespace {

// More would only be a recursion that does not end.
constexpr int max_nesting = 30;

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

// A function that ran, and what it recorded.
struct Recorded {
    std::uint32_t serial = 0;
    std::vector<NodeRef> inputs, outputs;
};

Recorded run_body(const RegionBody& body, std::span<const ir::Type> types, Where where) {
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
    out.outputs = operands_of(results);
    return out;
}

// Regions that get the same values from outside.
class Captures {
public:
    explicit Captures(std::vector<Recorded> regions) : regions_(std::move(regions)) {
        for (const Recorded& r : regions_) collect(r);
    }
    const std::vector<NodeRef>& values() const { return values_; }

    ir::Region region(std::size_t i, std::string name) const {
        const Recorded& recorded = regions_[i];
        auto graph = std::make_shared<ir::Graph>();
        graph->name = std::move(name);
        Builder builder(*graph);
        std::size_t count = 0;
        const auto bind = [&](const char* what, const NodeRef& node) {
            builder.bind(node.get(),
                         graph->add_parameter(what + std::to_string(count++), node->type, node->location()));
        };
        for (const NodeRef& x : recorded.inputs) bind("x", x);
        count = 0;
        for (const NodeRef& c : values_) bind("captured", c);
        count = 0;
        for (const NodeRef& out : recorded.outputs)
            graph->add_output("y" + std::to_string(count++), builder.build(out.get()));
        return {std::move(graph)};
    }

private:
    class Builder final : public GraphBuilder {
    public:
        using GraphBuilder::GraphBuilder;

    protected:
        bool is_input(Node&) override { return false; }
        ir::Value input(Node& node) override { throw InternalError("a region has an unknown input", node.location()); }
    };

    // What a function computed from its arguments is the region's, and what needs no operands is made there again.
    static bool is_inside(const Node& node, const Recorded& region) {
        if (node.made_in < region.serial) return false;
        if (node.kind != NodeKind::op && node.kind != NodeKind::projection) return false;
        return node.symbolic || node.op == nullptr || node.op->lowering == ir::Lowering::source ||
               node.op->lowering == ir::Lowering::index;
    }

    void collect(const Recorded& region) {
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

    std::vector<Recorded> regions_;
    std::vector<NodeRef> values_;
};

std::vector<ir::Type> types_of(std::span<const NodeRef> nodes) {
    std::vector<ir::Type> types;
    for (const NodeRef& n : nodes) types.push_back(n->type);
    return types;
}

std::vector<Tensor> record_call(const ir::OpDef& op, std::vector<NodeRef> operands, const Captures& captures,
                                ir::Attributes attributes, Where where) {
    operands.insert(operands.end(), captures.values().begin(), captures.values().end());
    return tensors_of_nodes(record_results(op, operands, std::move(attributes), where));
}

}  // namespace

bool in_region() { return depth > 0; }

void require_same_structure(bool same, std::string_view function, const char* what, Where where) {
    if (!same)
        throw UserError(std::string(function) + ": the " + what + " are trees of different structure", blame(where));
}

std::vector<Tensor> record_cond(const Tensor& p, std::span<const Tensor> arguments, const RegionBody& then,
                                const RegionBody& otherwise, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> operands = operands_of(arguments);
    const std::vector<ir::Type> types = types_of(operands);
    std::vector<Recorded> regions;
    for (const RegionBody* body : {&then, &otherwise}) regions.push_back(run_body(*body, types, where));
    const Captures captures(std::move(regions));
    operands.insert(operands.begin(), operand(p.node()));
    return record_call(ir::ops::cond, std::move(operands), captures,
                       {captures.region(0, "then"), captures.region(1, "else")}, where);
}

std::vector<Tensor> record_while(std::span<const Tensor> init, const RegionBody& condition, const RegionBody& body,
                                 Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> operands = operands_of(init);
    const std::vector<ir::Type> types = types_of(operands);
    std::vector<Recorded> regions;
    for (const RegionBody* f : {&condition, &body}) regions.push_back(run_body(*f, types, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::while_loop, std::move(operands), captures,
                       {captures.region(0, "condition"), captures.region(1, "body")}, where);
}

std::vector<Tensor> record_scan(std::span<const Tensor> init, std::span<const Tensor> xs, const ScanOptions& options,
                                const RegionBody& body, Where where) {
    const LocScope scope(where);
    std::vector<NodeRef> operands = operands_of(init);
    std::vector<ir::Type> types = types_of(operands);
    std::optional<ir::Dim> length = options.length;
    for (NodeRef& x : operands_of(xs)) {
        if (x->type.shape.rank() == 0) throw TypeError("scan: xs of rank 0 have no slices", blame(where));
        if (!length) length = x->type.shape[0];
        types.push_back(ir::slice_type(x->type));
        operands.push_back(std::move(x));
    }
    if (!length) throw UserError("scan: there are no xs, and no length", blame(where));
    std::vector<Recorded> regions;
    regions.push_back(run_body(body, types, where));
    const Captures captures(std::move(regions));
    return record_call(ir::ops::scan, std::move(operands), captures,
                       {captures.region(0, "body"), ir::Shape{*length}, static_cast<std::int64_t>(init.size()),
                        static_cast<std::int64_t>(xs.size()), options.reverse},
                       where);
}

}  // namespace lathe::detail
