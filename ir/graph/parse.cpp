#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "ir/graph/op_versions.h"
#include "ir/graph/text.h"

namespace lathe::ir {
namespace {

constexpr int max_nesting = 32;
constexpr std::size_t max_faults = 100;

// What is wrong with the current line.
struct Fault {
    std::string why;
};
// The line uses a value whose own line was at fault: nothing new to say.
struct Consequence {};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The cursor: words of the current line.
class Words {
public:
    Words(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    std::string_view file() const { return file_; }
    std::uint32_t line() const { return line_; }
    Loc here() const { return Loc::of(file_, line_); }

    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
        if (text_.substr(at_).starts_with("//"))
            while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    }
    bool at_end_of_line() {
        skip_space();
        return at_ >= text_.size() || text_[at_] == '\n';
    }
    // To the first word of the next line that has one. False at the end of the text.
    bool next_line() {
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c != '\n') continue;
            ++line_;
            if (!at_end_of_line()) return true;
        }
        return false;
    }
    bool first_line() { return !at_end_of_line() || next_line(); }

    bool peek(std::string_view word) {
        skip_space();
        return text_.substr(at_).starts_with(word);
    }
    bool accept(std::string_view word) {
        if (!peek(word)) return false;
        at_ += word.size();
        return true;
    }
    void expect(std::string_view word) {
        if (!accept(word)) throw Fault{"expected '" + std::string(word) + "', not " + found()};
    }
    void end_of_line() {
        if (!at_end_of_line()) throw Fault{"expected the end of the line, not " + found()};
    }
    bool accept_word(std::string_view word) {
        skip_space();
        const std::size_t before = at_;
        if (peek_identifier() && identifier("") == word) return true;
        at_ = before;
        return false;
    }
    bool peek_identifier() {
        skip_space();
        return at_ < text_.size() && is_letter(text_[at_]);
    }
    std::string_view identifier(std::string_view what) {
        if (!peek_identifier()) throw Fault{"expected " + std::string(what) + ", not " + found()};
        const std::size_t begin = at_;
        while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    // %12 or %name; without the %.
    std::string_view value_name() {
        expect("%");
        const std::size_t begin = at_;
        while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
        if (begin == at_) throw Fault{"expected a value's name behind %, not " + found()};
        return text_.substr(begin, at_ - begin);
    }
    std::int64_t integer() {
        skip_space();
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (error != std::errc{}) throw Fault{"expected an integer, not " + found()};
        at_ = static_cast<std::size_t>(end - text_.data());
        return value;
    }
    std::string quoted() {
        expect("\"");
        std::string out;
        while (true) {
            if (at_ >= text_.size() || text_[at_] == '\n') throw Fault{"a string without its closing quote"};
            char c = text_[at_++];
            if (c == '"') return out;
            if (c == '\\') {
                if (at_ >= text_.size()) throw Fault{"a string without its closing quote"};
                c = text_[at_++];
                if (c == 'x') {
                    unsigned code = 0;
                    const char* begin = text_.data() + at_;
                    const auto end =
                        std::from_chars(begin, begin + std::min<std::size_t>(2, text_.size() - at_), code, 16);
                    if (end.ptr != begin + 2) throw Fault{"\\x wants two hexadecimal digits"};
                    at_ += 2;
                    c = static_cast<char>(code);
                } else if (c != '"' && c != '\\') {
                    throw Fault{"only \\\", \\\\ and \\x are known in strings"};
                }
            }
            out += c;
        }
    }
    // Anything up to a delimiter: an element of a literal.
    std::string_view element() {
        skip_space();
        const std::size_t begin = at_;
        while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '\n' && text_[at_] != ',' &&
               text_[at_] != ']')
            ++at_;
        return text_.substr(begin, at_ - begin);
    }
    Dim dim(const std::vector<std::string>& symbols) {
        skip_space();
        std::string_view rest = text_.substr(at_, text_.find('\n', at_) - at_);
        const std::size_t before = rest.size();
        std::string why;
        const auto result = parse_dim(
            rest,
            [&](std::string_view name) -> std::optional<Symbol> {
                const auto found = std::ranges::find(symbols, name);
                if (found == symbols.end()) return std::nullopt;
                return static_cast<Symbol>(found - symbols.begin());
            },
            why);
        at_ += before - rest.size();
        if (!result) throw Fault{why};
        return *result;
    }

    std::string found() {
        skip_space();
        if (at_ >= text_.size()) return "the end of the text";
        if (text_[at_] == '\n') return "the end of the line";
        const std::size_t begin = at_;
        std::size_t end = at_ + 1;
        if (is_letter(text_[begin]) || is_digit(text_[begin]))
            while (end < text_.size() && end - begin < 40 && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
        return "'" + std::string(text_.substr(begin, end - begin)) + "'";
    }

private:
    std::string_view text_, file_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
};

class Parser {
public:
    Parser(std::string_view text, std::string_view file, const Reading& reading)
        : words_(text, file), reading_(reading), versions_(reading.of_first_versions) {}

    std::unique_ptr<Graph> run() {
        std::unique_ptr<Graph> result;
        bool any = words_.first_line();
        if (any && words_.accept_word("ops")) {
            guarded([&] { listed_versions(); });
            any = faults_ == 0 && words_.next_line();
        }
        if (any) {
            result = graph(nullptr, 0);
            if (faults_ == 0 && words_.next_line()) fault("text behind the end of the graph");
        } else if (faults_ == 0) {
            fault("no graph");
        }
        if (faults_ != 0) throw FormatError(messages_);
        return result;
    }

private:
    struct Scope {
        Graph& graph;
        const std::vector<std::string>& symbols;                 // of the graph that is around all others
        std::map<std::string, const Node*, std::less<>> values;  // null: its line was at fault
        bool returned = false;
    };

    void fault(const std::string& why) {
        if (++faults_ > max_faults) return;
        messages_ += (faults_ == 1 ? "" : "\n") + std::string(words_.file()) + ":" + std::to_string(words_.line()) +
                     ": " + (faults_ == max_faults ? "too many faults; the rest is not listed" : why);
    }

    // Runs the parser of one line; a fault in it ends the line, not the graph.
    template <class F>
    void guarded(F&& parse_line) {
        try {
            parse_line();
        } catch (const Fault& f) {
            fault(f.why);
        } catch (const Consequence&) {
        } catch (const Error& e) {
            // The location is this line's, unless the text gives another; either way the line of the text is wanted.
            fault(e.message());
        }
    }

    // All that is wrong with the versions, as one fault for each op.
    void listed_versions() {
        versions_.expect_list();
        if (words_.at_end_of_line()) return;
        do {
            const std::string op_name(words_.identifier("an op"));
            words_.expect("@");
            const std::int64_t version = words_.integer();
            const OpDef* op = reading_.find(op_name);
            const std::string why = op == nullptr ? "there is no op " + op_name : versions_.list(*op, version);
            if (!why.empty()) fault(why);
        } while (words_.accept(","));
        words_.end_of_line();
    }

    // `around` is null for the outermost graph.
    std::unique_ptr<Graph> graph(const Scope* around, int depth) {
        auto result = std::make_unique<Graph>();
        Scope scope{*result, around != nullptr ? around->symbols : result->symbols, {}};
        bool opened = false;
        guarded([&] {
            if (depth > max_nesting) throw Fault{"graphs are nested too deeply"};
            if (!words_.accept_word("graph")) throw Fault{"expected 'graph', not " + words_.found()};
            result->name = words_.peek("\"") ? words_.quoted() : std::string(words_.identifier("the graph's name"));
            words_.expect("(");
            if (!words_.accept(")")) {
                if (around != nullptr) throw Fault{"a region has no symbols of its own"};
                do {
                    const std::string name(words_.identifier("a symbol's name"));
                    const Symbol s = result->add_symbol(name);
                    if (result->symbols[s] != name) throw Fault{"the symbol " + name + " is reserved or occurs twice"};
                } while (words_.accept(","));
                words_.expect(")");
            }
            words_.expect("{");
            words_.end_of_line();
            opened = true;
        });
        if (!opened) return result;
        while (true) {
            if (!words_.next_line()) {
                fault("the text ends before the graph does");
                return result;
            }
            if (words_.accept("}")) break;
            if (faults_ > max_faults) return result;
            guarded([&] { statement(scope, depth); });
        }
        guarded([&] { words_.end_of_line(); });
        return result;
    }

    void statement(Scope& scope, int depth) {
        if (scope.returned) throw Fault{"a statement behind return"};
        if (words_.peek("%")) return node(scope, depth);
        if (words_.accept_word("require")) return requirement(scope);
        if (words_.accept_word("return")) return outputs(scope);
        throw Fault{"expected a value, require, return or '}', not " + words_.found()};
    }

    void requirement(Scope& scope) {
        const std::vector<std::string>& symbols = scope.symbols;
        const Dim a = words_.dim(symbols);
        words_.expect("==");
        const Dim b = words_.dim(symbols);
        words_.expect(":");
        const std::string what = words_.quoted();
        const Loc at = loc();
        words_.end_of_line();
        if (a == b || (a - b).is_constant()) throw Fault{"the requirement always holds, or never"};
        scope.graph.preconditions.push_back({a, b, at, what});
    }

    void outputs(Scope& scope) {
        scope.returned = true;
        do {
            const std::string name = words_.quoted();
            words_.expect("=");
            scope.graph.add_output(name, value(scope));
        } while (words_.accept(","));
        words_.end_of_line();
    }

    void node(Scope& scope, int depth) {
        const std::string name(words_.value_name());
        if (scope.values.contains(name)) throw Fault{"%" + name + " is defined twice"};
        const Node*& defined = scope.values[name];  // null until all went well
        words_.expect("=");
        const std::string_view op_name = words_.identifier("an op");
        const OpDef* op = reading_.find(op_name);
        if (op == nullptr) throw Fault{"there is no op " + std::string(op_name)};
        const OpDef* written = versions_.written(*op);
        if (written == nullptr) throw Fault{"the text's list of ops does not have " + std::string(op_name)};
        if (words_.peek("\"")) {
            defined = parameter(scope, *op);
            return;
        }

        WrittenNode node{value_list(scope), {}};
        node.attributes = attributes_of(scope, *written, node.operands);
        words_.expect(":");
        std::vector<Type> types;
        do types.push_back(type(scope));
        while (words_.accept(","));
        const bool opens = words_.accept("{");
        const Loc at = loc();
        words_.end_of_line();
        if (opens) regions(scope, *written, node.attributes, depth);
        upgrade(scope.graph, *written, *op, node, at);
        const Node& made = scope.graph.add(*op, node.operands, std::move(node.attributes), at);
        check_types(scope, made, types);
        defined = &made;
    }

    // One for each of the row's; the closing brace, too.
    void regions(Scope& scope, const OpDef& op, Attributes& attributes, int depth) {
        std::vector<std::shared_ptr<const Graph>> graphs;
        while (true) {
            if (!words_.next_line()) throw Fault{"the text ends before the graph does"};
            if (words_.accept("}")) break;
            const std::size_t before = faults_;
            graphs.push_back(graph(&scope, depth + 1));
            if (faults_ != before) failed_region_ = true;
        }
        words_.end_of_line();
        if (std::exchange(failed_region_, false)) throw Consequence{};
        std::size_t next = 0;
        for (const AttributeDef& def : op.attributes)
            if (def.kind() == AttributeKind::region && next < graphs.size())
                attributes[def.slot] = Region{graphs[next++]};
        const auto wanted = std::ranges::count(op.attributes, AttributeKind::region, &AttributeDef::kind);
        if (graphs.size() != static_cast<std::size_t>(wanted))
            throw Fault{std::string(op.name) + " has " + std::to_string(wanted) + " regions, not " +
                        std::to_string(graphs.size())};
    }

    static void check_types(const Scope& scope, const Node& node, const std::vector<Type>& written) {
        if (node.results == written) return;
        std::string actual;
        for (const Type& t : node.results) actual += (actual.empty() ? "" : ", ") + t.to_string(scope.symbols);
        throw Fault{std::string(node.op->name) + " gives " + actual};
    }

    const Node* parameter(Scope& scope, const OpDef& op) {
        if (op.lowering != Lowering::source || op.attributes.size() != 2)
            throw Fault{std::string(op.name) + " has no name"};
        const std::string name = words_.quoted();
        words_.expect(":");
        const Type t = type(scope);
        const Loc at = loc();
        words_.end_of_line();
        return scope.graph.add_parameter(name, t, at).node;
    }

    std::vector<Value> value_list(Scope& scope) {
        std::vector<Value> values;
        if (!words_.accept("(") || words_.accept(")")) return values;
        do values.push_back(value(scope));
        while (words_.accept(","));
        words_.expect(")");
        return values;
    }

    Value value(Scope& scope) {
        const std::string_view name = words_.value_name();
        const auto found = scope.values.find(name);
        if (found == scope.values.end()) throw Fault{"%" + std::string(name) + " is not defined above"};
        if (found->second == nullptr) throw Consequence{};
        const std::size_t results = found->second->results.size();
        if (!words_.accept("#")) {
            if (results != 1) throw Fault{"%" + std::string(name) + " has several results: say which by #"};
            return {found->second, 0};
        }
        const std::int64_t index = words_.integer();
        if (index < 0 || static_cast<std::uint64_t>(index) >= results)
            throw Fault{"%" + std::string(name) + " has no result " + std::to_string(index)};
        return {found->second, static_cast<std::uint32_t>(index)};
    }

    Dtype dtype() {
        const std::string_view name = words_.identifier("a dtype");
        const auto result = parse_dtype(name);
        if (!result) throw Fault{"there is no dtype " + std::string(name)};
        return *result;
    }

    Shape shape(const Scope& scope) {
        Shape result;
        words_.expect("[");
        if (words_.accept("]")) return result;
        do {
            if (result.rank() == max_rank) throw Fault{"more than " + std::to_string(max_rank) + " dimensions"};
            result.push_back(words_.dim(scope.symbols));
        } while (words_.accept(","));
        words_.expect("]");
        return result;
    }

    Type type(const Scope& scope) {
        const Dtype d = dtype();
        const Type result{d, shape(scope)};
        for (Dim extent : result.shape)
            if (extent.is_constant() && extent.constant() < 0) throw Fault{"an extent is negative"};
        return result;
    }

    // name=value, in any order; what says nothing may be left out.
    Attributes attributes_of(const Scope& scope, const OpDef& op, const std::vector<Value>& operands) {
        std::vector<std::optional<Attribute>> given(op.attributes.size());
        while (words_.peek_identifier()) {
            const auto def = std::ranges::find_if(op.attributes,
                                                  [this](const AttributeDef& d) { return words_.accept_word(d.name); });
            if (def == op.attributes.end() || def->kind() == AttributeKind::region)
                throw Fault{std::string(op.name) + " has no attribute " + words_.found()};
            if (given[def->slot]) throw Fault{std::string(def->name) + "= is given twice"};
            words_.expect("=");
            given[def->slot] = attribute(scope, def->kind());
        }
        Attributes attributes;
        for (const AttributeDef& def : op.attributes) {
            if (given[def.slot]) {
                attributes.push_back(std::move(*given[def.slot]));
                continue;
            }
            if (def.kind() == AttributeKind::region) {  // in braces, behind the types
                attributes.emplace_back(Region{});
                continue;
            }
            if (def.meaning == AttributeMeaning::flag && def.presence == Presence::optional) {
                attributes.push_back(default_of(def.meaning, 0));
                continue;
            }
            const bool has_operand =
                def.of == AttributeDef::of_shape || static_cast<std::size_t>(def.of) < operands.size();
            if (def.presence == Presence::required || !has_operand)
                throw Fault{"expected " + std::string(def.name) + "=, not " + words_.found()};
            const std::size_t rank =
                def.of == AttributeDef::of_shape ? 0 : operands[static_cast<std::size_t>(def.of)].type().shape.rank();
            attributes.push_back(default_of(def.meaning, rank));
        }
        return attributes;
    }

    Attribute attribute(const Scope& scope, AttributeKind kind) {
        switch (kind) {
            case AttributeKind::integer:
                return words_.integer();
            case AttributeKind::integers: {
                Integers list;
                words_.expect("[");
                if (words_.accept("]")) return list;
                do list.push_back(words_.integer());
                while (words_.accept(","));
                words_.expect("]");
                return list;
            }
            case AttributeKind::dims:
                return shape(scope);
            case AttributeKind::dtype:
                return dtype();
            case AttributeKind::boolean: {
                const std::string_view word = words_.identifier("true or false");
                if (word != "true" && word != "false") throw Fault{"expected true or false"};
                return word == "true";
            }
            case AttributeKind::literal:
                return literal(scope);
            case AttributeKind::text:
            case AttributeKind::region:
                break;
        }
        return words_.quoted();
    }

    Literal literal(const Scope& scope) {
        const Type t = type(scope);
        if (!t.shape.is_constant()) throw Fault{"the shape of a literal is constant"};
        std::vector<std::byte> bytes;
        const auto element = [&] {
            const std::string_view text = words_.element();
            const auto bits = parse_element(t.dtype, text);
            if (!bits) throw Fault{"'" + std::string(text.substr(0, 40)) + "' is no " + std::string(name(t.dtype))};
            std::byte raw[8];
            std::memcpy(raw, &*bits, sizeof raw);
            bytes.insert(bytes.end(), raw, raw + size_of(t.dtype));
        };
        if (!words_.accept("[")) {
            element();
        } else if (!words_.accept("]")) {
            do element();
            while (words_.accept(","));
            words_.expect("]");
            // One element in brackets is a list, and a list gives every element.
            if (bytes.size() == size_of(t.dtype) && t.shape.element_count() != Dim(1))
                throw Fault{"the literal's list is too short"};
        }
        return make_literal(t, bytes);
    }

    // The location at the end of a line; where none is written, the line itself.
    Loc loc() {
        if (!words_.accept_word("loc")) return words_.here();
        words_.expect("(");
        if (words_.accept(")")) return {};
        std::vector<Loc> parts;
        do {
            const auto [file, line] = place();
            const std::string path = words_.accept_word("in") ? words_.quoted() : "";
            std::vector<Loc> callers;
            while (words_.accept_word("at")) {
                const auto [caller_file, caller_line] = place();
                callers.push_back(Loc::of(caller_file, caller_line));
            }
            parts.push_back(Loc::of(file, line, Loc::context(path, callers)));
        } while (words_.accept(","));
        words_.expect(")");
        return parts.size() == 1 ? parts[0] : Loc::fused(parts);
    }
    std::pair<std::string, std::uint32_t> place() {
        std::string file = words_.quoted();
        words_.expect(":");
        const std::int64_t line = words_.integer();
        if (line < 0 || line > 0xffffffffLL) throw Fault{"a line's number is out of range"};
        return {std::move(file), static_cast<std::uint32_t>(line)};
    }

    Words words_;
    Reading reading_;
    OpVersions versions_;
    std::string messages_;
    std::size_t faults_ = 0;
    bool failed_region_ = false;  // in the node that is read
};

}  // namespace

std::unique_ptr<Graph> parse_graph(std::string_view text, std::string_view file, const Reading& reading) {
    return Parser(text, file, reading).run();
}

}  // namespace lathe::ir
