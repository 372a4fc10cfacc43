// Each node is written once more, with its tangent behind it: by its row's partial derivatives or tangent rule; or, if
// it is linear, by itself, applied to the tangents of its operands; or by what its rule for cotangents is the transpose
// of. Loops and branches carry tangents along.
#include "passes/graph/push_forward.h"

#include <algorithm>
#include <string>

#include "ir/error.h"
#include "ir/float_environment.h"
#include "ir/functions/basic.h"
#include "ir/ops/control.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

namespace f = ir::functions;
using ir::Graph;
using ir::Node;
using ir::Type;
using ir::Value;
using ir::Values;

bool is_differentiable(const Type& type) { return ir::is_float(type.dtype); }

// A value and its tangent; without one nothing reaches it.
struct Dual {
    Value value, tangent;
};
using Duals = std::vector<Dual>;

Value zeros_like(const Value& v) { return f::full_like(v, v.type().shape, 0); }
Value tangent_or_zeros(const Dual& d) { return d.tangent ? d.tangent : zeros_like(d.value); }

// The parameters of a region and the operands that they stand for: first all of some, then the tangents of those that
// have one.
struct Section {
    std::vector<Type> types;
    std::vector<bool> with_tangent;
};

class Forward {
public:
    explicit Forward(Graph& into) : into_(into) {}

    // The outputs of a graph for what its parameters are.
    Duals run(const Graph& graph, const Duals& parameters) {
        std::vector<Duals> duals(graph.nodes().size());
        for (std::size_t i = 0; i < parameters.size(); ++i) duals[graph.parameters()[i].node->id] = {parameters[i]};
        for (const Node& node : graph.nodes()) {
            if (!duals[node.id].empty()) continue;
            Duals x;
            for (const Value& v : node.operands) x.push_back(duals[v.node->id][v.index]);
            into_.default_loc = node.loc;
            duals[node.id] = ir::has_regions(node) ? through_regions(node, x) : through(node, x);
        }
        Duals outputs;
        for (const Value& v : graph.outputs()) outputs.push_back(duals[v.node->id][v.index]);
        return outputs;
    }

private:
    static Values values_of(const Duals& duals) {
        Values out;
        for (const Dual& d : duals) out.push_back(d.value);
        return out;
    }

    Duals through(const Node& node, const Duals& x) {
        const Node& copy = into_.add(*node.op, values_of(x), node.attributes, node.loc);
        Duals out;
        for (const Value& v : results_of(copy)) out.push_back({v, {}});
        const bool reached = std::ranges::any_of(x, [](const Dual& d) { return static_cast<bool>(d.tangent); });
        if (!reached) return out;
        if (node.op->gradient.value.only_reverse) {
            for (Dual& y : out)
                if (is_differentiable(y.value.type())) y.tangent = by_two_transposes(copy, y.value, x);
        } else if (is_differentiable(copy.results[0])) {
            out[0].tangent = tangent(copy, x);
        }
        return out;
    }

    // What a cotangent becomes is linear in it. The transpose of that is the tangent.
    Value by_two_transposes(const Node& node, const Value& result, const Duals& x) {
        Values y = results_of(node), cotangents(y.size()), pulled, tangents;
        const Value stand_in{&into_.add(ir::ops::parameter, {}, {result.type().shape, result.type().dtype, false}), 0};
        cotangents[result.index] = stand_in;
        const ir::GradientContext context{node, node.operands, y};
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!x[i].tangent) continue;
            const Value part = node.op->gradient.value.transpose(context, cotangents, i);
            if (!part) continue;
            pulled.push_back(f::sum_to(part, x[i].value.type().shape));
            tangents.push_back(x[i].tangent);
        }
        const Value tangent = pull_back(into_, pulled, tangents, {&stand_in, 1})[0];
        // Of a linear map the stand-in drops out.
        if (tangent && depends_on(tangent, stand_in))
            throw UserError(std::string(node.op->name) +
                                ": the rule for its derivatives is not linear in the cotangents, as forward mode needs "
                                "it (" +
                                result.type().to_string(into_.symbols) + ")",
                            node.loc);
        return tangent;
    }

    // Of nodes that were added since `source`.
    bool depends_on(const Value& v, const Value& source) const {
        const std::uint32_t first = source.node->id;
        if (v.node->id < first) return false;
        std::vector<bool> reached(v.node->id - first + 1, false);
        reached[0] = true;
        for (std::uint32_t id = first + 1; id <= v.node->id; ++id)
            for (const Value& x : into_.nodes()[id].operands)
                if (x.node->id >= first && reached[x.node->id - first]) reached[id - first] = true;
        return reached.back();
    }

    Value tangent(const Node& node, const Duals& x) {
        const ir::Gradient& rule = node.op->gradient.value;
        if (rule.stops) return {};
        Values y = results_of(node);
        const ir::GradientContext context{node, node.operands, y};
        if (rule.transpose != nullptr) return rule.multilinear ? by_turns(node, x) : at_once(node, x);
        if (rule.partial[0] != nullptr) return by_partials(context, x);
        if (rule.jvp != nullptr) {
            Values t;
            for (const Dual& d : x) t.push_back(is_differentiable(d.value.type()) ? tangent_or_zeros(d) : Value{});
            return rule.jvp(context, t);
        }
        throw UserError(std::string(node.op->name) + " has no gradient: " + std::string(rule.none_because) + " (" +
                            node.results[0].to_string(into_.symbols) + ")",
                        node.loc);
    }

    // Linear in all of its operands together.
    Value at_once(const Node& node, const Duals& x) {
        Values t;
        for (const Dual& d : x) t.push_back(is_differentiable(d.value.type()) ? tangent_or_zeros(d) : d.value);
        return {&into_.add(*node.op, t, node.attributes, node.loc), 0};
    }
    // Linear in each of them.
    Value by_turns(const Node& node, const Duals& x) {
        Value total;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!x[i].tangent) continue;
            Values operands = values_of(x);
            operands[i] = x[i].tangent;
            const Value part{&into_.add(*node.op, operands, node.attributes, node.loc), 0};
            total = total ? ir::ops::add(total, part) : part;
        }
        return total;
    }
    Value by_partials(const ir::GradientContext& context, const Duals& duals) {
        const ir::Gradient& rule = context.node.op->gradient.value;
        const auto wide = [](const Value& v) { return f::convert(v, ir::accumulator_of(v.type().dtype)); };
        Values x, y;
        for (const Value& v : context.x) x.push_back(wide(v));
        for (const Value& v : context.y) y.push_back(wide(v));
        Value total;
        for (std::size_t i = 0; i < duals.size(); ++i) {
            if (!duals[i].tangent) continue;
            if (i >= ir::Gradient::max_partials || rule.partial[i] == nullptr)
                throw InternalError(std::string(context.node.op->name) + " lacks a partial derivative");
            const Value t = f::broadcast_to(wide(duals[i].tangent), y[0].type().shape);
            const Value part = rule.partial[i]({context.node, x, y}, t);
            total = total ? ir::ops::add(total, part) : part;
        }
        return f::broadcast_to(f::convert(total, context.y[0].type().dtype), context.y[0].type().shape);
    }

    // ---- regions

    // A region of the same and of the tangents: for each section of parameters its values, then its tangents; likewise
    // for each section of outputs, whose lengths are given.
    ir::Region region(const Graph& before, const std::vector<Section>& sections,
                      const std::vector<std::size_t>& lengths, bool with_tangents) {
        auto graph = std::make_unique<Graph>();
        graph->name = before.name;
        graph->symbols = into_.symbols;
        Duals parameters;
        const auto add = [&](const Type& type) {
            return graph->add_parameter("x" + std::to_string(graph->parameters().size()), type);
        };
        for (const Section& section : sections) {
            const std::size_t first = parameters.size();
            for (const Type& type : section.types) parameters.push_back({add(type), {}});
            for (std::size_t i = 0; i < section.types.size(); ++i)
                if (section.with_tangent[i]) parameters[first + i].tangent = add(section.types[i]);
        }
        const Duals outputs = Forward(*graph).run(before, parameters);
        std::size_t next = 0;
        for (const std::size_t length : lengths) {
            const auto name = [&] { return "y" + std::to_string(graph->outputs().size()); };
            for (std::size_t i = 0; i < length; ++i) graph->add_output(name(), outputs[next + i].value);
            for (std::size_t i = 0; with_tangents && i < length; ++i)
                if (is_differentiable(outputs[next + i].value.type()))
                    graph->add_output(name(), tangent_or_zeros(outputs[next + i]));
            next += length;
        }
        std::unique_ptr<Graph> live = copy_live(*graph);
        live->symbols.clear();
        return {std::move(live)};
    }

    // Some operands as a section of a region's parameters, whose types are those of the region as it is.
    static Section section(std::span<const Value> parameters, std::span<const Dual> operands, bool all_floats) {
        Section out;
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            out.types.push_back(parameters[i].type());
            out.with_tangent.push_back(all_floats ? is_differentiable(parameters[i].type())
                                                  : static_cast<bool>(operands[i].tangent));
        }
        return out;
    }
    static void append(Values& to, std::span<const Dual> operands, const Section& section) {
        for (const Dual& d : operands) to.push_back(d.value);
        for (std::size_t i = 0; i < operands.size(); ++i)
            if (section.with_tangent[i]) to.push_back(tangent_or_zeros(operands[i]));
    }
    // Results in sections like those of outputs.
    static Duals results(const Node& node, const std::vector<std::size_t>& lengths) {
        Duals out;
        std::uint32_t next = 0;
        for (const std::size_t length : lengths) {
            const std::size_t first = out.size();
            for (std::size_t i = 0; i < length; ++i) out.push_back({{&node, next++}, {}});
            for (std::size_t i = 0; i < length; ++i)
                if (is_differentiable(out[first + i].value.type())) out[first + i].tangent = {&node, next++};
        }
        return out;
    }

    Duals through_regions(const Node& node, const Duals& x) {
        if (std::ranges::none_of(x, [](const Dual& d) { return static_cast<bool>(d.tangent); }))
            return through(node, x);
        switch (node.op->control) {
            case ir::Control::branch:
                return branch(node, x);
            case ir::Control::loop_while:
                return loop(node, x);
            case ir::Control::scan:
                return scan(node, x);
            case ir::Control::once:
                return once(node, x);
            case ir::Control::none:
                break;
        }
        throw InternalError(std::string(node.op->name) + " has no tangent", node.loc);
    }

    Duals branch(const Node& node, const Duals& x) {
        const std::span<const Dual> operands = std::span(x).subspan(1);
        const std::vector<const Graph*> regions = ir::regions_of(node);
        const Section all = section(regions[0]->parameters(), operands, false);
        const std::vector<std::size_t> lengths{node.results.size()};
        ir::Attributes attributes;
        for (const Graph* r : regions) attributes.emplace_back(region(*r, {all}, lengths, true));
        Values with{x[0].value};
        append(with, operands, all);
        return results(into_.add(*node.op, with, std::move(attributes), node.loc), lengths);
    }

    Duals once(const Node& node, const Duals& x) {
        const Graph& body = *ir::regions_of(node)[0];
        const Section all = section(body.parameters(), x, false);
        const std::vector<std::size_t> lengths{node.results.size()};
        Values with;
        append(with, x, all);
        return results(into_.add(*node.op, with, {region(body, {all}, lengths, true)}, node.loc), lengths);
    }

    // What is carried has a tangent from the first iteration on.
    Duals loop(const Node& node, const Duals& x) {
        const std::vector<const Graph*> regions = ir::regions_of(node);
        const std::size_t carried = node.results.size();
        const auto parameters = regions[1]->parameters();
        const std::vector<Section> sections = {
            section(parameters.first(carried), std::span(x).first(carried), true),
            section(parameters.subspan(carried), std::span(x).subspan(carried), false)};
        const std::vector<std::size_t> lengths{carried};
        Values with;
        append(with, std::span(x).first(carried), sections[0]);
        append(with, std::span(x).subspan(carried), sections[1]);
        return results(
            into_.add(*node.op, with,
                      {region(*regions[0], sections, {1}, false), region(*regions[1], sections, lengths, true)},
                      node.loc),
            lengths);
    }

    Duals scan(const Node& node, const Duals& x) {
        const ir::ScanParts parts = ir::parts_of_scan(node);
        const Graph& body = *ir::regions_of(node)[0];
        std::vector<Section> sections;
        Values with;
        std::size_t first = 0;
        for (const std::size_t count : {parts.carried, parts.sequences, parts.captures}) {
            const std::span<const Dual> operands = std::span(x).subspan(first, count);
            const bool is_carried = sections.empty();
            sections.push_back(section(body.parameters().subspan(first, count), operands, is_carried));
            append(with, operands, sections.back());
            first += count;
        }
        const std::vector<std::size_t> lengths{parts.carried, parts.stacked};
        ir::Attributes attributes = node.attributes;
        attributes[ir::ops::scan_body.slot] = region(body, sections, lengths, true);
        const auto count = [](const Section& s) {
            return static_cast<std::int64_t>(s.types.size()) + std::ranges::count(s.with_tangent, true);
        };
        attributes[ir::ops::scan_carried.slot] = count(sections[0]);
        attributes[ir::ops::scan_sequences.slot] = count(sections[1]);
        return results(into_.add(*node.op, with, std::move(attributes), node.loc), lengths);
    }

    Graph& into_;
};

}  // namespace

std::unique_ptr<Graph> push_forward(const Graph& graph, const std::vector<bool>& marked) {
    const ir::FloatEnvironment floats;
    std::unique_ptr<Graph> result = like(graph);
    Duals parameters;
    for (std::size_t i = 0; i < graph.parameters().size(); ++i)
        parameters.push_back({result->add_parameter(graph.parameter_name(i), graph.parameters()[i].type(),
                                                    graph.parameters()[i].node->loc, graph.is_steady(i)),
                              {}});
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (!marked[i]) continue;
        const Value v = parameters[i].value;
        if (!is_differentiable(v.type()))
            throw TypeError("push_forward: the parameter " + graph.parameter_name(i) + " is " +
                                v.type().to_string(graph.symbols) + ", not a float",
                            v.node->loc);
        parameters[i].tangent = result->add_parameter("t_" + graph.parameter_name(i), v.type(), v.node->loc);
    }
    const Duals outputs = Forward(*result).run(graph, parameters);
    for (std::size_t i = 0; i < outputs.size(); ++i) result->add_output(graph.output_name(i), outputs[i].value);
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if (is_differentiable(outputs[i].value.type()))
            result->add_output("t_" + graph.output_name(i), tangent_or_zeros(outputs[i]));
    return copy_live(*result);
}

}  // namespace lathe::passes
