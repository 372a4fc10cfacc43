#include "ir/ops/control.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "ir/functions/basic.h"

namespace lathe::ir {
namespace {

std::string text_of(const Type& t) { return t.to_string({}); }

// One type has to be another; extents that may differ have to be equal.
void require_type(TypeContext& c, const Type& given, const Type& wanted, const std::string& what) {
    if (given.dtype != wanted.dtype || given.shape.rank() != wanted.shape.rank())
        c.fail(what + " is " + text_of(given) + ", not " + text_of(wanted));
    for (std::size_t i = 0; i < given.shape.rank(); ++i)
        c.require_equal(given.shape[i], wanted.shape[i], what, static_cast<std::int64_t>(i));
}

// The region, with what it takes and demands checked.
const Graph& region(TypeContext& c, const Region& r, std::string_view name, std::span<const Type> parameters) {
    if (r.graph == nullptr) c.fail("there is no " + std::string(name));
    const Graph& graph = *r.graph;
    if (!graph.symbols.empty()) c.fail(std::string(name) + " has symbols of its own");
    if (graph.parameters().size() != parameters.size())
        c.fail(std::string(name) + " takes " + std::to_string(graph.parameters().size()) + " values, not " +
               std::to_string(parameters.size()));
    for (std::size_t i = 0; i < parameters.size(); ++i)
        require_type(c, parameters[i], graph.parameters()[i].type(),
                     "operand " + std::to_string(i) + " of " + std::string(name));
    for (const Precondition& p : graph.preconditions) c.require_equal(p.a, p.b, p.what);
    return graph;
}

Types outputs_of(const Graph& graph) {
    Types types;
    for (const Value& v : graph.outputs()) types.push_back(v.type());
    return types;
}

std::string result_name(std::size_t i, std::string_view name) {
    return "result " + std::to_string(i) + " of " + std::string(name);
}

// What is carried keeps its type.
void require_carried(TypeContext& c, const Graph& body, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        require_type(c, body.outputs()[i].type(), c.operand(i), "carried " + result_name(i, "body"));
}

}  // namespace

Type slice_type(const Type& type) {
    Type out{type.dtype, {}};
    for (std::size_t i = 1; i < type.shape.rank(); ++i) out.shape.push_back(type.shape[i]);
    return out;
}

Type stack_type(const Type& type, Dim length) {
    Type out{type.dtype, {}};
    out.shape.push_back(length);
    for (Dim d : type.shape) out.shape.push_back(d);
    return out;
}

std::vector<const Graph*> regions_of(std::span<const Attribute> attributes) {
    std::vector<const Graph*> out;
    for (const Attribute& a : attributes)
        if (const auto* region = std::get_if<Region>(&a)) out.push_back(region->graph.get());
    return out;
}
std::vector<const Graph*> regions_of(const Node& node) { return regions_of(node.attributes); }

Values inlined(Graph& into, const Graph& region, std::span<const Value> parameters) {
    std::vector<const Node*> made(region.nodes().size(), nullptr);
    std::vector<Value> given(region.nodes().size());
    for (std::size_t i = 0; i < parameters.size(); ++i) given[region.parameters()[i].node->id] = parameters[i];
    const auto value = [&](const Value& v) {
        return given[v.node->id] ? given[v.node->id] : Value{made[v.node->id], v.index};
    };
    for (const Node& node : region.nodes()) {
        if (given[node.id]) continue;
        Values operands;
        for (const Value& v : node.operands) operands.push_back(value(v));
        made[node.id] = &into.add(*node.op, operands, node.attributes, node.loc);
    }
    Values outputs;
    for (const Value& v : region.outputs()) outputs.push_back(value(v));
    return outputs;
}

ScanParts parts_of_scan(const Node& node) {
    ScanParts parts;
    parts.carried = static_cast<std::size_t>(ops::scan_carried(node.attributes));
    parts.sequences = static_cast<std::size_t>(ops::scan_sequences(node.attributes));
    parts.captures = node.operands.size() - parts.carried - parts.sequences;
    parts.stacked = node.results.size() - parts.carried;
    return parts;
}

std::size_t first_invariant(const Node& node) {
    switch (node.op->control) {
        case Control::scan: {
            const ScanParts parts = parts_of_scan(node);
            return parts.carried + parts.sequences;
        }
        case Control::loop_while:
            return node.results.size();
        case Control::branch:
        case Control::once:
        case Control::none:
            break;
    }
    return node.operands.size();
}

namespace ops {

Types cond_types(TypeContext& c) {
    if (!(c.operand(0) == Type{Dtype::boolean, {}})) c.fail("operand 0 is " + text_of(c.operand(0)) + ", not bool[]");
    const std::span<const Type> operands = c.operands().subspan(1);
    const Types then = outputs_of(region(c, c.attribute(cond_then), "then", operands));
    const Types otherwise = outputs_of(region(c, c.attribute(cond_else), "else", operands));
    if (then.empty()) c.fail("then gives nothing");
    if (then.size() != otherwise.size())
        c.fail("then gives " + std::to_string(then.size()) + " values, else " + std::to_string(otherwise.size()));
    for (std::size_t i = 0; i < then.size(); ++i) require_type(c, otherwise[i], then[i], result_name(i, "else"));
    return then;
}

Types while_types(TypeContext& c) {
    const Graph& condition = region(c, c.attribute(while_condition), "condition", c.operands());
    const Graph& body = region(c, c.attribute(while_body), "body", c.operands());
    const Types goes_on = outputs_of(condition);
    if (goes_on.size() != 1) c.fail("condition gives " + std::to_string(goes_on.size()) + " values, not one");
    require_type(c, goes_on[0], {Dtype::boolean, {}}, result_name(0, "condition"));
    const std::size_t carried = body.outputs().size();
    if (carried == 0) c.fail("nothing is carried");
    if (carried > c.operand_count())
        c.fail("body gives " + std::to_string(carried) + " values, more than the " + std::to_string(c.operand_count()) +
               " operands");
    require_carried(c, body, carried);
    return {c.operands().begin(), c.operands().begin() + static_cast<std::ptrdiff_t>(carried)};
}

Types scan_types(TypeContext& c) {
    const std::int64_t carried_count = c.attribute(scan_carried), sequence_count = c.attribute(scan_sequences);
    const auto operand_count = static_cast<std::int64_t>(c.operand_count());
    if (carried_count < 0 || sequence_count < 0 || carried_count > operand_count ||
        sequence_count > operand_count - carried_count)
        c.fail("carried is " + std::to_string(carried_count) + " and sequences " + std::to_string(sequence_count) +
               ", of " + std::to_string(operand_count) + " operands");
    const auto carried = static_cast<std::size_t>(carried_count), sequences = static_cast<std::size_t>(sequence_count);
    const Dim length = c.attribute(scan_length)[0];
    if (length.is_constant() && length.constant() < 0)
        c.fail("length is negative: " + std::to_string(length.constant()));
    Types parameters;
    for (std::size_t i = 0; i < c.operand_count(); ++i) {
        const bool is_sliced = i >= carried && i < carried + sequences;
        if (is_sliced && c.operand(i).shape.rank() == 0)
            c.fail("operand " + std::to_string(i) + " has rank 0, and no slices");
        if (is_sliced) c.require_equal(c.operand(i).shape[0], length, "xs have another length");
        parameters.push_back(is_sliced ? slice_type(c.operand(i)) : c.operand(i));
    }
    const Graph& body = region(c, c.attribute(scan_body), "body", parameters);
    Types out = outputs_of(body);
    if (out.empty()) c.fail("body gives nothing");
    if (out.size() < carried)
        c.fail("body gives " + std::to_string(out.size()) + " values, of which " + std::to_string(carried) +
               " are carried");
    require_carried(c, body, carried);
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i < carried) {
            out[i] = c.operand(i);
            continue;
        }
        if (out[i].shape.rank() == max_rank) c.fail(result_name(i, "body") + " has too many dimensions to be stacked");
        out[i] = stack_type(out[i], length);
    }
    return out;
}

Types checkpoint_types(TypeContext& c) {
    Types out = outputs_of(region(c, c.attribute(checkpoint_body), "body", c.operands()));
    if (out.empty()) c.fail("body gives nothing");
    return out;
}

Types custom_types(TypeContext& c) {
    Types out = outputs_of(region(c, c.attribute(custom_body), "body", c.operands()));
    if (out.empty()) c.fail("body gives nothing");
    Types seen = out, floats;
    std::ranges::copy_if(out, std::back_inserter(seen), [](const Type& t) { return is_float(t.dtype); });
    seen.insert(seen.end(), c.operands().begin(), c.operands().end());
    std::ranges::copy_if(c.operands(), std::back_inserter(floats), [](const Type& t) { return is_float(t.dtype); });
    const Types pulled = outputs_of(region(c, c.attribute(custom_pull_back), "pull_back", seen));
    if (pulled.size() > floats.size())
        c.fail("pull_back gives " + std::to_string(pulled.size()) + " cotangents for " + std::to_string(floats.size()) +
               " operands");
    for (std::size_t i = 0; i < pulled.size(); ++i) require_type(c, pulled[i], floats[i], result_name(i, "pull_back"));
    return out;
}

Values custom_expansion(const ExpandContext& c) {
    return inlined(*c.x[0].node->graph, *custom_body(c.node.attributes).graph, c.x);
}

Value custom_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    Values seen(g.y.begin(), g.y.end());
    for (std::size_t i = 0; i < g.y.size(); ++i)
        if (is_float(g.y[i].type().dtype))
            seen.push_back(i < ct.size() && ct[i] ? ct[i] : functions::full_like(g.y[i], g.y[i].type().shape, 0));
    seen.insert(seen.end(), g.x.begin(), g.x.end());
    const Values pulled = inlined(*g.x[0].node->graph, *custom_pull_back(g.node.attributes).graph, seen);
    std::size_t place = 0;
    for (std::size_t i = 0; i < operand; ++i) place += is_float(g.x[i].type().dtype) ? 1 : 0;
    return place < pulled.size() ? pulled[place] : Value{};
}

// ---- samples: regions that only exchange what they get

namespace {

constexpr Type decision{Dtype::boolean, {}};

Region region_giving(const std::vector<Type>& parameters, const std::vector<std::size_t>& outputs) {
    auto graph = std::make_shared<Graph>();
    for (const Type& t : parameters) graph->add_parameter("x", t);
    for (const std::size_t i : outputs) graph->add_output("y", graph->parameters()[i]);
    return Region{std::move(graph)};
}

std::vector<Sample> of_shapes(Dtype d, Sample (*sample)(const Type&)) {
    return {sample({d, {}}), sample({d, {3}}), sample({d, {2, 0}})};
}

}  // namespace

std::vector<Sample> cond_samples(Dtype d) {
    return of_shapes(d, [](const Type& x) -> Sample {
        return {{decision, x, x}, {region_giving({x, x}, {0, 1}), region_giving({x, x}, {1, 0})}};
    });
}

// Once, or not at all.
std::vector<Sample> while_samples(Dtype d) {
    return of_shapes(d, [](const Type& x) -> Sample {
        const std::vector<Type> all{decision, x, x};
        const auto body = std::make_shared<Graph>();
        for (const Type& t : all) body->add_parameter("x", t);
        body->add_output("p", body->constant(splat_literal(Dtype::boolean, {}, std::int64_t{0})));
        for (const std::size_t i : {2U, 1U}) body->add_output("y", body->parameters()[i]);
        return {all, {region_giving(all, {0}), Region{body}}};
    });
}

std::vector<Sample> checkpoint_samples(Dtype d) {
    return of_shapes(d, [](const Type& x) -> Sample { return {{x, x}, {region_giving({x, x}, {1, 0})}}; });
}

// Exchanged, and so are cotangents.
std::vector<Sample> custom_samples(Dtype d) {
    return of_shapes(d, [](const Type& x) -> Sample {
        const bool has_cotangents = is_float(x.dtype);
        const std::vector<Type> seen(has_cotangents ? 6 : 4, x);
        return {{x, x},
                {region_giving({x, x}, {1, 0}),
                 region_giving(seen, has_cotangents ? std::vector<std::size_t>{3, 2} : std::vector<std::size_t>{})}};
    });
}

std::vector<Sample> scan_samples(Dtype d) {
    return of_shapes(d, [](const Type& x) -> Sample {
        return {{x, stack_type(x, 3), x},
                {region_giving({x, x, x}, {1, 0, 2}), Shape{3}, std::int64_t{1}, std::int64_t{1}, true}};
    });
}

}  // namespace ops
}  // namespace lathe::ir
