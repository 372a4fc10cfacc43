// Locations at the end of a line: loc("model.cpp":12), loc() where it is unknown, loc("a.cpp":1, "b.cpp":2) for
// several; code that was called from elsewhere has the path of modules that it is in, and the lines of the calls,
// innermost first: loc("attention.cpp":20 in "blocks.2.attention" at "block.cpp":31 at "train.cpp":115).
#pragma once

#include "ir/text/lexer.h"

namespace lathe::ir {

enum class Locs : bool { hide, show };

// With a space in front; empty where they are hidden.
std::string print_loc(Loc loc, Locs locs);
// Where none is written, the line of the text.
Loc parse_loc(Lexer& lexer);

}  // namespace lathe::ir
