#include <algorithm>
#include <map>
#include <optional>

#include "ir/graph/op_versions.h"
#include "ir/graph/text.h"
#include "ir/ops/op.h"
#include "ir/ops/sources.h"
#include "ir/text/requirement.h"

namespace lathe::ir {
namespace {

constexpr int max_nesting = 32;
constexpr std::size_t max_faults = 100;

// The line uses a value whose own line was at fault: nothing new to say.
struct Consequence {};

class Parser {
public:
    Parser(Lexer& lexer, const SymbolTable* around, FindOp find) : lexer_(lexer), around_(around), find_(find) {}

    // A graph within another text.
    std::unique_ptr<Graph> run() {
        std::unique_ptr<Graph> result = graph(nullptr, 0);
        throw_faults();
        result->preconditions = std::move(written_);
        return result;
    }
    // A graph that is the whole text.
    std::unique_ptr<Graph> run_alone() {
        std::unique_ptr<Graph> result;
        bool any = lexer_.first_line();
        if (any && lexer_.accept("ops")) {
            guarded([&] { listed_versions(); });
            any = faults_ == 0 && lexer_.next_line();
        }
        if (any) {
            result = graph(nullptr, 0);
            if (faults_ == 0 && lexer_.next_line()) fault({"text behind the end of the graph", lexer_.peek().at});
        } else if (faults_ == 0) {
            fault({"no graph", lexer_.peek().at});
        }
        throw_faults();
        return result;
    }

private:
    struct Scope {
        Graph& graph;
        const SymbolTable& symbols;                              // of the graph that is around all others
        std::span<const std::string> names;                      // of those
        std::map<std::string, const Node*, std::less<>> values;  // null: its line was at fault
        std::string defining;                                    // the value that the line at hand defines
        bool returned = false;
    };

    void throw_faults() const {
        if (faults_ != 0) throw FormatError(messages_);
    }

    void fault(const TextFault& f) {
        if (++faults_ > max_faults) return;
        messages_ +=
            (faults_ == 1 ? "" : "\n") +
            lexer_.message(faults_ == max_faults ? TextFault{"too many faults; the rest is not listed", f.at} : f);
    }

    // Runs the parser of one line; a fault in it ends the line, not the graph.
    template <class F>
    void guarded(F&& parse_line) {
        const std::size_t begin = lexer_.peek().at;
        try {
            parse_line();
        } catch (const TextFault& f) {
            fault(f);
        } catch (const Consequence&) {
        } catch (const Error& e) {
            // The location is this line's, unless the text gives another; either way the line of the text is wanted.
            fault({e.message(), begin});
        }
    }

    // All that is wrong with the versions, as one fault for each op.
    void listed_versions() {
        versions_.expect_list();
        if (lexer_.at_end_of_line()) return;
        do {
            const Token token = lexer_.peek();
            const std::string op_name(lexer_.expect_word("an op"));
            const std::uint32_t version = lexer_.expect_buffer("a version, as @1");
            const OpDef* op = find_(op_name);
            const std::string why = op == nullptr ? "there is no op " + op_name : versions_.list(*op, version);
            if (!why.empty()) fault({why, token.at});
        } while (lexer_.accept(","));
        lexer_.end_of_line();
    }

    // `around` is null for the outermost graph.
    std::unique_ptr<Graph> graph(const Scope* around, int depth) {
        auto result = std::make_unique<Graph>();
        SymbolTable own;
        bool opened = false;
        guarded([&] {
            if (depth > max_nesting) lexer_.fail("graphs are nested too deeply");
            lexer_.expect("graph");
            result->name = lexer_.is(Token::Kind::string) ? lexer_.expect_string()
                                                          : std::string(lexer_.expect_word("the graph's name"));
            lexer_.expect("(");
            if (!lexer_.accept(")")) {
                if (around != nullptr) lexer_.fail("a region has no symbols of its own");
                do symbol(own, result->symbols);
                while (lexer_.accept(","));
                lexer_.expect(")");
            }
            lexer_.expect("{");
            lexer_.end_of_line();
            opened = true;
        });
        if (!opened) return result;
        const SymbolTable& symbols = around != nullptr                               ? around->symbols
                                     : around_ != nullptr && result->symbols.empty() ? *around_
                                                                                     : own;
        Scope scope{*result, symbols, around != nullptr ? around->names : result->symbols, {}, {}};
        while (true) {
            if (!lexer_.next_line()) {
                fault({"the text ends before the graph does", lexer_.peek().at});
                return result;
            }
            if (lexer_.accept("}")) break;
            if (faults_ > max_faults) return result;
            guarded([&] { statement(scope, depth); });
        }
        guarded([&] { lexer_.end_of_line(); });
        return result;
    }

    void symbol(SymbolTable& table, std::vector<std::string>& names) {
        const Token token = lexer_.peek();
        const std::string_view name = lexer_.expect_word("a symbol's name");
        if (is_dim_function(name) || !table.add(name))
            Lexer::fail_at(token, "the symbol " + std::string(name) + " is reserved or occurs twice");
        names.emplace_back(name);
    }

    void statement(Scope& scope, int depth) {
        if (scope.returned) lexer_.fail("a statement behind return");
        scope.defining.clear();
        if (lexer_.is(Token::Kind::value)) return node(scope, depth);
        if (lexer_.accept("require")) {
            scope.graph.preconditions.push_back(parse_requirement(lexer_, scope.symbols));
            if (depth == 0) written_.push_back(scope.graph.preconditions.back());
            return;
        }
        if (lexer_.accept("return")) return outputs(scope);
        lexer_.fail_expecting("a value, require, return or '}'");
    }

    void outputs(Scope& scope) {
        scope.returned = true;
        do {
            const std::string name = lexer_.expect_string();
            lexer_.expect("=");
            scope.graph.add_output(name, value(scope));
        } while (lexer_.accept(","));
        lexer_.end_of_line();
    }

    void node(Scope& scope, int depth) {
        const Token token = lexer_.peek();
        const std::string name(lexer_.expect_value("a value"));
        if (scope.values.contains(name)) Lexer::fail_at(token, "%" + name + " is defined twice");
        if (around_ != nullptr && depth == 0 && name != std::to_string(scope.graph.nodes().size()))
            Lexer::fail_at(token, "the node is %" + std::to_string(scope.graph.nodes().size()) + " of its graph");
        const Node*& defined = scope.values[name];  // null until all went well
        scope.defining = name;
        lexer_.expect("=");
        const Token op_token = lexer_.peek();
        const std::string_view op_name = lexer_.expect_word("an op");
        const OpDef* op = find_(op_name);
        if (op == nullptr) Lexer::fail_at(op_token, "there is no op " + std::string(op_name));
        const OpDef* written = versions_.written(*op);
        if (written == nullptr)
            Lexer::fail_at(op_token, "the text's list of ops does not have " + std::string(op_name));
        if (lexer_.is(Token::Kind::string)) {
            defined = parameter(scope, *op);
            return;
        }

        WrittenNode node{value_list(scope), {}};
        std::vector<std::size_t> ranks;
        for (const Value& v : node.operands) ranks.push_back(v.type().shape.rank());
        node.attributes = parse_attributes(lexer_, written->name, written->attributes, ranks, scope.symbols);
        lexer_.expect(":");
        std::vector<Type> types;
        do types.push_back(parse_type(lexer_, scope.symbols));
        while (lexer_.accept(","));
        const bool opens = lexer_.accept("{");
        const Loc at = parse_loc(lexer_);
        lexer_.end_of_line();
        if (opens) regions(scope, *written, op_token, node.attributes, depth);
        upgrade(scope.graph, *written, *op, node, at);
        const Node& made = scope.graph.add(*op, node.operands, std::move(node.attributes), at);
        if (made.results != types) {
            const auto list = [&](std::span<const Type> all) {
                std::string out;
                for (const Type& t : all) out += (out.empty() ? "" : ", ") + t.to_string(scope.names);
                return out;
            };
            Lexer::fail_at(op_token, std::string(op->name) + " gives " + list(made.results) + ", not " + list(types));
        }
        defined = &made;
    }

    // One for each of the row's; the closing brace, too.
    void regions(Scope& scope, const OpDef& op, const Token& op_token, Attributes& attributes, int depth) {
        std::vector<std::shared_ptr<const Graph>> graphs;
        bool failed = false;
        while (true) {
            if (!lexer_.next_line()) lexer_.fail("the text ends before the graph does");
            if (lexer_.accept("}")) break;
            const std::size_t before = faults_;
            graphs.push_back(graph(&scope, depth + 1));
            failed = failed || faults_ != before;
        }
        lexer_.end_of_line();
        if (failed) throw Consequence{};
        std::size_t next = 0;
        for (const AttributeDef& def : op.attributes)
            if (def.kind() == AttributeKind::region && next < graphs.size())
                attributes[def.slot] = Region{graphs[next++]};
        const auto wanted = std::ranges::count(op.attributes, AttributeKind::region, &AttributeDef::kind);
        if (graphs.size() != static_cast<std::size_t>(wanted))
            Lexer::fail_at(op_token, std::string(op.name) + " takes " + std::to_string(wanted) +
                                         (wanted == 1 ? " region, not " : " regions, not ") +
                                         std::to_string(graphs.size()));
    }

    const Node* parameter(Scope& scope, const OpDef& op) {
        if (&op != &ops::parameter) lexer_.fail(std::string(op.name) + " has no name");
        const std::string name = lexer_.expect_string();
        const bool steady = lexer_.accept("steady");
        lexer_.expect(":");
        const Type type = parse_type(lexer_, scope.symbols);
        const Loc at = parse_loc(lexer_);
        lexer_.end_of_line();
        return scope.graph.add_parameter(name, type, at, steady).node;
    }

    std::vector<Value> value_list(Scope& scope) {
        std::vector<Value> values;
        if (!lexer_.accept("(") || lexer_.accept(")")) return values;
        do values.push_back(value(scope));
        while (lexer_.accept(","));
        lexer_.expect(")");
        return values;
    }

    Value value(Scope& scope) {
        const Token token = lexer_.peek();
        const std::string_view name = lexer_.expect_value("a value");
        const auto found = scope.values.find(name);
        if (found == scope.values.end() || name == scope.defining)
            Lexer::fail_at(token, "%" + std::string(name) + " is not defined above");
        if (found->second == nullptr) throw Consequence{};
        const std::size_t results = found->second->results.size();
        if (!lexer_.accept("#")) {
            if (results != 1) Lexer::fail_at(token, "%" + std::string(name) + " has several results: say which by #");
            return {found->second, 0};
        }
        const std::int64_t index = lexer_.expect_integer("a result's number");
        if (index < 0 || static_cast<std::uint64_t>(index) >= results)
            Lexer::fail_at(token, "%" + std::string(name) + " has no result " + std::to_string(index));
        return {found->second, static_cast<std::uint32_t>(index)};
    }

    Lexer& lexer_;
    const SymbolTable* around_;
    FindOp find_;
    OpVersions versions_;
    std::vector<Precondition> written_;  // of the outermost graph
    std::string messages_;
    std::size_t faults_ = 0;
};

}  // namespace

std::unique_ptr<Graph> parse_graph(std::string_view text, std::string_view file, FindOp find) {
    Lexer lexer(text, file);
    return Parser(lexer, nullptr, find).run_alone();
}

std::unique_ptr<Graph> parse_graph(Lexer& lexer, const SymbolTable& around) {
    return Parser(lexer, &around, find_op).run();
}

}  // namespace lathe::ir
