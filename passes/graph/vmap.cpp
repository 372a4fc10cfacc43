#include "passes/graph/vmap.h"

#include <algorithm>

#include "ir/functions/basic.h"
#include "ir/ops/control.h"
#include "ir/ops/rules.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

namespace f = ir::functions;
using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Shape;
using ir::Value;

// What stands for a value of one index: a value with the axis, or the same value for all.
struct Mapped {
    Value value;
    bool batched = false;
};
using Flags = std::vector<bool>;

bool any(const Flags& flags) { return std::ranges::find(flags, true) != flags.end(); }
Flags flags_of(std::span<const Mapped> values) {
    Flags flags;
    for (const Mapped& m : values) flags.push_back(m.batched);
    return flags;
}
std::vector<Value> values_of(std::span<const Mapped> mapped) {
    std::vector<Value> values;
    for (const Mapped& m : mapped) values.push_back(m.value);
    return values;
}
std::vector<Mapped> with_flags(const std::vector<Value>& values, const Flags& flags) {
    std::vector<Mapped> mapped;
    for (std::size_t i = 0; i < values.size(); ++i) mapped.push_back({values[i], flags[i]});
    return mapped;
}

// Writes into one graph.
class Mapper {
public:
    Mapper(Graph& into, Dim extent) : into_(into), extent_(extent) {}

    // What the outputs of a graph are for values of its parameters.
    std::vector<Mapped> run(const Graph& graph, std::span<const Mapped> parameters) {
        std::vector<std::vector<Mapped>> values(graph.nodes().size());
        for (std::size_t i = 0; i < parameters.size(); ++i) values[graph.parameters()[i].node->id] = {parameters[i]};
        for (const Node& node : graph.nodes()) {
            if (!values[node.id].empty()) continue;
            std::vector<Mapped> operands;
            for (const Value& v : node.operands) operands.push_back(values[v.node->id][v.index]);
            into_.default_loc = node.loc;
            values[node.id] = any(flags_of(operands)) ? map_node(node, operands)
                                                      : all_of(add(node, values_of(operands), node.attributes), false);
        }
        std::vector<Mapped> outputs;
        for (const Value& v : graph.outputs()) outputs.push_back(values[v.node->id][v.index]);
        return outputs;
    }

    Value batched(const Mapped& m) const { return m.batched ? m.value : ir::rules::in_batch(m.value, extent_); }

private:
    const Node& add(const Node& node, const std::vector<Value>& operands, ir::Attributes attributes) {
        return into_.add(*node.op, operands, std::move(attributes), node.loc);
    }
    static std::vector<Mapped> all_of(const Node& node, bool batched) {
        std::vector<Mapped> results;
        for (const Value& v : results_of(node)) results.push_back({v, batched});
        return results;
    }
    std::vector<Value> all_batched(std::span<const Mapped> operands) const {
        std::vector<Value> values;
        for (const Mapped& m : operands) values.push_back(batched(m));
        return values;
    }

    std::vector<Mapped> map_node(const Node& node, const std::vector<Mapped>& operands) {
        const Flags flags = flags_of(operands);
        if (node.op->batch != nullptr) {
            const std::vector<Value> x = values_of(operands);
            return {{node.op->batch({node, x, flags, extent_}), true}};
        }
        if (node.op->expand != nullptr) return map_expansion(node, operands);
        switch (node.op->lowering) {
            case ir::Lowering::elementwise:
                return all_of(add(node, aligned(node, operands), node.attributes), true);
            // What they do along their axes is the same along axes that have moved.
            case ir::Lowering::view:
            case ir::Lowering::reduction:
            case ir::Lowering::relayout:
            case ir::Lowering::opaque: {
                const Flags all(operands.size(), true);
                const std::vector<Value> x = all_batched(operands);
                return all_of(add(node, x, ir::rules::batched_attributes({node, x, all, extent_})), true);
            }
            case ir::Lowering::control:
                return map_control(node, operands);
            case ir::Lowering::source:
            case ir::Lowering::index:
            case ir::Lowering::contraction:
            case ir::Lowering::scatter:
            case ir::Lowering::composite:
                break;
        }
        throw InternalError(std::string(node.op->name) + " has no batch rule", node.loc);
    }

    std::vector<Mapped> map_expansion(const Node& node, const std::vector<Mapped>& operands) {
        const std::unique_ptr<Graph> whole = like(*node.graph);
        std::vector<Value> x;
        for (const Value& v : node.operands) x.push_back(whole->add_parameter("x", v.type(), node.loc));
        const Node& copy = whole->add(*node.op, x, node.attributes, node.loc);
        whole->default_loc = node.loc;
        for (const Value& y : node.op->expand({copy, x})) whole->add_output("y", y);
        return run(*copy_live(*whole), operands);
    }

    // Operands broadcast from their last dimensions on, so that those of lower rank get extents of 1 behind the batch.
    static std::vector<Value> aligned(const Node& node, const std::vector<Mapped>& operands) {
        std::vector<Value> values;
        for (std::size_t i = 0; i < operands.size(); ++i)
            values.push_back(operands[i].batched
                                 ? ir::rules::with_rank(operands[i].value, node.results[0].shape.rank() + 1)
                                 : operands[i].value);
        return values;
    }

    // ---- regions

    // A region for operands of which some are batched; `batched_outputs`, which of its outputs are to be.
    ir::Region map_region(const Graph& region, const Flags& operands, const Flags& batched_outputs) const {
        auto graph = std::make_shared<Graph>();
        graph->name = region.name;
        graph->symbols = into_.symbols;
        Mapper inner(*graph, extent_);
        const std::vector<Mapped> outputs = inner.run(region, inner.add_parameters(region, operands));
        for (std::size_t i = 0; i < outputs.size(); ++i)
            graph->add_output(region.output_name(i), batched_outputs[i] ? inner.batched(outputs[i]) : outputs[i].value);
        graph->symbols.clear();
        return {std::move(graph)};
    }
    // Which outputs depend on the index, as far as operands tell.
    static Flags depends(const Graph& region, const Flags& operands) {
        Flags nodes(region.nodes().size());
        for (std::size_t i = 0; i < operands.size(); ++i) nodes[region.parameters()[i].node->id] = operands[i];
        for (const Node& node : region.nodes())
            for (const Value& v : node.operands) nodes[node.id] = nodes[node.id] || nodes[v.node->id];
        Flags outputs;
        for (const Value& v : region.outputs()) outputs.push_back(nodes[v.node->id]);
        return outputs;
    }

public:
    std::vector<Mapped> add_parameters(const Graph& graph, const Flags& batched) {
        std::vector<Mapped> parameters;
        for (std::size_t i = 0; i < batched.size(); ++i) {
            const Value& v = graph.parameters()[i];
            const ir::Type type = batched[i] ? ir::stack_type(v.type(), extent_) : v.type();
            parameters.push_back({into_.add_parameter(graph.parameter_name(i), type, v.node->loc), batched[i]});
        }
        return parameters;
    }

private:
    std::vector<Mapped> map_control(const Node& node, const std::vector<Mapped>& operands) {
        switch (node.op->control) {
            case ir::Control::branch:
                return map_branch(node, operands);
            case ir::Control::loop_while:
                return map_while(node, operands);
            case ir::Control::scan:
                return map_scan(node, operands);
            case ir::Control::once:
                return map_once(node, operands);
            case ir::Control::none:
                break;
        }
        throw InternalError(std::string(node.op->name) + " runs no region", node.loc);
    }

    // p, one for each index, where it stands beside values.
    static Value choose(const Value& p, const Value& x, const Value& y) {
        return ir::ops::select(ir::rules::with_rank(p, x.type().shape.rank()), x, y);
    }

    std::vector<Mapped> map_branch(const Node& node, const std::vector<Mapped>& operands) {
        const std::vector<const Graph*> regions = ir::regions_of(node);
        const std::span<const Mapped> inputs = std::span(operands).subspan(1);
        if (operands[0].batched) {
            const std::vector<Mapped> then = run(*regions[0], inputs), otherwise = run(*regions[1], inputs);
            into_.default_loc = node.loc;
            std::vector<Mapped> results;
            for (std::size_t i = 0; i < then.size(); ++i)
                results.push_back({choose(operands[0].value, batched(then[i]), batched(otherwise[i])), true});
            return results;
        }
        Flags flags = depends(*regions[0], flags_of(inputs));
        const Flags other = depends(*regions[1], flags_of(inputs));
        for (std::size_t i = 0; i < flags.size(); ++i) flags[i] = flags[i] || other[i];
        ir::Attributes attributes = node.attributes;
        replace_regions(attributes, [&](const Graph& r) { return map_region(r, flags_of(inputs), flags); });
        return with_flags(results_of(add(node, values_of(operands), std::move(attributes))), flags);
    }

    // Which of what is carried depends on the index, once it does not change any more.
    static Flags carried_flags(const Graph& body, Flags operands, std::size_t carried) {
        while (true) {
            const Flags next = depends(body, operands);
            bool changed = false;
            for (std::size_t i = 0; i < carried; ++i) {
                changed = changed || (next[i] && !operands[i]);
                operands[i] = operands[i] || next[i];
            }
            if (!changed) return operands;
        }
    }

    std::vector<Mapped> map_while(const Node& node, const std::vector<Mapped>& operands) {
        const Graph &condition = *ir::regions_of(node)[0], &body = *ir::regions_of(node)[1];
        const std::size_t carried = node.results.size();
        Flags flags = carried_flags(body, flags_of(operands), carried);
        const bool ends_apart = depends(condition, flags)[0];
        if (ends_apart) std::fill_n(flags.begin(), carried, true);
        std::vector<Value> values;
        for (std::size_t i = 0; i < operands.size(); ++i)
            values.push_back(flags[i] ? batched(operands[i]) : operands[i].value);
        const Flags results(flags.begin(), flags.begin() + static_cast<std::ptrdiff_t>(carried));
        ir::Attributes attributes = node.attributes;
        std::size_t region = 0;
        replace_regions(attributes, [&](const Graph& r) {
            const bool is_condition = region++ == 0;
            if (!ends_apart) return map_region(r, flags, is_condition ? Flags{false} : results);
            return is_condition ? any_goes_on(condition, flags) : step_where_it_goes_on(condition, body, flags);
        });
        return with_flags(results_of(add(node, values, std::move(attributes))), results);
    }

    ir::Region any_goes_on(const Graph& condition, const Flags& flags) const {
        auto graph = std::make_shared<Graph>();
        graph->name = condition.name;
        graph->symbols = into_.symbols;
        Mapper inner(*graph, extent_);
        const Value p = inner.batched(inner.run(condition, inner.add_parameters(condition, flags))[0]);
        const Value count = f::sum(p, {0});
        graph->add_output(condition.output_name(0), ir::ops::gt(count, f::number(count, 0)));
        graph->symbols.clear();
        return {std::move(graph)};
    }

    ir::Region step_where_it_goes_on(const Graph& condition, const Graph& body, const Flags& flags) const {
        auto graph = std::make_shared<Graph>();
        graph->name = body.name;
        graph->symbols = into_.symbols;
        Mapper inner(*graph, extent_);
        const std::vector<Mapped> state = inner.add_parameters(body, flags);
        const Value p = inner.batched(inner.run(condition, state)[0]);
        const std::vector<Mapped> next = inner.run(body, state);
        for (std::size_t i = 0; i < next.size(); ++i)
            graph->add_output(body.output_name(i), choose(p, inner.batched(next[i]), state[i].value));
        graph->symbols.clear();
        return {std::move(graph)};
    }

    std::vector<Mapped> map_once(const Node& node, const std::vector<Mapped>& operands) {
        const Flags flags = depends(*ir::regions_of(node)[0], flags_of(operands));
        ir::Attributes attributes = node.attributes;
        replace_regions(attributes, [&](const Graph& r) { return map_region(r, flags_of(operands), flags); });
        return with_flags(results_of(add(node, values_of(operands), std::move(attributes))), flags);
    }

    // Slices are taken along axis 0 of xs, and stacked there, so that the batch is their second axis meanwhile.
    std::vector<Mapped> map_scan(const Node& node, const std::vector<Mapped>& operands) {
        const ir::ScanParts parts = ir::parts_of_scan(node);
        const Graph& body = *ir::regions_of(node)[0];
        const Flags flags = carried_flags(body, flags_of(operands), parts.carried);
        Flags results = depends(body, flags);
        std::copy_n(flags.begin(), parts.carried, results.begin());
        std::vector<Value> values;
        for (std::size_t i = 0; i < operands.size(); ++i) {
            const bool is_sequence = i >= parts.carried && i < parts.carried + parts.sequences;
            const Value v = flags[i] ? batched(operands[i]) : operands[i].value;
            values.push_back(is_sequence && flags[i] ? exchanged(v) : v);
        }
        ir::Attributes attributes = node.attributes;
        replace_regions(attributes, [&](const Graph& r) { return map_region(r, flags, results); });
        std::vector<Mapped> out = with_flags(results_of(add(node, values, std::move(attributes))), results);
        for (std::size_t i = parts.carried; i < out.size(); ++i)
            if (out[i].batched) out[i].value = exchanged(out[i].value);
        return out;
    }
    // The first two axes.
    static Value exchanged(const Value& x) {
        ir::Integers permutation = f::all_axes(x.type().shape.rank());
        std::swap(permutation[0], permutation[1]);
        return f::transpose(x, std::move(permutation));
    }

    template <class Map>
    static void replace_regions(ir::Attributes& attributes, const Map& map) {
        for (ir::Attribute& a : attributes)
            if (auto* const region = std::get_if<ir::Region>(&a)) *region = map(*region->graph);
    }

    Graph& into_;
    Dim extent_;
};

}  // namespace

std::unique_ptr<Graph> vmap(const Graph& graph, const std::vector<bool>& batched, Dim extent) {
    std::unique_ptr<Graph> result = like(graph);
    Mapper mapper(*result, extent);
    const std::vector<Mapped> outputs = mapper.run(graph, mapper.add_parameters(graph, batched));
    for (std::size_t i = 0; i < outputs.size(); ++i)
        result->add_output(graph.output_name(i), mapper.batched(outputs[i]));
    result->default_loc = {};
    return result;
}

}  // namespace lathe::passes
