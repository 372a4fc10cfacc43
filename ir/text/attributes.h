// Attributes as text, at every level: {axes = [1], dtype = f32, value = f32[2] [1, 2.5]}. Each is named as in its op's
// row; regions follow behind their node instead. A literal is its type and one element that stands for all, or all of
// them in brackets.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/attribute.h"
#include "ir/text/types.h"

namespace lathe::ir {

// Brief literals show their first elements and how many follow: for people, it does not parse.
enum class Literals : bool { whole, brief };

std::string print_literal(const Literal& literal, Literals literals = Literals::whole);
Literal parse_literal(Lexer& lexer);

std::string print_attribute(const Attribute& attribute, std::span<const std::string> symbols,
                            Literals literals = Literals::whole);

// Which attributes are meant; null: all.
using AttributeFilter = bool (*)(AttributeMeaning meaning);

// With a space in front; empty where there are none.
std::string print_attributes(std::span<const AttributeDef> defs, std::span<const Attribute> attributes,
                             std::span<const std::string> symbols, Literals literals = Literals::whole,
                             AttributeFilter filter = nullptr);
// In any order; what says nothing may be left out, over operands of these ranks. Regions stay empty. Those that the
// filter leaves out are blank.
Attributes parse_attributes(Lexer& lexer, std::string_view op, std::span<const AttributeDef> defs,
                            std::span<const std::size_t> ranks, const SymbolTable& symbols,
                            AttributeFilter filter = nullptr);

}  // namespace lathe::ir
