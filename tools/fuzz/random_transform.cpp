#include "tools/fuzz/random_transform.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/ops/control.h"
#include "passes/graph/differentiate.h"
#include "passes/graph/push_forward.h"
#include "passes/graph/rebuild.h"
#include "passes/graph/vmap.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;
using ir::Type;
using ir::Value;

constexpr std::size_t most_nodes = 200;       // of a graph that is transformed
constexpr std::int64_t most_elements = 9000;  // of a value of it

Type at(Type type, std::span<const std::int64_t> symbols) {
    for (std::size_t i = 0; i < type.shape.rank(); ++i) type.shape[i] = type.shape[i].evaluate(symbols).value_or(-1);
    return type;
}

std::vector<std::int64_t> symbols_of(const ir::Graph& graph, std::span<const Literal> inputs) {
    std::vector<Type> types;
    for (const Literal& x : inputs) types.push_back(x.type);
    return ir::bind_symbols(graph, types);
}

bool is_small(const ir::Graph& graph, std::span<const Literal> inputs) {
    if (graph.nodes().size() > most_nodes) return false;
    const std::vector<std::int64_t> symbols = symbols_of(graph, inputs);
    for (const ir::Node& node : graph.nodes())
        for (const Type& t : node.results) {
            std::int64_t count = 1;
            for (ir::Dim d : at(t, symbols).shape) {
                if (d.constant() < 0) return false;
                count = std::min(count * std::max<std::int64_t>(d.constant(), 1), 2 * most_elements);
            }
            if (count > most_elements) return false;
        }
    return true;
}

// One of what is there that marks some.
std::vector<bool> some(std::size_t count, Random& random) {
    std::vector<bool> marked(count);
    for (std::size_t i = 0; i < count; ++i) marked[i] = chance(random, 50);
    if (count > 0) marked[static_cast<std::size_t>(below(random, static_cast<std::int64_t>(count)))] = true;
    return marked;
}

std::vector<std::size_t> floats_among(std::span<const Value> values, Random& random) {
    std::vector<std::size_t> all, chosen;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (is_float(values[i].type().dtype)) all.push_back(i);
    const std::vector<bool> marked = some(all.size(), random);
    for (std::size_t i = 0; i < all.size(); ++i)
        if (marked[i]) chosen.push_back(all[i]);
    return chosen;
}

// The parameters behind the first few get elements.
void draw_inputs(RandomGraph& sample, std::size_t from, Random& random) {
    const bool specials = chance(random, 20);
    for (std::vector<Literal>& inputs : sample.inputs) {
        std::vector<Type> types;
        for (const Literal& x : inputs) types.push_back(x.type);
        // The parameters before those bind the symbols.
        std::vector<std::int64_t> symbols(sample.graph->symbols.size());
        for (std::size_t i = 0; i < from; ++i)
            for (std::size_t k = 0; k < types[i].shape.rank(); ++k)
                if (const auto s = sample.graph->parameters()[i].type().shape[k].as_symbol())
                    symbols[*s] = types[i].shape[k].constant();
        for (std::size_t i = from; i < sample.graph->parameters().size(); ++i)
            inputs.push_back(random_literal(at(sample.graph->parameters()[i].type(), symbols), random, specials));
    }
}

std::optional<RandomGraph> pulled_back(const RandomGraph& from, Random& random) {
    const std::vector<std::size_t> ys = floats_among(from.graph->outputs(), random);
    const std::vector<std::size_t> xs = floats_among(from.graph->parameters(), random);
    if (ys.empty() || xs.empty()) return {};
    passes::ValueMap values;
    RandomGraph out{passes::copy(*from.graph, &values, false), from.inputs, from.indices};
    const std::size_t parameters = out.graph->parameters().size();
    std::vector<Value> of, cotangents, wrt;
    for (const std::size_t y : ys) {
        of.push_back(passes::mapped(values, from.graph->outputs()[y]));
        cotangents.push_back(out.graph->add_parameter("ct" + std::to_string(y), of.back().type()));
    }
    for (const std::size_t x : xs) wrt.push_back(out.graph->parameters()[x]);
    const std::vector<Value> pulled = passes::pull_back(*out.graph, of, cotangents, wrt);
    for (const Value& v : pulled)
        if (v) out.graph->add_output("d" + std::to_string(out.graph->outputs().size()), v);
    if (out.graph->outputs().empty()) return {};
    const bool keep = chance(random, 50);
    for (std::size_t i = 0; keep && i < from.graph->outputs().size(); ++i)
        out.graph->add_output("y" + std::to_string(i), passes::mapped(values, from.graph->outputs()[i]));
    out.graph = passes::copy_live(*out.graph);  // rules leave nodes that nobody needs
    draw_inputs(out, parameters, random);
    return out;
}

std::optional<RandomGraph> pushed_forward(const RandomGraph& from, Random& random) {
    std::vector<bool> marked(from.graph->parameters().size(), false);
    const std::vector<std::size_t> xs = floats_among(from.graph->parameters(), random);
    if (xs.empty()) return {};
    for (const std::size_t x : xs) marked[x] = true;
    RandomGraph out{passes::push_forward(*from.graph, marked), from.inputs, from.indices};
    draw_inputs(out, marked.size(), random);
    return out;
}

// Batched inputs repeat what holds indices, and are drawn anew where they do not.
std::optional<RandomGraph> batched(const RandomGraph& from, Random& random) {
    const std::size_t parameters = from.graph->parameters().size();
    if (parameters == 0) return {};
    const std::vector<bool> marked = some(parameters, random);
    const std::int64_t extent = 1 + below(random, 4);
    RandomGraph out{passes::vmap(*from.graph, marked, extent), from.inputs, from.indices};
    for (std::vector<Literal>& inputs : out.inputs)
        for (std::size_t i = 0; i < parameters; ++i) {
            if (!marked[i]) continue;
            const Type type = ir::stack_type(inputs[i].type, extent);
            if (std::ranges::find(from.indices, i) == from.indices.end()) {
                inputs[i] = random_literal(type, random, false);
                continue;
            }
            const std::vector<std::byte> one = elements_of(inputs[i]);
            std::vector<std::byte> all;
            for (std::int64_t k = 0; k < extent; ++k) all.insert(all.end(), one.begin(), one.end());
            inputs[i] = ir::make_literal(type, all);
        }
    return out;
}

}  // namespace

RandomGraph transformed(RandomGraph sample, std::uint64_t seed) {
    Random random(seed ^ 0x5DEECE66DU);
    for (int percent = 20; chance(random, percent); percent = 35) {
        std::optional<RandomGraph> next;
        try {
            const std::int64_t which = below(random, 3);
            next = which == 0   ? pulled_back(sample, random)
                   : which == 1 ? pushed_forward(sample, random)
                                : batched(sample, random);
            if (next && std::ranges::all_of(next->inputs, [&](const auto& x) { return is_small(*next->graph, x); }))
                sample = std::move(*next);
        } catch (const UserError&) {  // an op without a gradient, or too many dimensions
        }
    }
    return sample;
}

}  // namespace lathe::testing_support
