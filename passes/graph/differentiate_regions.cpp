// The gradient of a cond is a cond of the gradients. That of a scan is a scan the other way round, which carries the
// cotangents of what was carried and sums those of what stays as it is. Both compute the values of the forward regions
// again, from what went into them: a forward scan stacks what it carries for that (see join_scans).
#include "passes/graph/differentiate_regions.h"

#include <memory>

#include "ir/error.h"
#include "ir/functions/basic.h"
#include "ir/ops/control.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;
using ir::Values;

// A region while it is written.
class RegionDraft {
public:
    RegionDraft(const Graph& around, std::string name, ir::Loc loc) : graph_(std::make_unique<Graph>()) {
        graph_->name = std::move(name);
        graph_->symbols = around.symbols;
        graph_->default_loc = loc;
    }

    Graph& graph() { return *graph_; }
    Value add_parameter(const ir::Type& type) {
        return graph_->add_parameter("x" + std::to_string(graph_->parameters().size()), type);
    }
    // The outputs of another region for these values of its parameters.
    Values inlined(const Graph& region, std::span<const Value> parameters) {
        return ir::inlined(*graph_, region, parameters);
    }
    void add_output(Value v) { graph_->add_output("y" + std::to_string(graph_->outputs().size()), v); }

    ir::Region finish() {
        std::unique_ptr<Graph> result = copy_live(*graph_);
        result->symbols.clear();
        return {std::move(result)};
    }

private:
    std::unique_ptr<Graph> graph_;
};

Value zeros(Graph& graph, const ir::Type& type) {
    const Value zero = graph.constant(ir::splat_literal(type.dtype, ir::Shape{}, 0.0));
    return ir::functions::full_like(zero, type.shape, 0);
}

// The type in which cotangents of a value are summed.
ir::Type sum_type(const ir::Type& type) { return {ir::accumulator_of(type.dtype), type.shape}; }

Values pull_back_branch(Graph& graph, const Node& node, std::span<const Value> cotangents,
                        const std::vector<bool>& wanted) {
    Values operands(node.operands);
    for (const Value& c : cotangents)
        if (c) operands.push_back(c);
    ir::Attributes attributes;
    std::vector<bool> reached(node.operands.size(), false);
    for (const bool last : {false, true}) {  // first: which operands anything flows to, on either way
        attributes.clear();
        for (const Graph* region : ir::regions_of(node)) {
            RegionDraft draft(graph, region->name, node.loc);
            Values inputs, given, ys, xs;
            for (std::size_t i = 1; i < node.operands.size(); ++i)
                inputs.push_back(draft.add_parameter(node.operands[i].type()));
            const Values outputs = draft.inlined(*region, inputs);
            for (std::size_t r = 0; r < cotangents.size(); ++r) {
                if (!cotangents[r]) continue;
                given.push_back(draft.add_parameter(cotangents[r].type()));
                ys.push_back(outputs[r]);
            }
            for (std::size_t i = 1; i < node.operands.size(); ++i)
                if (wanted[i]) xs.push_back(inputs[i - 1]);
            const Values pulled = pull_back(draft.graph(), ys, given, xs);
            for (std::size_t i = 1, x = 0; i < node.operands.size(); ++i) {
                if (!wanted[i]) continue;
                const Value v = pulled[x++];
                if (v) reached[i] = true;
                if (last && reached[i]) draft.add_output(v ? v : zeros(draft.graph(), node.operands[i].type()));
            }
            if (last) attributes.emplace_back(draft.finish());
        }
    }
    Values out(node.operands.size());
    if (std::ranges::find(reached, true) == reached.end()) return out;
    const Node& made = graph.add(*node.op, operands, std::move(attributes), node.loc);
    for (std::uint32_t i = 0, r = 0; i < out.size(); ++i)
        if (reached[i]) out[i] = {&made, r++};
    return out;
}

// The body once more, and its derivatives, as a body of their own.
Values pull_back_once(Graph& graph, const Node& node, std::span<const Value> cotangents,
                      const std::vector<bool>& wanted) {
    RegionDraft draft(graph, ir::regions_of(node)[0]->name, node.loc);
    Values operands(node.operands), inputs, given, ys, xs, out(node.operands.size());
    for (const Value& v : node.operands) inputs.push_back(draft.add_parameter(v.type()));
    const Values outputs = draft.inlined(*ir::regions_of(node)[0], inputs);
    for (std::size_t r = 0; r < cotangents.size(); ++r) {
        if (!cotangents[r]) continue;
        operands.push_back(cotangents[r]);
        given.push_back(draft.add_parameter(cotangents[r].type()));
        ys.push_back(outputs[r]);
    }
    std::vector<std::size_t> asked, reached;
    for (std::size_t i = 0; i < node.operands.size(); ++i)
        if (wanted[i]) {
            asked.push_back(i);
            xs.push_back(inputs[i]);
        }
    const Values pulled = pull_back(draft.graph(), ys, given, xs);
    for (std::size_t k = 0; k < asked.size(); ++k)
        if (pulled[k]) {
            reached.push_back(asked[k]);
            draft.add_output(pulled[k]);
        }
    if (reached.empty()) return out;
    const Node& made = graph.add(*node.op, operands, {draft.finish()}, node.loc);
    for (std::uint32_t r = 0; r < reached.size(); ++r) out[reached[r]] = {&made, r};
    return out;
}

// The scan, with all that it carries stacked as it goes into each iteration, behind the other results.
const Node& stacking(Graph& graph, const Node& node, const ir::ScanParts& parts) {
    const Graph& body = *ir::regions_of(node)[0];
    ValueMap values;
    std::unique_ptr<Graph> longer = copy(body, &values);
    for (std::size_t k = 0; k < parts.carried; ++k)
        longer->add_output("into" + std::to_string(k), mapped(values, body.parameters()[k]));
    ir::Attributes attributes = node.attributes;
    attributes[ir::ops::scan_body.slot] = ir::Region{std::move(longer)};
    return graph.add(*node.op, node.operands, std::move(attributes), node.loc);
}

Values pull_back_scan(Graph& graph, const Node& node, std::span<const Value> cotangents,
                      const std::vector<bool>& wanted) {
    const ir::ScanParts parts = ir::parts_of_scan(node);
    const Graph& body = *ir::regions_of(node)[0];
    const std::size_t sequences_end = parts.carried + parts.sequences;
    const Node& forward = stacking(graph, node, parts);

    // Operands of the reverse scan, and its body's parameters alongside.
    RegionDraft draft(graph, body.name, node.loc);
    Values operands;
    const auto add = [&](Value v, const ir::Type& type) {
        operands.push_back(v);
        return draft.add_parameter(type);
    };
    std::vector<std::size_t> carried, captured;  // operands of the forward scan
    Values sums, dys, ys, inputs(node.operands.size());
    for (std::size_t k = 0; k < parts.carried; ++k) {
        const ir::Type& type = node.operands[k].type();
        if (!ir::is_float(type.dtype)) continue;
        carried.push_back(k);
        dys.push_back(add(cotangents[k] ? cotangents[k] : zeros(graph, type), type));
    }
    for (std::size_t i = sequences_end; i < node.operands.size(); ++i) {
        if (!wanted[i]) continue;
        captured.push_back(i);
        const ir::Type type = sum_type(node.operands[i].type());
        sums.push_back(add(zeros(graph, type), type));
    }
    const std::size_t reverse_carried = operands.size();
    for (std::size_t i = parts.carried; i < sequences_end; ++i)
        inputs[i] = add(node.operands[i], ir::slice_type(node.operands[i].type()));
    for (std::size_t k = 0; k < parts.carried; ++k) {
        const Value into{&forward, static_cast<std::uint32_t>(node.results.size() + k)};
        inputs[k] = add(into, node.operands[k].type());
    }
    std::vector<std::size_t> stacked;  // results that cotangents come from
    for (std::size_t r = parts.carried; r < node.results.size(); ++r) {
        if (!cotangents[r]) continue;
        stacked.push_back(r);
        dys.push_back(add(cotangents[r], ir::slice_type(node.results[r])));
    }
    const std::size_t reverse_sequences = operands.size() - reverse_carried;
    for (std::size_t i = sequences_end; i < node.operands.size(); ++i)
        inputs[i] = add(node.operands[i], node.operands[i].type());

    const Values outputs = draft.inlined(body, inputs);
    for (const std::size_t k : carried) ys.push_back(outputs[k]);
    for (const std::size_t r : stacked) ys.push_back(outputs[r]);
    Values xs;
    for (const std::size_t k : carried) xs.push_back(inputs[k]);
    for (const std::size_t i : captured) xs.push_back(inputs[i]);
    std::vector<std::size_t> sliced;
    for (std::size_t i = parts.carried; i < sequences_end; ++i) {
        if (!wanted[i]) continue;
        sliced.push_back(i);
        xs.push_back(inputs[i]);
    }
    const Values pulled = pull_back(draft.graph(), ys, dys, xs);
    const auto value_or_zeros = [&](std::size_t x) {
        return pulled[x] ? pulled[x] : zeros(draft.graph(), xs[x].type());
    };
    std::size_t x = 0;
    for (; x < carried.size(); ++x) draft.add_output(value_or_zeros(x));
    for (const Value& sum : sums) {
        const Value part = pulled[x++];
        draft.add_output(part ? ir::ops::add(sum, ir::functions::convert(part, sum.type().dtype)) : sum);
    }
    for (; x < xs.size(); ++x) draft.add_output(value_or_zeros(x));
    Values out(node.operands.size());
    if (draft.graph().outputs().empty()) return out;

    const Node& made = graph.add(
        *node.op, operands,
        {draft.finish(), node.attributes[ir::ops::scan_length.slot], static_cast<std::int64_t>(reverse_carried),
         static_cast<std::int64_t>(reverse_sequences), !ir::ops::scan_reverse(node.attributes)},
        node.loc);
    std::uint32_t r = 0;
    for (const std::size_t k : carried) out[k] = {&made, r++};
    for (const std::size_t i : captured)
        out[i] = ir::functions::convert(Value{&made, r++}, node.operands[i].type().dtype);
    for (const std::size_t i : sliced) out[i] = {&made, r++};
    return out;
}

}  // namespace

std::vector<Value> pull_back_regions(Graph& graph, const Node& node, std::span<const Value> cotangents,
                                     const std::vector<bool>& wanted) {
    // Results that nothing flows to are not listed at the end.
    Values all(cotangents.begin(), cotangents.end());
    all.resize(node.results.size());
    for (std::size_t r = 0; r < all.size(); ++r)
        if (!ir::is_float(node.results[r].dtype)) all[r] = {};
    switch (node.op->control) {
        case ir::Control::branch:
            return pull_back_branch(graph, node, all, wanted);
        case ir::Control::scan:
            return pull_back_scan(graph, node, all, wanted);
        case ir::Control::once:
            return pull_back_once(graph, node, all, wanted);
        case ir::Control::loop_while:
        case ir::Control::none:
            break;
    }
    throw InternalError(std::string(node.op->name) + " has no gradient through its regions", node.loc);
}

}  // namespace lathe::passes
