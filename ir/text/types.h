// Index expressions, shapes and types, read. Dim and Type print themselves.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/text/lexer.h"
#include "ir/type.h"

namespace lathe::ir {

// Symbols by name, numbered in the order in which they were added.
class SymbolTable {
public:
    // Empty where the name is taken.
    std::optional<Symbol> add(std::string_view name);
    std::optional<Symbol> find(std::string_view name) const;

private:
    std::map<std::string, Symbol, std::less<>> symbols_;
};

// A symbol of that name has to be marked by %.
bool is_dim_function(std::string_view name);

// Integers, symbols (with or without a leading %), + - *, parentheses, floordiv(a, b), mod(a, b), min(a, b), max(a, b).
Dim parse_dim(Lexer& lexer, const SymbolTable& symbols);
// Those up to a closing mark, and the mark.
std::vector<Dim> parse_dims(Lexer& lexer, const SymbolTable& symbols, std::string_view close);

Dtype parse_dtype(Lexer& lexer);
Shape parse_shape(Lexer& lexer, const SymbolTable& symbols);  // [n, 3]
Type parse_type(Lexer& lexer, const SymbolTable& symbols);    // f32[n, 3]

}  // namespace lathe::ir
