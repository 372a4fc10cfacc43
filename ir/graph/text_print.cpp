#include <map>

#include "ir/graph/text.h"
#include "ir/ops/control.h"
#include "ir/text/requirement.h"

namespace lathe::ir {
namespace {

class Printer {
public:
    // `symbols` are those of the graph that is around all others.
    Printer(const Graph& graph, std::span<const std::string> symbols, Locs locs, Literals literals, std::string indent,
            std::string& out)
        : graph_(graph), symbols_(symbols), locs_(locs), literals_(literals), indent_(std::move(indent)), out_(out) {}

    void run() {
        out_ += indent_ + "graph " + in_quotes_unless_word(graph_.name) + "(";
        for (std::size_t i = 0; i < graph_.symbols.size(); ++i) out_ += (i == 0 ? "" : ", ") + graph_.symbols[i];
        out_ += ") {\n";
        for (const Precondition& p : graph_.preconditions)
            out_ += indent_ + "  " + print_requirement(p, symbols_, locs_) + "\n";
        for (const Node& node : graph_.nodes()) print_node(node);
        print_outputs();
        out_ += indent_ + "}\n";
    }

private:
    // The type says what the other attributes do.
    void print_parameter(const Node& node, std::size_t number) {
        out_ += "%" + std::to_string(node.id) + " = " + std::string(node.op->name) + " " +
                in_quotes(graph_.parameter_name(number)) + (graph_.is_steady(number) ? " steady" : "") + " : " +
                node.results[0].to_string(symbols_);
    }
    void print_node(const Node& node) {
        const auto parameters = graph_.parameters();
        out_ += indent_ + "  ";
        if (next_parameter_ < parameters.size() && parameters[next_parameter_].node == &node)
            print_parameter(node, next_parameter_++);
        else
            out_ += lathe::ir::print_node(node, symbols_, literals_);
        const std::vector<const Graph*> regions = regions_of(node);
        if (!regions.empty()) out_ += " {";
        out_ += print_loc(node.loc, locs_) + "\n";
        if (regions.empty()) return;
        for (const Graph* region : regions) Printer(*region, symbols_, locs_, literals_, indent_ + "    ", out_).run();
        out_ += indent_ + "  }\n";
    }

    void print_outputs() {
        if (graph_.outputs().empty()) return;
        out_ += indent_ + "  return ";
        for (std::size_t i = 0; i < graph_.outputs().size(); ++i)
            out_ += (i == 0 ? "" : ", ") + in_quotes(graph_.output_name(i)) + " = " + print_name(graph_.outputs()[i]);
        out_ += "\n";
    }

    const Graph& graph_;
    std::span<const std::string> symbols_;
    Locs locs_;
    Literals literals_;
    std::string indent_;
    std::string& out_;
    std::size_t next_parameter_ = 0;
};

void collect_ops(const Graph& graph, std::map<std::string_view, int>& versions) {
    for (const Node& node : graph.nodes()) {
        versions.emplace(node.op->name, node.op->version);
        for (const Graph* region : regions_of(node)) collect_ops(*region, versions);
    }
}

}  // namespace

std::string print_op_versions(const Graph& graph) {
    std::map<std::string_view, int> versions;
    collect_ops(graph, versions);
    std::string out = "ops";
    for (const auto& [name, version] : versions)
        out += (out.size() == 3 ? " " : ", ") + std::string(name) + "@" + std::to_string(version);
    return out + "\n";
}

std::string print_name(Value v) {
    const std::string node = "%" + std::to_string(v.node->id);
    return v.node->results.size() == 1 ? node : node + "#" + std::to_string(v.index);
}

std::string print_node(const Node& node, std::span<const std::string> symbols, Literals literals) {
    std::string out = "%" + std::to_string(node.id) + " = " + std::string(node.op->name);
    for (const Value& v : node.operands) out += (&v == node.operands.data() ? "(" : ", ") + print_name(v);
    if (!node.operands.empty()) out += ")";
    out += print_attributes(node.op->attributes, node.attributes, symbols, literals);
    for (const Type& t : node.results) out += (&t == node.results.data() ? " : " : ", ") + t.to_string(symbols);
    return out;
}

std::string print(const Graph& graph, Locs locs, Literals literals) { return print(graph, locs, literals, {}, ""); }

std::string print(const Graph& graph, Locs locs, Literals literals, std::span<const std::string> around,
                  std::string indent) {
    std::string out;
    Printer(graph, graph.symbols.empty() ? around : graph.symbols, locs, literals, std::move(indent), out).run();
    return out;
}

}  // namespace lathe::ir
