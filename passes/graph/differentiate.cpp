#include "passes/graph/differentiate.h"

#include <algorithm>
#include <string>

#include "ir/error.h"
#include "ir/float_environment.h"
#include "ir/functions/basic.h"
#include "ir/ops/op.h"
#include "passes/graph/differentiate_regions.h"
#include "passes/graph/rebuild.h"

namespace lathe::passes {
namespace {

using ir::GradientContext;
using ir::Graph;
using ir::Node;
using ir::Value;
using ir::Values;

bool is_differentiable(const Value& v) { return ir::is_float(v.type().dtype); }

// Nodes recorded while this lives are blamed on a node.
class Blame {
public:
    Blame(Graph& graph, ir::Loc loc) : graph_(graph), before_(graph.default_loc) { graph.default_loc = loc; }
    ~Blame() { graph_.default_loc = before_; }
    Blame(const Blame&) = delete;
    Blame& operator=(const Blame&) = delete;

private:
    Graph& graph_;
    ir::Loc before_;
};

class Reverse {
public:
    // The sweep covers the nodes from the first x to the last y.
    Reverse(Graph& graph, std::span<const Value> ys, std::span<const Value> xs) : graph_(graph) {
        std::uint32_t first = ~std::uint32_t{0}, last = 0;
        for (const Value& x : xs) first = std::min(first, x.node->id);
        for (const Value& y : ys) last = std::max(last, y.node->id);
        begin_ = first;
        end_ = std::max(first, last + 1);
        if (xs.empty() || ys.empty()) end_ = begin_;
        cotangents_.resize(end_ - begin_);
        leads_from_x_.resize(end_ - begin_, false);
        for (const Value& x : xs)
            if (covers(x)) leads_from_x_[x.node->id - begin_] = true;
        for (std::uint32_t id = begin_; id < end_; ++id) {
            const Node& node = graph.nodes()[id];
            if (std::ranges::any_of(node.operands, [&](const Value& v) { return matters(v); }))
                leads_from_x_[id - begin_] = true;
        }
    }

    void add(const Value& v, Value cotangent) {
        if (!cotangent || !matters(v)) return;
        cotangent = ir::functions::sum_to(cotangent, v.type().shape);
        Values& of_node = cotangents_[v.node->id - begin_];
        of_node.resize(v.node->results.size());
        Value& sum = of_node[v.index];
        sum = sum ? ir::ops::add(sum, cotangent) : cotangent;
    }

    void sweep() {
        for (std::uint32_t id = end_; id-- > begin_;) {
            const Values& own = cotangents_[id - begin_];
            if (std::ranges::none_of(own, [](const Value& v) { return static_cast<bool>(v); })) continue;
            const Node& node = graph_.nodes()[id];
            if (std::ranges::none_of(node.operands, [&](const Value& v) { return matters(v); })) continue;
            const Blame blame(graph_, node.loc);
            propagate(node, own);
        }
    }

    Value cotangent_of(const Value& x) const {
        if (!covers(x)) return {};
        const Values& of_node = cotangents_[x.node->id - begin_];
        return x.index < of_node.size() ? of_node[x.index] : Value{};
    }

private:
    bool covers(const Value& v) const { return v.node->id >= begin_ && v.node->id < end_; }
    bool matters(const Value& v) const {
        return covers(v) && leads_from_x_[v.node->id - begin_] && is_differentiable(v);
    }

    void propagate(const Node& node, const Values& cotangents) {
        const ir::Gradient& rule = node.op->gradient.value;
        Values y = results_of(node);
        const GradientContext context{node, node.operands, y};
        if (rule.transpose != nullptr) {
            for (std::size_t i = 0; i < node.operands.size(); ++i)
                if (matters(node.operands[i])) add(node.operands[i], rule.transpose(context, cotangents, i));
        } else if (rule.through_regions) {
            std::vector<bool> wanted;
            for (const Value& v : node.operands) wanted.push_back(matters(v));
            const Values pulled = pull_back_regions(graph_, node, cotangents, wanted);
            for (std::size_t i = 0; i < pulled.size(); ++i) add(node.operands[i], pulled[i]);
        } else if (rule.partial[0] != nullptr) {
            multiply_by_partials(context, cotangents[0]);
        } else if (rule.jvp != nullptr) {
            transpose_tangent(context, cotangents[0]);
        } else {
            throw UserError(std::string(node.op->name) + " has no gradient: " + std::string(rule.none_because) + " (" +
                                node.results[0].to_string(graph_.symbols) + ")",
                            node.loc);
        }
    }

    void multiply_by_partials(const GradientContext& context, const Value& cotangent) {
        const ir::Gradient& rule = context.node.op->gradient.value;
        const auto wide = [](const Value& v) { return ir::functions::convert(v, ir::accumulator_of(v.type().dtype)); };
        Values x, y;
        for (const Value& v : context.x) x.push_back(wide(v));
        for (const Value& v : context.y) y.push_back(wide(v));
        const Value t = wide(cotangent);
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!matters(context.x[i])) continue;
            if (i >= ir::Gradient::max_partials || rule.partial[i] == nullptr)
                throw InternalError(std::string(context.node.op->name) + " lacks a partial derivative");
            const Value scaled = rule.partial[i]({context.node, x, y}, t);
            add(context.x[i], ir::functions::convert(scaled, context.x[i].type().dtype));
        }
    }

    // Writes down the tangent as a function of stand-ins for the operands' tangents, in which it is linear, and pulls
    // the cotangent back through that. The stand-ins and the tangent itself stay behind as dead nodes.
    void transpose_tangent(const GradientContext& context, const Value& cotangent) {
        Values tangents, wanted;
        std::vector<Value> operands;
        for (const Value& x : context.x) {
            tangents.emplace_back();
            if (!is_differentiable(x)) continue;
            tangents.back() = {&graph_.add(ir::ops::parameter, {}, {x.type().shape, x.type().dtype, false}), 0};
            if (!matters(x)) continue;
            wanted.push_back(tangents.back());
            operands.push_back(x);
        }
        const Value tangent = context.node.op->gradient.value.jvp(context, tangents);
        const Values pulled = pull_back(graph_, {&tangent, 1}, {&cotangent, 1}, wanted);
        for (std::size_t i = 0; i < operands.size(); ++i) add(operands[i], pulled[i]);
    }

    Graph& graph_;
    std::uint32_t begin_ = 0, end_ = 0;
    std::vector<Values> cotangents_;  // by node, then result; empty until one arrives
    std::vector<bool> leads_from_x_;
};

}  // namespace

std::vector<Value> pull_back(Graph& graph, std::span<const Value> ys, std::span<const Value> cotangents,
                             std::span<const Value> xs) {
    Reverse reverse(graph, ys, xs);
    for (std::size_t i = 0; i < ys.size(); ++i) reverse.add(ys[i], cotangents[i]);
    reverse.sweep();
    std::vector<Value> result;
    for (const Value& x : xs) result.push_back(reverse.cotangent_of(x));
    return result;
}

std::unique_ptr<Graph> differentiate(const Graph& graph, std::size_t output, std::span<const std::size_t> wrt,
                                     bool keep_outputs) {
    const ir::FloatEnvironment floats;
    if (output >= graph.outputs().size())
        throw UserError("differentiate: there is no output " + std::to_string(output));
    const Value original = graph.outputs()[output];
    if (original.type().shape.rank() != 0 || !is_differentiable(original))
        throw TypeError("differentiate: the output " + graph.output_name(output) + " is " +
                            original.type().to_string(graph.symbols) + ", not a rank-0 float",
                        original.node->loc);
    ValueMap values;
    std::unique_ptr<Graph> result = copy(graph, &values, keep_outputs);
    Values xs;
    for (std::size_t i : wrt) {
        if (i >= graph.parameters().size())
            throw UserError("differentiate: there is no parameter " + std::to_string(i));
        const Value x = mapped(values, graph.parameters()[i]);
        if (!is_differentiable(x))
            throw TypeError("differentiate: the parameter " + graph.parameter_name(i) + " is " +
                                x.type().to_string(graph.symbols) + ", not a float",
                            x.node->loc);
        xs.push_back(x);
    }
    const Value y = mapped(values, original);
    Value one;
    {
        const Blame blame(*result, y.node->loc);
        one = ir::functions::number(y, 1);
    }
    const Values gradients = pull_back(*result, {&y, 1}, {&one, 1}, xs);
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const Value gradient = gradients[i] ? gradients[i] : ir::functions::full_like(xs[i], xs[i].type().shape, 0);
        result->add_output("d_" + graph.parameter_name(wrt[i]), gradient);
    }
    return copy_live(*result);
}

}  // namespace lathe::passes
