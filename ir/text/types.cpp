#include "ir/text/types.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "ir/error.h"

namespace lathe::ir {
namespace {

// A Dim is nested no deeper than that either.
constexpr int max_nesting = 128;

struct DimFunction {
    std::string_view name;
    Dim (*apply)(Dim, Dim);
};
constexpr DimFunction functions[] = {{"floordiv", floordiv}, {"mod", mod}, {"min", min}, {"max", max}};

// Recursive descent; `depth` bounds the recursion, whatever the text.
class DimParser {
public:
    DimParser(Lexer& lexer, const SymbolTable& symbols) : lexer_(lexer), symbols_(symbols) {}

    Dim sum(int depth) {
        if (depth > max_nesting) lexer_.fail("the index expression is nested too deeply");
        bool negative = lexer_.accept("-");
        Dim value = 0;
        while (true) {
            const Dim term = product(depth);
            value = negative ? value - term : value + term;
            negative = lexer_.is("-");
            if (!lexer_.accept("-") && !lexer_.accept("+")) return value;
        }
    }

private:
    Dim product(int depth) {
        Dim value = factor(depth);
        while (lexer_.accept("*")) value *= factor(depth);
        return value;
    }

    Dim factor(int depth) {
        if (lexer_.accept("(")) {
            const Dim value = sum(depth + 1);
            lexer_.expect(")");
            return value;
        }
        if (lexer_.is(Token::Kind::number)) return number();
        const Token token = lexer_.peek();
        std::string_view name = token.text;
        if (lexer_.is(Token::Kind::value))
            name.remove_prefix(1);
        else if (!lexer_.is(Token::Kind::word))
            lexer_.fail_expecting("a number, a symbol or a function of them");
        lexer_.next();
        if (token.kind == Token::Kind::word && lexer_.is("(")) return call(token, depth);
        const auto symbol = symbols_.find(name);
        if (!symbol) Lexer::fail_at(token, "unknown symbol '" + std::string(name) + "'");
        return Dim::symbol(*symbol);
    }

    Dim call(const Token& name, int depth) {
        const auto* const function = std::ranges::find(functions, name.text, &DimFunction::name);
        if (function == std::end(functions)) Lexer::fail_at(name, "unknown function '" + std::string(name.text) + "'");
        lexer_.expect("(");
        const Dim a = sum(depth + 1);
        lexer_.expect(",");
        const Dim b = sum(depth + 1);
        lexer_.expect(")");
        return function->apply(a, b);
    }

    Dim number() {
        const Token token = lexer_.next();
        std::int64_t value = 0;
        const char* const end = token.text.data() + token.text.size();
        const auto [behind, error] = std::from_chars(token.text.data(), end, value);
        if (behind != end) Lexer::fail_at(token, "'" + std::string(token.text.substr(0, 40)) + "' is no integer");
        if (error != std::errc{} || value > Dim::greatest) Lexer::fail_at(token, "the number is too large");
        return value;
    }

    Lexer& lexer_;
    const SymbolTable& symbols_;
};

}  // namespace

std::optional<Symbol> SymbolTable::add(std::string_view name) {
    const auto [at, fresh] = symbols_.try_emplace(std::string(name), static_cast<Symbol>(symbols_.size()));
    return fresh ? std::optional(at->second) : std::nullopt;
}

std::optional<Symbol> SymbolTable::find(std::string_view name) const {
    const auto at = symbols_.find(name);
    return at == symbols_.end() ? std::nullopt : std::optional(at->second);
}

bool is_dim_function(std::string_view name) {
    return std::ranges::find(functions, name, &DimFunction::name) != std::end(functions);
}

Dim parse_dim(Lexer& lexer, const SymbolTable& symbols) {
    const Token first = lexer.peek();
    try {
        return DimParser(lexer, symbols).sum(0);
    } catch (const Error& e) {  // an expression that Dim does not hold
        Lexer::fail_at(first, e.message());
    }
}

std::vector<Dim> parse_dims(Lexer& lexer, const SymbolTable& symbols, std::string_view close) {
    std::vector<Dim> out;
    if (lexer.accept(close)) return out;
    do out.push_back(parse_dim(lexer, symbols));
    while (lexer.accept(","));
    lexer.expect(close);
    return out;
}

Dtype parse_dtype(Lexer& lexer) {
    const Token token = lexer.peek();
    const std::string_view name = lexer.expect_word("a dtype");
    const auto result = parse_dtype(name);
    if (!result) Lexer::fail_at(token, "there is no dtype " + std::string(name));
    return *result;
}

Shape parse_shape(Lexer& lexer, const SymbolTable& symbols) {
    const Token open = lexer.peek();
    lexer.expect("[");
    const std::vector<Dim> dims = parse_dims(lexer, symbols, "]");
    if (dims.size() > max_rank) Lexer::fail_at(open, "more than " + std::to_string(max_rank) + " dimensions");
    return Shape(std::span<const Dim>(dims));
}

Type parse_type(Lexer& lexer, const SymbolTable& symbols) {
    const Dtype dtype = parse_dtype(lexer);
    const Token open = lexer.peek();
    const Type type{dtype, parse_shape(lexer, symbols)};
    for (const Dim extent : type.shape)
        if (extent.is_constant() && extent.constant() < 0) Lexer::fail_at(open, "an extent is negative");
    return type;
}

}  // namespace lathe::ir
