#include "frontend/trace/inline_graph.h"

#include <optional>
#include <unordered_map>

#include "frontend/tensor/record.h"
#include "frontend/trace/trace.h"
#include "ir/ops/op.h"

namespace lathe::detail {
namespace {

// What the symbols of a graph are for given inputs.
class Instance {
public:
    Instance(const ir::Graph& graph, std::span<const NodeRef> inputs, const std::string& what)
        : graph_(graph), inputs_(inputs), what_(what), loc_(blame({})) {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const ir::Type& wanted = graph.parameters()[i].type();
            const ir::Type& given = inputs[i]->type;
            if (given.dtype != wanted.dtype || given.shape.rank() != wanted.shape.rank()) refuse(i);
        }
        solve();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const ir::Type& wanted = graph.parameters()[i].type();
            for (std::size_t d = 0; d < wanted.shape.rank(); ++d) demand_extent(i, d);
        }
        for (const ir::Precondition& p : graph.preconditions) demand(substitute(p.a), substitute(p.b), p.what);
    }

    ir::Attributes substitute(ir::Attributes attributes) const {
        ir::map_dims(attributes, [this](ir::Dim d) { return substitute(d); });
        return attributes;
    }

private:
    ir::Dim substitute(ir::Dim d) const {
        if (d.is_constant()) return d;
        return d.substitute([this](ir::Symbol s) {
            const auto found = symbols_.find(s);
            if (found == symbols_.end())
                throw TypeError(what_ + ": no input says what the extent " + graph_.symbols[s] + " is", loc_);
            return found->second;
        });
    }

    // Extents that are a symbol give it; then those like 2 * n give n.
    void solve() {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const ir::Shape& wanted = graph_.parameters()[i].type().shape;
            for (std::size_t d = 0; d < wanted.rank(); ++d)
                if (const auto s = wanted[d].as_symbol()) symbols_.try_emplace(*s, inputs_[i]->type.shape[d]);
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const ir::Shape& wanted = graph_.parameters()[i].type().shape;
            for (std::size_t d = 0; d < wanted.rank(); ++d) {
                std::vector<ir::Symbol> open;
                wanted[d].collect_symbols(open);
                std::erase_if(open, [&](ir::Symbol s) { return symbols_.contains(s); });
                if (open.size() != 1) continue;
                const auto affine = wanted[d].affine_in(open[0]);
                if (!affine || !affine->coefficient.is_constant()) continue;
                const ir::Dim rest = inputs_[i]->type.shape[d] - substitute(affine->rest);
                symbols_.emplace(open[0], ir::floordiv(rest, affine->coefficient));
            }
        }
    }

    void demand_extent(std::size_t input, std::size_t axis) {
        const ir::Dim given = inputs_[input]->type.shape[axis];
        const ir::Dim wanted = substitute(graph_.parameters()[input].type().shape[axis]);
        if (given == wanted) return;
        if ((given - wanted).is_constant()) refuse(input);
        demand(given, wanted, "input '" + graph_.parameter_name(input) + "' has another extent");
    }

    void demand(ir::Dim a, ir::Dim b, const std::string& why) {
        if (a == b) return;
        Trace* const trace = Trace::current();
        const std::span<const std::string> names =
            trace != nullptr ? trace->symbol_names() : std::span<const std::string>{};
        if (trace == nullptr || (a - b).is_constant())
            throw TypeError(what_ + ": " + why + ": " + a.to_string(names) + " is not " + b.to_string(names), loc_);
        trace->require_equal(a, b, loc_, what_ + ": " + why);
    }

    [[noreturn]] void refuse(std::size_t input) const {
        const Trace* const trace = Trace::current();
        throw TypeError(what_ + ": input '" + graph_.parameter_name(input) + "' is " +
                            graph_.parameters()[input].type().to_string(graph_.symbols) + ", not " +
                            inputs_[input]->type.to_string(trace != nullptr ? trace->symbol_names()
                                                                            : std::span<const std::string>{}),
                        loc_);
    }

    const ir::Graph& graph_;
    std::span<const NodeRef> inputs_;
    const std::string& what_;
    ir::Loc loc_;
    std::unordered_map<ir::Symbol, ir::Dim> symbols_;
};

std::vector<NodeRef> record_graph(const ir::Graph& graph, std::span<const NodeRef> inputs, const Instance* instance) {
    std::unordered_map<const ir::Node*, std::vector<NodeRef>> results;
    for (std::size_t i = 0; i < inputs.size(); ++i) results[graph.parameters()[i].node] = {inputs[i]};
    for (const ir::Node& n : graph.nodes()) {
        if (results.contains(&n)) continue;
        std::vector<NodeRef> operands;
        for (ir::Value v : n.operands) operands.push_back(results.at(v.node)[v.index]);
        const LocScope loc(n.loc);
        results[&n] = record_results(*n.op, operands,
                                     instance != nullptr ? instance->substitute(n.attributes) : n.attributes, {});
    }
    std::vector<NodeRef> outputs;
    for (ir::Value v : graph.outputs()) outputs.push_back(results.at(v.node)[v.index]);
    return outputs;
}

}  // namespace

std::vector<NodeRef> inline_graph(const ir::Graph& graph, std::span<const NodeRef> inputs) {
    return record_graph(graph, inputs, nullptr);
}

std::vector<NodeRef> instantiate_graph(const ir::Graph& graph, std::span<const NodeRef> inputs,
                                       const std::string& what) {
    if (inputs.size() != graph.parameters().size())
        throw TypeError(what + ": takes " + std::to_string(graph.parameters().size()) + " inputs, not " +
                            std::to_string(inputs.size()),
                        blame({}));
    const Instance instance(graph, inputs, what);
    return record_graph(graph, inputs, &instance);
}

Node* const& CompiledCall::result(std::uint32_t index) {
    std::call_once(once_, [this] {
        kept_ = instantiate_graph(*graph, inputs, graph->name);
        for (const NodeRef& r : kept_) recorded_.push_back(r.get());
    });
    return recorded_[index];
}

void keep_history(const std::shared_ptr<const ir::Graph>& graph, std::vector<NodeRef> inputs,
                  std::span<const NodeRef> results) {
    const auto call = std::make_shared<CompiledCall>(graph, std::move(inputs));
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!is_float(results[i]->type.dtype)) continue;
        results[i]->keeps_history = true;
        results[i]->index = static_cast<std::uint32_t>(i);
        results[i]->call = call;
    }
}

}  // namespace lathe::detail
