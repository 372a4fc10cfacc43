#include "ir/graph/verify.h"

#include "ir/ops/control.h"

namespace lathe::ir {
namespace {

constexpr int max_nesting = 32;

class Verifier {
public:
    // `symbols` are those of the graph that is around all others.
    Verifier(const Graph& graph, std::span<const std::string> symbols, int depth, std::vector<std::string>& faults)
        : graph_(graph), symbols_(symbols), depth_(depth), faults_(faults), preconditions_(graph.preconditions) {}

    void run() {
        if (depth_ > max_nesting) return fault({}, "graphs are nested too deeply");
        std::size_t position = 0;
        for (const Node& node : graph_.nodes()) check(node, position++);
        for (const Value& v : graph_.parameters())
            if (!belongs(v)) fault({}, "a parameter belongs to another graph");
        for (const Value& v : graph_.outputs())
            if (!belongs(v)) fault({}, "an output belongs to another graph");
    }

private:
    void fault(Loc loc, const std::string& why) { faults_.push_back(loc.around(graph_.name + ": " + why)); }

    bool belongs(const Value& v) const {
        return v && v.node->graph == &graph_ && v.node->id < graph_.nodes().size() &&
               &graph_.nodes()[v.node->id] == v.node && v.index < v.node->results.size();
    }

    void check(const Node& node, std::size_t position) {
        const std::string who =
            "%" + std::to_string(position) + " = " + (node.op == nullptr ? "?" : std::string(node.op->name)) + ": ";
        if (node.op == nullptr || find_op(node.op->name) != node.op)
            return fault(node.loc, who + "the op is not in the table");
        if (node.id != position || node.graph != &graph_) fault(node.loc, who + "the node does not know its place");
        std::vector<Type> types;
        for (const Value& v : node.operands)
            if (!belongs(v) || v.node->id >= position) return fault(node.loc, who + "an operand is not defined above");
        for (const Value& v : node.operands) types.push_back(v.type());
        check_literals(node, who);
        check_types(node, types, who);
        for (const Graph* region : regions_of(node))
            if (region != nullptr) Verifier(*region, symbols_, depth_ + 1, faults_).run();
    }

    void check_literals(const Node& node, const std::string& who) {
        for (const Attribute& a : node.attributes) {
            const auto* literal = std::get_if<Literal>(&a);
            if (literal == nullptr) continue;
            try {
                make_literal(literal->type, *literal->bytes);
            } catch (const Error& e) {
                fault(node.loc, who + e.what());
            }
        }
    }

    void check_types(const Node& node, const std::vector<Type>& operands, const std::string& who) {
        TypeContext context(*node.op, operands, node.attributes, {}, &preconditions_, symbols_);
        try {
            const std::vector<Type> results = infer_types(context);
            if (results.size() != node.results.size()) return fault(node.loc, who + "wrong number of results");
            for (std::size_t i = 0; i < results.size(); ++i)
                if (!(results[i] == node.results[i]))
                    fault(node.loc, who + "the type is " + node.results[i].to_string(symbols_) + ", the rule gives " +
                                        results[i].to_string(symbols_));
        } catch (const Error& e) {
            return fault(node.loc, who + e.what());
        }
        for (std::size_t i = graph_.preconditions.size(); i < preconditions_.size(); ++i)
            fault(node.loc, who + "needs the precondition " + preconditions_[i].a.to_string(symbols_) +
                                " == " + preconditions_[i].b.to_string(symbols_));
        preconditions_.resize(graph_.preconditions.size());
    }

    const Graph& graph_;
    std::span<const std::string> symbols_;
    int depth_;
    std::vector<std::string>& faults_;
    std::vector<Precondition> preconditions_;  // the graph's, and while a node is checked what its rule adds
};

}  // namespace

std::vector<std::string> verify(const Graph& graph) {
    std::vector<std::string> faults;
    Verifier(graph, graph.symbols, 0, faults).run();
    return faults;
}

}  // namespace lathe::ir
