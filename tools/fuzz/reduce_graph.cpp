#include "tools/fuzz/reduce_graph.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/ops/op.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Dim;
using ir::Literal;
using ir::Node;
using ir::Shape;
using ir::Value;

// What becomes of a graph when it is rebuilt.
struct Edit {
    std::vector<std::size_t> outputs;                // that stay
    std::optional<std::uint32_t> to_parameter = {};  // a node that becomes its results, as inputs
    std::optional<std::uint32_t> bypassed = {};      // a node that becomes a value before it
    Value by = {};                                   // which
    std::function<Dim(Dim)> dims = [](Dim d) { return d; };
    bool drop_symbols = false;
};

std::vector<std::int64_t> symbols_of(const GraphCase& c) {
    std::vector<ir::Type> types;
    for (const Literal& l : c.inputs) types.push_back(l.type);
    return ir::bind_symbols(*c.graph, types);
}

std::vector<std::vector<Literal>> values_of(const GraphCase& c) {
    const std::vector<std::int64_t> symbols = symbols_of(c);
    std::vector<std::vector<Literal>> values(c.graph->nodes().size());
    for (std::size_t i = 0; i < c.inputs.size(); ++i) values[c.graph->parameters()[i].node->id] = {c.inputs[i]};
    for (const Node& node : c.graph->nodes()) {
        if (!values[node.id].empty()) continue;
        std::vector<Literal> operands;
        for (const Value& v : node.operands) operands.push_back(values[v.node->id][v.index]);
        values[node.id] = ir::interpret_node(node, operands, symbols);
    }
    return values;
}

// The leading elements along every dimension; where there are too few, the last one again.
Literal cropped(const Literal& from, const Shape& shape) {
    const std::size_t size = size_of(from.type.dtype);
    const std::vector<std::byte> bytes = elements_of(from);
    std::vector<std::byte> out(static_cast<std::size_t>(shape.element_count().constant()) * size);
    for (std::size_t i = 0; i < out.size() / size; ++i) {
        auto rest = static_cast<std::int64_t>(i);
        std::int64_t at = 0, stride = 1;
        for (std::size_t d = shape.rank(); d-- > 0;) {
            const std::int64_t old = from.type.shape[d].constant();
            at += std::min(rest % shape[d].constant(), std::max<std::int64_t>(old - 1, 0)) * stride;
            rest /= shape[d].constant();
            stride *= old;
        }
        if (static_cast<std::size_t>(at) * size < bytes.size())
            std::memcpy(out.data() + i * size, bytes.data() + static_cast<std::size_t>(at) * size, size);
    }
    return ir::make_literal({from.type.dtype, shape}, out);
}

// Empty where the edited graph is not sound.
std::optional<GraphCase> rebuild(const GraphCase& c, const Edit& edit, std::vector<std::int64_t> symbols,
                                 const std::vector<std::vector<Literal>>& values) {
    const ir::Graph& from = *c.graph;
    std::vector<bool> live(from.nodes().size(), false);
    for (std::size_t o : edit.outputs) live[from.outputs()[o].node->id] = true;
    for (auto node = from.nodes().rbegin(); node != from.nodes().rend(); ++node) {
        if (!live[node->id] || edit.to_parameter == node->id) continue;
        if (edit.bypassed == node->id)
            live[edit.by.node->id] = true;
        else
            for (const Value& v : node->operands) live[v.node->id] = true;
    }
    auto graph = std::make_shared<ir::Graph>();
    if (!edit.drop_symbols) graph->symbols = from.symbols;
    GraphCase out;
    const auto shape_of = [&](Shape shape) {
        for (Dim& d : std::span(&shape[0], shape.rank())) d = edit.dims(d);
        return shape;
    };
    const auto add_input = [&](const ir::Type& type, const Literal& literal) {
        const ir::Type mapped{type.dtype, shape_of(type.shape)};
        Shape concrete;
        for (Dim d : mapped.shape) concrete.push_back(d.evaluate(symbols).value());
        out.inputs.push_back(cropped(literal, concrete));
        return graph->add_parameter("x" + std::to_string(out.inputs.size() - 1), mapped);
    };
    try {
        std::vector<std::vector<Value>> map(from.nodes().size());
        for (const Node& node : from.nodes()) {
            if (!live[node.id]) continue;
            std::vector<Value>& results = map[node.id];
            const bool is_parameter =
                std::ranges::any_of(from.parameters(), [&](const Value& p) { return p.node == &node; });
            if (is_parameter || edit.to_parameter == node.id) {
                for (std::uint32_t r = 0; r < node.results.size(); ++r)
                    results.push_back(add_input(node.results[r], values[node.id][r]));
                continue;
            }
            if (edit.bypassed == node.id) {
                results.assign(node.results.size(), map[edit.by.node->id][edit.by.index]);
                continue;
            }
            std::vector<Value> operands;
            for (const Value& v : node.operands) operands.push_back(map[v.node->id][v.index]);
            ir::Attributes attributes = node.attributes;
            for (ir::Attribute& a : attributes) {
                if (auto* shape = std::get_if<Shape>(&a)) *shape = shape_of(*shape);
                if (auto* literal = std::get_if<Literal>(&a)) {
                    const Shape shape = shape_of(literal->type.shape);
                    *literal = literal->is_splat() ? ir::make_literal({literal->type.dtype, shape}, *literal->bytes)
                                                   : cropped(*literal, shape);
                }
            }
            const Node& added = graph->add(*node.op, operands, std::move(attributes));
            for (std::uint32_t r = 0; r < added.results.size(); ++r) results.push_back({&added, r});
        }
        for (std::size_t o : edit.outputs) {
            const Value v = from.outputs()[o];
            graph->add_output("y" + std::to_string(o), map[v.node->id][v.index]);
        }
        out.graph = std::move(graph);
        for (ir::Symbol s = 0; s < out.graph->symbols.size(); ++s) {  // as many inputs as it takes to bind them
            bool known = false;
            for (const Value& p : out.graph->parameters())
                for (Dim d : p.type().shape) known = known || d.as_symbol() == s;
            if (known) continue;
            auto& open = const_cast<ir::Graph&>(*out.graph);
            open.add_parameter("n" + std::to_string(s), {ir::Dtype::u8, Shape{Dim::symbol(s)}});
            out.inputs.push_back(ir::splat_literal(ir::Dtype::u8, Shape{symbols[s]}, std::int64_t{0}));
        }
        ir::interpret(*out.graph, out.inputs);
        return out;
    } catch (const Error&) {
        return std::nullopt;
    }
}

class Reducer {
public:
    Reducer(GraphCase start, const Fails& fails, int budget)
        : case_(std::move(start)), fails_(fails), budget_(budget) {}

    GraphCase run() {
        for (bool smaller = true; smaller && budget_ > 0;) {
            load();
            smaller = fewer_outputs() || fewer_nodes() || fewer_symbols() || smaller_extents();
        }
        return std::move(case_);
    }

private:
    void load() {
        symbols_ = symbols_of(case_);
        values_ = values_of(case_);
        all_.clear();
        for (std::size_t i = 0; i < case_.graph->outputs().size(); ++i) all_.push_back(i);
    }
    bool attempt(const Edit& edit, const std::vector<std::int64_t>& symbols) {
        if (budget_-- <= 0) return false;
        auto smaller = rebuild(case_, edit, symbols, values_);
        if (!smaller || !fails_(*smaller)) return false;
        case_ = std::move(*smaller);
        return true;
    }
    bool attempt(const Edit& edit) { return attempt(edit, symbols_); }

    bool fewer_outputs() {
        if (all_.size() < 2) return false;
        for (std::size_t one : all_)
            if (attempt({.outputs = {one}})) return true;
        for (std::size_t without : all_) {
            Edit edit{.outputs = all_};
            std::erase(edit.outputs, without);
            if (attempt(edit)) return true;
        }
        return false;
    }

    bool fewer_nodes() {
        for (auto node = case_.graph->nodes().rbegin(); node != case_.graph->nodes().rend(); ++node) {
            if (node->op->lowering == ir::Lowering::source) continue;
            for (const Value& v : before(*node))
                if (v.type() == node->results[0] && node->results.size() == 1)
                    if (attempt({.outputs = all_, .bypassed = node->id, .by = v})) return true;
            const bool is_output =
                std::ranges::any_of(case_.graph->outputs(), [&](const Value& v) { return v.node == &*node; });
            if (!(is_output && all_.size() == 1) && attempt({.outputs = all_, .to_parameter = node->id})) return true;
        }
        return false;
    }

    // Operands, and theirs: a pair of views may undo each other.
    static std::vector<Value> before(const Node& node) {
        std::vector<Value> values = node.operands;
        for (const Value& v : node.operands)
            values.insert(values.end(), v.node->operands.begin(), v.node->operands.end());
        return values;
    }

    bool fewer_symbols() {
        if (case_.graph->symbols.empty()) return false;
        return attempt({.outputs = all_,
                        .dims = [this](Dim d) -> Dim { return d.evaluate(symbols_).value(); },
                        .drop_symbols = true});
    }

    bool smaller_extents() {
        for (std::size_t s = 0; s < symbols_.size(); ++s)
            for (std::int64_t n : smaller_than(symbols_[s])) {
                std::vector<std::int64_t> symbols = symbols_;
                symbols[s] = n;
                if (attempt({.outputs = all_}, symbols)) return true;
            }
        std::set<std::int64_t> extents;
        for (const Node& node : case_.graph->nodes())
            for (const ir::Type& t : node.results)
                for (Dim d : t.shape)
                    if (d.is_constant()) extents.insert(d.constant());
        for (std::int64_t n : extents)
            for (std::int64_t m : smaller_than(n))
                if (attempt({.outputs = all_, .dims = [n, m](Dim d) { return d == Dim(n) ? Dim(m) : d; }})) return true;
        return false;
    }
    static std::vector<std::int64_t> smaller_than(std::int64_t n) {
        std::vector<std::int64_t> out;
        for (std::int64_t m : {std::int64_t{1}, std::int64_t{2}, n / 2, n - 1})
            if (m < n && m > 0) out.push_back(m);
        return out;
    }

    GraphCase case_;
    const Fails& fails_;
    int budget_;
    std::vector<std::int64_t> symbols_;
    std::vector<std::vector<Literal>> values_;
    std::vector<std::size_t> all_;
};

}  // namespace

GraphCase reduce(GraphCase failing, const Fails& fails, int budget) {
    return Reducer(std::move(failing), fails, budget).run();
}

}  // namespace lathe::testing_support
