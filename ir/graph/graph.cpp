#include "ir/graph/graph.h"

#include <algorithm>

#include "ir/ascii.h"
#include "ir/ops/op.h"
#include "ir/ops/sources.h"
#include "ir/text/types.h"

namespace lathe::ir {

std::vector<Type> operand_types(const Node& node) {
    std::vector<Type> types;
    types.reserve(node.operands.size());
    for (const Value& v : node.operands) types.push_back(v.type());
    return types;
}

Value Value::record(const OpDef& op, std::span<const Value> operands, Attributes attributes, Loc loc) {
    if (operands.empty() || !operands[0])
        throw InternalError(std::string(op.name) + " was recorded without an operand that belongs to a graph");
    return {&operands[0].node->graph->add(op, operands, std::move(attributes), loc), 0};
}

Value Value::constant_like(const Value& like, Literal literal, Loc loc) {
    return like.node->graph->constant(std::move(literal), loc);
}

Value Value::source_like(const Value& like, const OpDef& op, Attributes attributes, Loc loc) {
    return {&like.node->graph->add(op, {}, std::move(attributes), loc), 0};
}

Symbol Graph::add_symbol(std::string name) {
    for (char& c : name)
        if (!is_alphanumeric(c)) c = '_';
    if (name.empty() || is_digit(name[0])) name.insert(0, 1, 'd');
    const auto taken = [&](const std::string& candidate) {
        return is_dim_function(candidate) || std::ranges::find(symbols, candidate) != symbols.end();
    };
    const std::string base = name;
    for (int n = 1; taken(name); ++n) name = base + std::to_string(n);
    symbols.push_back(std::move(name));
    return static_cast<Symbol>(symbols.size() - 1);
}

bool Graph::is_steady(std::size_t parameter) const {
    return ops::parameter_is_steady(parameters_[parameter].node->attributes);
}

void Graph::make_steady(std::size_t parameter) {
    nodes_[parameters_[parameter].node->id].attributes[ops::parameter_is_steady.slot] = true;
}

Value Graph::add_parameter(std::string name, Type type, Loc loc, bool steady) {
    const Node& node = add(ops::parameter, {}, {type.shape, type.dtype, steady}, loc);
    parameters_.push_back({&node, 0});
    parameter_names_.push_back(std::move(name));
    return parameters_.back();
}

const Node& Graph::add(const OpDef& op, std::span<const Value> operands, Attributes attributes, Loc loc) {
    if (!loc.known()) loc = default_loc;
    std::vector<Type> types;
    types.reserve(operands.size());
    for (const Value& v : operands) {
        if (!v || v.node->graph != this)
            throw InternalError(std::string(op.name) + ": an operand belongs to another graph");
        types.push_back(v.type());
    }
    normalize(op, types, attributes);
    const std::size_t known = preconditions.size();
    TypeContext context(op, types, attributes, loc, &preconditions, symbols);
    try {
        std::vector<Type> results = infer_types(context);
        Node& node = nodes_.emplace_back();
        node.op = &op;
        node.operands.assign(operands.begin(), operands.end());
        node.attributes = std::move(attributes);
        node.results = std::move(results);
        node.loc = loc;
        node.id = static_cast<std::uint32_t>(nodes_.size() - 1);
        node.graph = this;
        return node;
    } catch (...) {
        preconditions.resize(known);
        throw;
    }
}

Value Graph::constant(Literal literal, Loc loc) { return {&add(ops::constant, {}, {std::move(literal)}, loc), 0}; }

void Graph::add_output(std::string name, Value value) {
    if (!value || value.node->graph != this) throw InternalError("an output belongs to another graph");
    outputs_.push_back(value);
    output_names_.push_back(std::move(name));
}

void Graph::require_equal(Dim a, Dim b, Loc loc, std::string_view what) {
    if (a == b) return;
    if ((a - b).is_constant())
        throw TypeError(std::string(what) + ": " + a.to_string(symbols) + " is not " + b.to_string(symbols), loc);
    for (const Precondition& p : preconditions)
        if ((p.a == a && p.b == b) || (p.a == b && p.b == a)) return;
    preconditions.push_back({a, b, loc, std::string(what)});
}

}  // namespace lathe::ir
