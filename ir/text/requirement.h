// What a graph or a program demands of its extents: require batch == 2*n : "add: the shapes do not broadcast"
#pragma once

#include <span>
#include <string>

#include "ir/graph/graph.h"
#include "ir/text/locations.h"
#include "ir/text/types.h"

namespace lathe::ir {

// One line, without its end.
std::string print_requirement(const Precondition& requirement, std::span<const std::string> symbols, Locs locs);
// Behind the word.
Precondition parse_requirement(Lexer& lexer, const SymbolTable& symbols);

}  // namespace lathe::ir
