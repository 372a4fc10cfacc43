// Texts, to learn from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "frontend/tensor/where.h"

namespace lathe {

// The bytes of a text in UTF-8, without the mark that may begin it. A gzip-compressed file is unpacked. Throws
// FormatError naming the path and the byte where it is no UTF-8.
std::string read_text(const std::string& path, Where where = Where::current());

// The same by lines, without their ends, "\n" or "\r\n".
std::vector<std::string> read_lines(const std::string& path, Where where = Where::current());

}  // namespace lathe
