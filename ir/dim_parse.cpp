
#include "ir/ascii.h"
#include "ir/dim.h"

namespace lathe::ir {

namespace {

using Resolve = std::function<std::optional<Symbol>(std::string_view)>;

// Recursive descent; `depth` bounds the recursion, whatever the text.
class DimParser {
public:
    DimParser(std::string_view text, const Resolve& resolve, std::string& why)
        : text_(text), resolve_(resolve), why_(why) {}

    std::optional<Dim> sum(int depth) {
        if (depth > 64) return fail("index expression is nested too deeply");
        std::optional<Dim> value;
        bool negative = accept('-');
        while (true) {
            std::optional<Dim> term = product(depth);
            if (!term) return std::nullopt;
            if (negative) term = *term * -1;
            value = value ? *value + *term : *term;
            if (accept('+'))
                negative = false;
            else if (accept('-'))
                negative = true;
            else
                return value;
        }
    }

    std::string_view rest() const { return text_; }

private:
    std::optional<Dim> fail(std::string why) {
        why_ = std::move(why);
        return std::nullopt;
    }

    void skip_space() {
        while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t')) text_.remove_prefix(1);
    }

    bool accept(char c) {
        const std::string_view before = text_;
        skip_space();
        if (!text_.empty() && text_[0] == c) {
            text_.remove_prefix(1);
            return true;
        }
        text_ = before;
        return false;
    }

    std::optional<Dim> product(int depth) {
        std::optional<Dim> value = factor(depth);
        while (value && accept('*')) {
            const std::optional<Dim> next = factor(depth);
            if (!next) return std::nullopt;
            value = *value * *next;
        }
        return value;
    }

    std::optional<Dim> factor(int depth) {
        skip_space();
        if (accept('(')) {
            const auto value = sum(depth + 1);
            if (value && !accept(')')) return fail("expected ')'");
            return value;
        }
        if (!text_.empty() && is_digit(text_[0])) return number();
        std::string_view text = text_;
        const bool marked = !text.empty() && text[0] == '%';
        if (marked) text.remove_prefix(1);
        std::size_t n = 0;
        while (n < text.size() && (is_alphanumeric(text[n]) || text[n] == '_' || text[n] == '.')) ++n;
        if (n == 0 || is_digit(text[0])) return fail("expected a number, a symbol or a function of them");
        const std::string_view word = text.substr(0, n);
        text.remove_prefix(n);
        if (!marked && text.starts_with('(')) {
            using Function = Dim (*)(Dim, Dim);
            const Function function = word == "floordiv" ? Function(floordiv)
                                      : word == "mod"    ? Function(mod)
                                      : word == "min"    ? Function(min)
                                      : word == "max"    ? Function(max)
                                                         : nullptr;
            if (function == nullptr) return fail("unknown function '" + std::string(word) + "'");
            text_ = text.substr(1);
            const auto a = sum(depth + 1);
            if (!a) return a;
            if (!accept(',')) return fail("expected ','");
            const auto b = sum(depth + 1);
            if (!b) return b;
            if (!accept(')')) return fail("expected ')'");
            return function(*a, *b);
        }
        const auto symbol = resolve_(word);
        if (!symbol) return fail("unknown symbol '" + std::string(word) + "'");
        text_ = text;
        return Dim::symbol(*symbol);
    }

    std::optional<Dim> number() {
        std::int64_t value = 0;
        std::size_t n = 0;
        for (; n < text_.size() && is_digit(text_[n]); ++n)
            if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text_[n] - '0', &value) ||
                value >= std::int64_t{1} << 62)
                return fail("number is too large");
        text_.remove_prefix(n);
        return Dim(value);
    }

    std::string_view text_;
    const Resolve& resolve_;
    std::string& why_;
};

}  // namespace

std::optional<Dim> parse_dim(std::string_view& text, const Resolve& symbol, std::string& why) {
    DimParser parser(text, symbol, why);
    const auto value = parser.sum(0);
    text = parser.rest();
    return value;
}

}  // namespace lathe::ir
