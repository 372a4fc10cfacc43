// Text of loop nests, and their canonical form. Whoever reads one checks it and runs it (verify.h, interpret.h).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/loops/loops.h"
#include "ir/text/lexer.h"

namespace lathe::ir {

// The nest with symbols, values and scratch buffers numbered in order of definition, and names that are valid and
// distinct. Nests that differ only in numbering have equal canonical forms; `anonymous` also replaces all names, so
// that nests that differ only in names do (the key of a kernel).
enum class Names : std::uint8_t { keep, anonymous };
LoopNest canonical(const LoopNest& nest, Names names = Names::keep);

std::string print(const LoopNest& nest);  // of the canonical form
// Throws FormatError: "file:line:column: why", and the line.
LoopNest parse_loop_nest(std::string_view text, std::string_view file);
std::vector<LoopNest> parse_loop_nests(std::string_view text, std::string_view file);  // one or more
// One within another text, from its first line to its last; throws TextFault.
LoopNest parse_loop_nest(Lexer& lexer);

}  // namespace lathe::ir
