#include <charconv>
#include <map>

#include "ir/ascii.h"
#include "ir/loops/text.h"

namespace lathe::ir {

namespace {

constexpr int max_nesting = 64;

// Between two lines of a text.
struct Place {
    std::size_t at = 0, line = 0;
};

// One kernel. One statement per line; the cursor stands within the current line.
class Parser {
public:
    Parser(std::string_view text, std::string_view file, Place start)
        : text_(text), file_(file), at_(start.at), number_(start.line) {}

    LoopNest run() {
        next_line();
        nest_.name = identifier("the kernel's name");
        expect("(");
        if (!accept(")")) {
            do define_symbol(SymbolRole::extent, symbol_name());
            while (accept(","));
            expect(")");
        }
        expect("{");
        end_of_line();
        while (next_line(), buffer_declaration()) {
        }
        block(nest_.body, nullptr, 0);
        return std::move(nest_);
    }

    // Where the text goes on behind the kernel; its end where it does not.
    Place rest() {
        for (;;) {
            const Place here{at_, number_};
            if (!read_line()) return {text_.size(), number_};
            if (!line_.empty()) return here;
        }
    }

    [[noreturn]] void fail(const std::string& why) const {
        throw FormatError("loop nest: " + why, Loc::of(file_, static_cast<std::uint32_t>(number_)));
    }

private:
    // ---- lines and words

    bool read_line() {
        if (at_ >= text_.size()) {
            ++number_;
            return false;
        }
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        line_ = text_.substr(at_, end - at_);
        at_ = end + 1;
        ++number_;
        line_ = line_.substr(0, line_.find("//"));
        while (!line_.empty() && is_blank(line_.back())) line_.remove_suffix(1);
        skip_space();
        return true;
    }
    void next_line() {
        do {
            if (!read_line()) fail("the text ends before the kernel does");
        } while (line_.empty());
    }
    void skip_space() {
        while (!line_.empty() && is_blank(line_[0])) line_.remove_prefix(1);
    }
    static bool is_word(char c) { return is_alphanumeric(c) || c == '_' || c == '.'; }

    std::string_view peek_word() const {
        std::size_t n = 0;
        while (n < line_.size() && is_word(line_[n])) ++n;
        return line_.substr(0, n);
    }
    // Words match whole, punctuation matches as a prefix.
    bool accept(std::string_view token) {
        if (is_word(token[0]) ? peek_word() != token : !line_.starts_with(token)) return false;
        line_.remove_prefix(token.size());
        skip_space();
        return true;
    }
    void expect(std::string_view token) {
        if (!accept(token)) fail("expected '" + std::string(token) + "'" + found());
    }
    std::string found() const {
        return line_.empty() ? " at the end of the line" : ", found '" + std::string(line_.substr(0, 24)) + "'";
    }
    void end_of_line() {
        if (!line_.empty()) fail("unexpected '" + std::string(line_.substr(0, 24)) + "'");
    }
    std::string identifier(std::string_view what) {
        const std::string_view word = peek_word();
        if (word.empty() || is_digit(word[0])) fail("expected " + std::string(what) + found());
        line_.remove_prefix(word.size());
        skip_space();
        return std::string(word);
    }
    template <class T>
    T integer(std::string_view what) {
        T value{};
        const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), value);
        if (error != std::errc()) fail("expected " + std::string(what) + found());
        line_.remove_prefix(static_cast<std::size_t>(end - line_.data()));
        skip_space();
        return value;
    }
    std::uint64_t hexadecimal() {
        if (!line_.starts_with("0x")) fail("expected hexadecimal bits" + found());
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(line_.data() + 2, line_.data() + line_.size(), value, 16);
        if (error != std::errc()) fail("expected hexadecimal bits" + found());
        line_.remove_prefix(static_cast<std::size_t>(end - line_.data()));
        skip_space();
        return value;
    }

    // ---- names

    std::string symbol_name() {
        accept("%");
        return identifier("a symbol");
    }
    Symbol define_symbol(SymbolRole role, std::string name) {
        const Symbol s = nest_.add_symbol(role, name);
        if (!symbols_.emplace(std::move(name), s).second)
            fail("symbol '" + nest_.symbols[s].name + "' is defined twice");
        return s;
    }
    Dim dim() {
        std::string why;
        std::optional<Dim> d;
        try {
            d = parse_dim(
                line_,
                [this](std::string_view name) -> std::optional<Symbol> {
                    const auto at = symbols_.find(name);
                    if (at == symbols_.end()) return std::nullopt;
                    return at->second;
                },
                why);
        } catch (const Error& e) {
            fail(e.what());
        }
        if (!d) fail(why + found());
        skip_space();
        return *d;
    }
    std::vector<Dim> dims(std::string_view close) {
        std::vector<Dim> out;
        if (accept(close)) return out;
        do out.push_back(dim());
        while (accept(","));
        expect(close);
        return out;
    }
    std::vector<Dim> conditions() {
        std::vector<Dim> out;
        do {
            out.push_back(dim());
            expect(">=");
            if (integer<int>("0") != 0) fail("conditions compare with 0");
        } while (accept(","));
        return out;
    }
    std::vector<Dim> guards() { return accept("if") ? conditions() : std::vector<Dim>(); }

    Dtype dtype() {
        const std::string word = identifier("a dtype");
        const auto d = parse_dtype(word);
        if (!d) fail("unknown dtype '" + word + "'");
        return *d;
    }
    std::vector<Dtype> dtypes() {
        std::vector<Dtype> out;
        do out.push_back(dtype());
        while (accept(","));
        return out;
    }
    Type type() {
        Type t{dtype(), {}};
        expect("[");
        for (Dim d : dims("]")) {
            if (t.shape.rank() == max_rank) fail("more than " + std::to_string(max_rank) + " dimensions");
            t.shape.push_back(d);
        }
        return t;
    }

    std::int64_t value_number() {
        expect("%");
        return integer<std::int64_t>("a value's number");
    }
    ValueId use() {
        const std::int64_t id = value_number();
        const auto at = values_.find(id);
        if (at == values_.end()) fail("value %" + std::to_string(id) + " is not defined here");
        return at->second;
    }
    std::vector<ValueId> uses(std::string_view close) {
        std::vector<ValueId> out;
        if (!close.empty() && accept(close)) return out;
        do out.push_back(use());
        while (accept(","));
        if (!close.empty()) expect(close);
        return out;
    }
    ValueId define(std::int64_t id, Dtype d) {
        const ValueId v = nest_.add_value(d);
        if (!values_.emplace(id, v).second) fail("value %" + std::to_string(id) + " is defined twice");
        return v;
    }
    std::vector<ValueId> define(const std::vector<std::int64_t>& ids, const std::vector<Dtype>& types) {
        if (ids.size() != types.size()) fail("as many dtypes as results are needed");
        std::vector<ValueId> out;
        for (std::size_t i = 0; i < ids.size(); ++i) out.push_back(define(ids[i], types[i]));
        return out;
    }

    BufferId buffer() {
        const std::string name = identifier("a buffer");
        const auto at = buffers_.find(name);
        if (at == buffers_.end()) fail("unknown buffer '" + name + "'");
        return at->second;
    }

    const OpDef& op(std::string_view name) {
        const OpDef* row = find_op(name);
        if (row == nullptr) fail("unknown op '" + std::string(name) + "'");
        return *row;
    }

    // ---- statements

    bool buffer_declaration() {
        BufferRole role = BufferRole::input;
        if (accept("in"))
            role = BufferRole::input;
        else if (accept("out"))
            role = BufferRole::output;
        else if (accept("scratch"))
            role = BufferRole::scratch;
        else
            return false;
        std::string name = identifier("a buffer");
        expect(":");
        const BufferId b = nest_.add_buffer({name, role, type()});
        if (!buffers_.emplace(name, b).second) fail("buffer '" + name + "' is declared twice");
        end_of_line();
        return true;
    }

    // Statements up to the closing brace, from the current line on. `fold` receives the elements of a reduction.
    void block(Block& into, std::vector<ValueId>* fold, int depth) {
        if (depth > max_nesting) fail("loops are nested too deeply");
        while (!accept("}")) {
            if (fold != nullptr && accept("fold")) {
                *fold = uses("");
                end_of_line();
                next_line();
                expect("}");
                break;
            }
            statement(into, depth);
            next_line();
        }
        end_of_line();
    }

    void body(Block& into, std::vector<ValueId>* fold, int depth) {
        expect("{");
        end_of_line();
        next_line();
        block(into, fold, depth + 1);
    }

    void statement(Block& into, int depth) {
        if (line_.starts_with('%')) return assignment(into, depth);
        if (accept("store")) {
            Store s;
            s.buffer = buffer();
            expect("[");
            s.index = dims("]");
            expect(",");
            s.value = use();
            s.streaming = accept("streaming");
            s.guards = guards();
            into.push_back({std::move(s)});
        } else if (accept("bind")) {
            BindIndex b;
            std::string name = symbol_name();
            expect("=");
            b.value = use();
            expect("in");
            b.bound = dim();
            expect("at");
            b.position = dim();
            expect("site");
            b.site = integer<std::int32_t>("a number");
            b.guards = guards();
            b.symbol = define_symbol(SymbolRole::loaded, std::move(name));
            into.push_back({std::move(b)});
        } else if (accept("alloc")) {
            into.push_back({Alloc{buffer()}});
        } else {
            loop(into, depth);
            return;
        }
        end_of_line();
    }

    void loop(Block& into, int depth) {
        Loop l;
        if (accept("serial"))
            l.kind = LoopKind::serial;
        else if (accept("parallel"))
            l.kind = LoopKind::parallel;
        else if (accept("unroll"))
            l.kind = LoopKind::unroll;
        else if (accept("vector")) {
            l.kind = LoopKind::vector;
            expect("(");
            l.width = integer<int>("a number of lanes");
            expect(")");
        } else {
            fail("expected a statement" + found());
        }
        std::string name = symbol_name();
        expect("in");
        l.extent = dim();
        if (accept("step")) l.step = integer<std::int64_t>("a step");
        l.var = define_symbol(SymbolRole::loop, std::move(name));
        body(l.body, nullptr, depth);
        into.push_back({std::move(l)});
    }

    void assignment(Block& into, int depth) {
        std::vector<std::int64_t> ids;
        do ids.push_back(value_number());
        while (accept(","));
        expect("=");
        const auto single = [&](Dtype d) {
            if (ids.size() != 1) fail("this statement has one result");
            return define(ids[0], d);
        };
        if (accept("load")) {
            Load l;
            l.buffer = buffer();
            expect("[");
            l.index = dims("]");
            l.guards = guards();
            l.result = single(nest_.buffers[static_cast<std::size_t>(l.buffer)].type.dtype);
            into.push_back({std::move(l)});
        } else if (accept("constant")) {
            Constant c;
            c.bits = hexadecimal();
            expect(":");
            c.result = single(dtype());
            into.push_back({c});
        } else if (accept("index")) {
            const Dim index = dim();
            into.push_back({IndexValue{single(Dtype::i64), index}});
        } else if (accept("condition")) {
            std::vector<Dim> all = conditions();
            into.push_back({Condition{single(Dtype::boolean), std::move(all)}});
        } else if (accept("reduce")) {
            return reduce(into, ids, depth);
        } else {
            compute(into, ids);
        }
        end_of_line();
    }

    void compute(Block& into, const std::vector<std::int64_t>& ids) {
        static constexpr std::string_view parts[] = {"init", "step", "combine", "finish"};
        Compute c;
        const std::string word = identifier("an op");
        std::string_view op_name = word;
        if (const std::size_t dot = word.rfind('.'); dot != std::string::npos)
            for (std::size_t p = 0; p < std::size(parts); ++p)
                if (word.substr(dot + 1) == parts[p]) {
                    c.part = static_cast<ComputePart>(p + 1);
                    op_name = op_name.substr(0, dot);
                }
        c.op = &op(op_name);
        expect("(");
        c.operands = uses(")");
        c.attributes = attributes(*c.op, c.part != ComputePart::scalar);
        if (accept("of")) c.elements = dtypes();
        expect(":");
        c.results = define(ids, dtypes());
        into.push_back({std::move(c)});
    }

    // In the row's order. Of a reducer: what it sees, and blanks in the other places.
    Attributes attributes(const OpDef& op, bool of_reducer) {
        Attributes all;
        if (!accept("{")) return all;
        bool first = true;
        for (const AttributeDef& def : op.attributes) {
            if (of_reducer && !reaches_scalars(def.meaning)) {
                all.push_back(blank_of(def.kind()));
                continue;
            }
            if (!std::exchange(first, false) && !accept(",")) break;
            expect(def.name);
            expect("=");
            all.push_back(attribute(def.kind()));
        }
        if (accept(",")) fail("too many attributes");
        expect("}");
        return all;
    }

    void reduce(Block& into, const std::vector<std::int64_t>& ids, int depth) {
        Reduce r;
        r.op = &op(identifier("an op"));
        r.attributes = attributes(*r.op, true);
        expect("of");
        r.elements = dtypes();
        expect("over");
        std::string name = symbol_name();
        expect("in");
        r.extent = dim();
        expect("lanes");
        r.lanes = integer<std::int64_t>("a number of lanes");
        expect("block");
        r.block = integer<std::int64_t>("the size of a block");
        if (accept("width")) r.width = integer<int>("a number of lanes");
        if (accept("base")) r.index_base = dim();
        r.merges = accept("merging");
        r.finish = !accept("partial");
        expect(":");
        const std::vector<Dtype> types = dtypes();
        r.var = define_symbol(SymbolRole::loop, std::move(name));
        body(r.body, &r.element, depth);
        r.results = define(ids, types);
        into.push_back({std::move(r)});
    }

    Attribute attribute(AttributeKind kind) {
        switch (kind) {
            case AttributeKind::integer:
                return integer<std::int64_t>("an integer");
            case AttributeKind::integers: {
                Integers out;
                expect("[");
                if (accept("]")) return out;
                do out.push_back(integer<std::int64_t>("an integer"));
                while (accept(","));
                expect("]");
                return out;
            }
            case AttributeKind::dims: {
                expect("[");
                const std::vector<Dim> all = dims("]");
                if (all.size() > max_rank) fail("more than " + std::to_string(max_rank) + " dimensions");
                return Shape(std::span<const Dim>(all));
            }
            case AttributeKind::dtype:
                return dtype();
            case AttributeKind::boolean:
                if (accept("true")) return true;
                expect("false");
                return false;
            case AttributeKind::literal:
                return literal();
            case AttributeKind::text:
                return quoted();
            case AttributeKind::region:
                break;
        }
        fail("unknown kind of attribute");
    }

    Literal literal() {
        Literal out{type(), nullptr};
        const std::string_view digits = peek_word();
        if (!digits.starts_with("0x") || digits.size() % 2 != 0) fail("expected hexadecimal bytes" + found());
        std::vector<std::byte> bytes;
        for (std::size_t i = 2; i < digits.size(); i += 2) {
            unsigned value = 0;
            const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
            if (error != std::errc() || end != digits.data() + i + 2) fail("expected hexadecimal bytes" + found());
            bytes.push_back(static_cast<std::byte>(value));
        }
        line_.remove_prefix(digits.size());
        skip_space();
        out.bytes = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
        return out;
    }

    std::string quoted() {
        if (!line_.starts_with('"')) fail("expected a quoted text" + found());
        std::string out;
        std::size_t i = 1;
        for (; i < line_.size() && line_[i] != '"'; ++i) {
            if (line_[i] == '\\' && i + 1 < line_.size()) ++i;
            out += line_[i];
        }
        if (i >= line_.size()) fail("the quoted text does not end");
        line_.remove_prefix(i + 1);
        skip_space();
        return out;
    }

    std::string_view text_;
    std::string file_;
    std::size_t at_ = 0, number_ = 0;
    std::string_view line_;
    LoopNest nest_;
    std::map<std::string, Symbol, std::less<>> symbols_;
    std::map<std::string, BufferId, std::less<>> buffers_;
    std::map<std::int64_t, ValueId> values_;
};

}  // namespace

LoopNest parse_loop_nest(std::string_view text, std::string_view file) {
    Parser parser(text, file, {});
    LoopNest nest = parser.run();
    if (parser.rest().at < text.size()) parser.fail("text after the end of the kernel");
    return nest;
}

std::vector<LoopNest> parse_loop_nests(std::string_view text, std::string_view file) {
    std::vector<LoopNest> nests;
    Place place;
    do {
        Parser parser(text, file, place);
        nests.push_back(parser.run());
        place = parser.rest();
    } while (place.at < text.size());
    return nests;
}

}  // namespace lathe::ir
