#include <algorithm>
#include <cstring>
#include <map>

#include "ir/graph/text.h"
#include "ir/ops/control.h"

namespace lathe::ir {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        constexpr std::string_view hex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

class Printer {
public:
    // `symbols` are those of the graph that is around all others.
    Printer(const Graph& graph, std::span<const std::string> symbols, Locs locs, Literals literals, std::string indent,
            std::string& out)
        : graph_(graph), symbols_(symbols), locs_(locs), literals_(literals), indent_(std::move(indent)), out_(out) {}

    void run() {
        out_ += indent_ + "graph " + quoted_unless_identifier(graph_.name) + "(";
        for (std::size_t i = 0; i < graph_.symbols.size(); ++i) out_ += (i == 0 ? "" : ", ") + graph_.symbols[i];
        out_ += ") {\n";
        for (const Precondition& p : graph_.preconditions) {
            out_ += indent_ + "  require " + p.a.to_string(symbols_) + " == " + p.b.to_string(symbols_) + " : " +
                    quoted(p.what);
            print_loc(p.loc);
        }
        for (const Node& node : graph_.nodes()) print_node(node);
        print_outputs();
        out_ += indent_ + "}\n";
    }

private:
    static std::string quoted_unless_identifier(const std::string& name) {
        const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
        const bool plain = !name.empty() && is_letter(name[0]) &&
                           std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
        return plain ? name : quoted(name);
    }

    static std::string name_of(const Value& v) {
        const std::string node = "%" + std::to_string(v.node->id);
        return v.node->results.size() == 1 ? node : node + "#" + std::to_string(v.index);
    }

    void print_values(std::span<const Value> values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i != 0) out_ += ", ";
            out_ += name_of(values[i]);
        }
    }

    void print_node(const Node& node) {
        out_ += indent_ + "  %" + std::to_string(node.id) + " = " + std::string(node.op->name);
        const auto parameters = graph_.parameters();
        if (next_parameter_ < parameters.size() && parameters[next_parameter_].node == &node) {
            // The type says what the attributes do.
            out_ += " " + quoted(graph_.parameter_name(next_parameter_++));
        } else {
            if (!node.operands.empty()) {
                out_ += "(";
                print_values(node.operands);
                out_ += ")";
            }
            for (std::size_t i = 0; i < node.attributes.size(); ++i) {
                if (kind_of(node.attributes[i]) == AttributeKind::region) continue;
                out_ += " " + std::string(node.op->attributes[i].name) + "=";
                print_attribute(node.attributes[i]);
            }
        }
        for (std::size_t i = 0; i < node.results.size(); ++i)
            out_ += (i == 0 ? " : " : ", ") + node.results[i].to_string(symbols_);
        const std::vector<const Graph*> regions = regions_of(node);
        if (!regions.empty()) out_ += " {";
        print_loc(node.loc);
        if (regions.empty()) return;
        for (const Graph* region : regions) Printer(*region, symbols_, locs_, literals_, indent_ + "    ", out_).run();
        out_ += indent_ + "  }\n";
    }

    void print_attribute(const Attribute& attribute) {
        switch (kind_of(attribute)) {
            case AttributeKind::integer:
                out_ += std::to_string(std::get<std::int64_t>(attribute));
                break;
            case AttributeKind::integers: {
                const auto& list = std::get<Integers>(attribute);
                out_ += "[";
                for (std::size_t i = 0; i < list.size(); ++i) out_ += (i == 0 ? "" : ", ") + std::to_string(list[i]);
                out_ += "]";
                break;
            }
            case AttributeKind::dims: {
                const auto& shape = std::get<Shape>(attribute);
                out_ += "[";
                for (std::size_t i = 0; i < shape.rank(); ++i)
                    out_ += (i == 0 ? "" : ", ") + shape[i].to_string(symbols_);
                out_ += "]";
                break;
            }
            case AttributeKind::dtype:
                out_ += name(std::get<Dtype>(attribute));
                break;
            case AttributeKind::boolean:
                out_ += std::get<bool>(attribute) ? "true" : "false";
                break;
            case AttributeKind::literal:
                print_literal(std::get<Literal>(attribute));
                break;
            case AttributeKind::text:
                out_ += quoted(std::get<std::string>(attribute));
                break;
            case AttributeKind::region:  // in braces, behind the types
                break;
        }
    }

    void print_literal(const Literal& literal) {
        out_ += literal.type.to_string() + " ";
        const std::size_t size = size_of(literal.type.dtype);
        const auto element = [&](std::size_t i) {
            std::uint64_t bits = 0;
            std::memcpy(&bits, literal.bytes->data() + i * size, size);
            out_ += print_element(literal.type.dtype, bits);
        };
        if (literal.is_splat()) return element(0);
        constexpr std::size_t shown = 8;
        const std::size_t count = literal.bytes->size() / size;
        const bool cut = literals_ == Literals::brief && count > 2 * shown;
        out_ += "[";
        for (std::size_t i = 0; i < (cut ? shown : count); ++i) {
            if (i != 0) out_ += ", ";
            element(i);
        }
        out_ += cut ? ", ... " + std::to_string(count - shown) + " more]" : "]";
    }

    // Ends the line.
    void print_loc(Loc loc) {
        if (locs_ == Locs::show) {
            const auto places = loc.places();
            const auto line = [](const Loc::Line& l) { return quoted(l.file) + ":" + std::to_string(l.line); };
            out_ += " loc(";
            for (std::size_t i = 0; i < places.size(); ++i) {
                out_ += (i == 0 ? "" : ", ") + line(places[i].line);
                if (!places[i].path.empty()) out_ += " in " + quoted(places[i].path);
                for (const Loc::Line& caller : places[i].callers) out_ += " at " + line(caller);
            }
            out_ += ")";
        }
        out_ += "\n";
    }

    void print_outputs() {
        if (graph_.outputs().empty()) return;
        out_ += indent_ + "  return ";
        for (std::size_t i = 0; i < graph_.outputs().size(); ++i)
            out_ += (i == 0 ? "" : ", ") + quoted(graph_.output_name(i)) + " = " + name_of(graph_.outputs()[i]);
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

std::string print(const Graph& graph, Locs locs, Literals literals) {
    std::string out;
    Printer(graph, graph.symbols, locs, literals, "", out).run();
    return out;
}

}  // namespace lathe::ir
