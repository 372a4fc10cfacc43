#include <charconv>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "ir/ascii.h"
#include "ir/loops/text.h"
#include "ir/text/attributes.h"

namespace lathe::ir {

namespace {

constexpr int max_nesting = 64;

// One kernel. One statement per line.
class Parser {
public:
    explicit Parser(Lexer& lexer) : lexer_(lexer) {}

    // Up to the end of its last line.
    LoopNest run() {
        nest_.name = lexer_.is(Token::Kind::string) ? lexer_.expect_string()
                                                    : std::string(lexer_.expect_word("the kernel's name"));
        lexer_.expect("(");
        if (!lexer_.accept(")")) {
            do define_symbol(SymbolRole::extent, symbol_name());
            while (lexer_.accept(","));
            lexer_.expect(")");
        }
        lexer_.expect("{");
        lexer_.end_of_line();
        while (next_line(), buffer_declaration()) {
        }
        statements(nest_.body, nullptr, 0);
        return std::move(nest_);
    }

private:
    void next_line() {
        if (!lexer_.next_line()) lexer_.fail("the text ends before the kernel does");
    }

    // ---- names

    // With or without %.
    Token symbol_name() {
        if (!lexer_.is(Token::Kind::value) && !lexer_.is(Token::Kind::word)) lexer_.fail_expecting("a symbol");
        Token token = lexer_.next();
        if (token.kind == Token::Kind::value) token.text.remove_prefix(1);
        if (is_digit(token.text[0])) Lexer::fail_at(token, "expected a symbol, not '%" + std::string(token.text) + "'");
        return token;
    }
    Symbol define_symbol(SymbolRole role, const Token& name) {
        if (!symbols_.add(name.text))
            Lexer::fail_at(name, "the symbol " + std::string(name.text) + " is defined twice");
        return nest_.add_symbol(role, std::string(name.text));
    }
    Dim dim() { return parse_dim(lexer_, symbols_); }
    std::vector<Dim> conditions() {
        std::vector<Dim> out;
        do {
            out.push_back(dim());
            lexer_.expect(">=");
            lexer_.expect("0");
        } while (lexer_.accept(","));
        return out;
    }
    std::vector<Dim> guards() { return lexer_.accept("if") ? conditions() : std::vector<Dim>(); }

    std::vector<Dtype> dtypes() {
        std::vector<Dtype> out;
        do out.push_back(parse_dtype(lexer_));
        while (lexer_.accept(","));
        return out;
    }

    using Number = std::pair<Token, std::int64_t>;
    Number value_number() {
        const Token token = lexer_.peek();
        const std::string_view digits = lexer_.expect_value("a value's number");
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc{} || end != digits.data() + digits.size())
            Lexer::fail_at(token, "a value is called by a number, not " + std::string(token.text));
        return {token, number};
    }
    ValueId use() {
        const auto [token, number] = value_number();
        const auto at = values_.find(number);
        if (at == values_.end()) Lexer::fail_at(token, "the value " + std::string(token.text) + " is not defined here");
        return at->second;
    }
    std::vector<ValueId> uses() {
        std::vector<ValueId> out;
        do out.push_back(use());
        while (lexer_.accept(","));
        return out;
    }
    ValueId define(const Number& value, Dtype d) {
        const ValueId v = nest_.add_value(d);
        if (!values_.emplace(value.second, v).second)
            Lexer::fail_at(value.first, "the value " + std::string(value.first.text) + " is defined twice");
        return v;
    }
    std::vector<ValueId> define(const std::vector<Number>& values, const std::vector<Dtype>& types) {
        if (values.size() != types.size()) lexer_.fail("as many dtypes as results are needed");
        std::vector<ValueId> out;
        for (std::size_t i = 0; i < values.size(); ++i) out.push_back(define(values[i], types[i]));
        return out;
    }

    BufferId buffer() {
        const Token token = lexer_.peek();
        const auto at = buffers_.find(lexer_.expect_word("a buffer"));
        if (at == buffers_.end()) Lexer::fail_at(token, "unknown buffer '" + std::string(token.text) + "'");
        return at->second;
    }

    static const OpDef& op(const Token& token, std::string_view name) {
        const OpDef* row = find_op(name);
        if (row == nullptr) Lexer::fail_at(token, "there is no op " + std::string(name));
        return *row;
    }
    const OpDef& op() {
        const Token token = lexer_.peek();
        return op(token, lexer_.expect_word("an op"));
    }

    // ---- statements

    bool buffer_declaration() {
        BufferRole role = BufferRole::input;
        if (lexer_.accept("in"))
            role = BufferRole::input;
        else if (lexer_.accept("out"))
            role = BufferRole::output;
        else if (lexer_.accept("scratch"))
            role = BufferRole::scratch;
        else
            return false;
        const Token token = lexer_.peek();
        const std::string name(lexer_.expect_word("a buffer"));
        lexer_.expect(":");
        const BufferId b = nest_.add_buffer({name, role, parse_type(lexer_, symbols_)});
        if (!buffers_.emplace(name, b).second) Lexer::fail_at(token, "the buffer " + name + " is declared twice");
        lexer_.end_of_line();
        return true;
    }

    // Statements up to the closing brace, from the current line on. `fold` receives the elements of a reduction.
    void statements(Statements& into, std::vector<ValueId>* fold, int depth) {
        if (depth > max_nesting) lexer_.fail("loops are nested too deeply");
        while (!lexer_.accept("}")) {
            if (fold != nullptr && lexer_.accept("fold")) {
                *fold = uses();
                lexer_.end_of_line();
                next_line();
                lexer_.expect("}");
                break;
            }
            statement(into, depth);
            next_line();
        }
        lexer_.end_of_line();
    }

    void body(Statements& into, std::vector<ValueId>* fold, int depth) {
        lexer_.expect("{");
        lexer_.end_of_line();
        next_line();
        statements(into, fold, depth + 1);
    }

    void statement(Statements& into, int depth) {
        if (lexer_.is(Token::Kind::value)) return assignment(into, depth);
        if (lexer_.accept("store")) {
            Store s;
            s.buffer = buffer();
            lexer_.expect("[");
            s.index = parse_dims(lexer_, symbols_, "]");
            lexer_.expect(",");
            s.value = use();
            s.streaming = lexer_.accept("streaming");
            s.guards = guards();
            into.push_back({std::move(s)});
        } else if (lexer_.accept("bind")) {
            BindIndex b;
            const Token name = symbol_name();
            lexer_.expect("=");
            b.value = use();
            lexer_.expect("in");
            b.bound = dim();
            lexer_.expect("at");
            b.position = dim();
            lexer_.expect("site");
            b.site =
                static_cast<std::int32_t>(lexer_.expect_integer("a site", 0, std::numeric_limits<std::int32_t>::max()));
            b.guards = guards();
            b.symbol = define_symbol(SymbolRole::loaded, name);
            into.push_back({std::move(b)});
        } else if (lexer_.accept("alloc")) {
            into.push_back({Alloc{buffer()}});
        } else {
            loop(into, depth);
            return;
        }
        lexer_.end_of_line();
    }

    int lanes() {
        return static_cast<int>(lexer_.expect_integer("a number of lanes", 1, std::numeric_limits<int>::max()));
    }

    void loop(Statements& into, int depth) {
        Loop l;
        if (lexer_.accept("serial"))
            l.kind = LoopKind::serial;
        else if (lexer_.accept("parallel"))
            l.kind = LoopKind::parallel;
        else if (lexer_.accept("unroll"))
            l.kind = LoopKind::unroll;
        else if (lexer_.accept("vector")) {
            l.kind = LoopKind::vector;
            lexer_.expect("(");
            l.width = lanes();
            lexer_.expect(")");
        } else {
            lexer_.fail_expecting("a statement");
        }
        const Token name = symbol_name();
        lexer_.expect("in");
        l.extent = dim();
        if (lexer_.accept("step")) l.step = lexer_.expect_integer("a step");
        if (lexer_.accept("only")) l.only = dim();
        l.var = define_symbol(SymbolRole::loop, name);
        body(l.body, nullptr, depth);
        into.push_back({std::move(l)});
    }

    void assignment(Statements& into, int depth) {
        std::vector<Number> ids;
        do ids.push_back(value_number());
        while (lexer_.accept(","));
        lexer_.expect("=");
        const auto single = [&](Dtype d) {
            if (ids.size() != 1) lexer_.fail("this statement has one result");
            return define(ids[0], d);
        };
        if (lexer_.accept("load")) {
            Load l;
            l.buffer = buffer();
            lexer_.expect("[");
            l.index = parse_dims(lexer_, symbols_, "]");
            l.guards = guards();
            l.result = single(nest_.buffers[static_cast<std::size_t>(l.buffer)].type.dtype);
            into.push_back({std::move(l)});
        } else if (lexer_.accept("constant")) {
            Constant c;
            c.bits = lexer_.expect_bits();
            lexer_.expect(":");
            c.result = single(parse_dtype(lexer_));
            into.push_back({c});
        } else if (lexer_.accept("index")) {
            const Dim index = dim();
            into.push_back({IndexValue{single(Dtype::i64), index}});
        } else if (lexer_.accept("condition")) {
            std::vector<Dim> all = conditions();
            into.push_back({Condition{single(Dtype::boolean), std::move(all)}});
        } else if (lexer_.accept("reduce")) {
            return reduce(into, ids, depth);
        } else {
            compute(into, ids);
        }
        lexer_.end_of_line();
    }

    void compute(Statements& into, const std::vector<Number>& ids) {
        static constexpr std::string_view parts[] = {"init", "step", "combine", "finish"};
        Compute c;
        const Token token = lexer_.peek();
        std::string_view op_name = lexer_.expect_word("an op");
        if (const std::size_t dot = op_name.rfind('.'); dot != std::string_view::npos)
            for (std::size_t p = 0; p < std::size(parts); ++p)
                if (op_name.substr(dot + 1) == parts[p]) {
                    c.part = static_cast<ComputePart>(p + 1);
                    op_name = op_name.substr(0, dot);
                    break;
                }
        c.op = &op(token, op_name);
        lexer_.expect("(");
        if (!lexer_.accept(")")) {
            c.operands = uses();
            lexer_.expect(")");
        }
        c.attributes = attributes(*c.op, c.part != ComputePart::scalar);
        if (lexer_.accept("of")) c.elements = dtypes();
        lexer_.expect(":");
        c.results = define(ids, dtypes());
        into.push_back({std::move(c)});
    }

    // Of a reducer: what it sees.
    Attributes attributes(const OpDef& op, bool of_reducer) {
        if (!lexer_.is("{")) return {};
        return parse_attributes(lexer_, op.name, op.attributes, {}, symbols_, of_reducer ? reaches_scalars : nullptr);
    }

    void reduce(Statements& into, const std::vector<Number>& ids, int depth) {
        Reduce r;
        r.op = &op();
        r.attributes = attributes(*r.op, true);
        lexer_.expect("of");
        r.elements = dtypes();
        lexer_.expect("over");
        const Token name = symbol_name();
        lexer_.expect("in");
        r.extent = dim();
        lexer_.expect("lanes");
        r.lanes = lexer_.expect_integer("a number of lanes");
        lexer_.expect("block");
        r.block = lexer_.expect_integer("the size of a block");
        if (lexer_.accept("width")) r.width = lanes();
        if (lexer_.accept("base")) r.index_base = dim();
        r.merges = lexer_.accept("merging");
        r.finish = !lexer_.accept("partial");
        lexer_.expect(":");
        const std::vector<Dtype> types = dtypes();
        r.var = define_symbol(SymbolRole::loop, name);
        body(r.body, &r.element, depth);
        r.results = define(ids, types);
        into.push_back({std::move(r)});
    }

    Lexer& lexer_;
    LoopNest nest_;
    SymbolTable symbols_;
    std::map<std::string, BufferId, std::less<>> buffers_;
    std::map<std::int64_t, ValueId> values_;
};

}  // namespace

LoopNest parse_loop_nest(Lexer& lexer) { return Parser(lexer).run(); }

LoopNest parse_loop_nest(std::string_view text, std::string_view file) {
    std::vector<LoopNest> nests = parse_loop_nests(text, file);
    if (nests.size() != 1) throw FormatError(std::string(file) + ": text after the end of the kernel");
    return std::move(nests[0]);
}

std::vector<LoopNest> parse_loop_nests(std::string_view text, std::string_view file) {
    Lexer lexer(text, file);
    try {
        std::vector<LoopNest> nests;
        lexer.first_line();
        do nests.push_back(parse_loop_nest(lexer));
        while (lexer.next_line());
        return nests;
    } catch (const TextFault& fault) {
        throw FormatError(lexer.message(fault));
    }
}

}  // namespace lathe::ir
