// Texts from outside in messages: what a terminal would not print, or would obey, is written as \xNN.
#pragma once

#include <string>
#include <string_view>

namespace lathe::ir {

// Keeps lines, and what is sound UTF-8 and visible.
std::string printable(std::string_view text);
// The same for names, which are a part of a line.
std::string printable_line(std::string_view text);
// The start of what may be of any length, as extents that are expressions.
std::string clipped(std::string text);

}  // namespace lathe::ir
