#include "tools/lathe/lir.h"

#include <algorithm>
#include <string_view>

#include "frontend/read_file.h"
#include "ir/error.h"
#include "ir/graph_text.h"
#include "ir/loops_text.h"

namespace lathe::tools {
namespace {

// The text from its first character that is neither blank nor in a comment.
std::string_view first_statement(std::string_view text) {
    for (;;) {
        const std::size_t begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return {};
        text.remove_prefix(begin);
        if (!text.starts_with("//")) return text;
        text.remove_prefix(std::min(text.find('\n'), text.size()));
    }
}

}  // namespace

Lir parse_lir(std::string_view text, const std::string& path) {
    const std::string_view statement = first_statement(text);
    if (statement.empty()) throw FormatError(path + ": is empty");
    // A graph is "graph NAME(...)", a loop nest "NAME(...)".
    if (statement.starts_with("graph ")) return ir::parse_graph(text, path);
    return ir::parse_loop_nests(text, path);
}

Lir read_lir(const std::string& path) { return parse_lir(read_file(path), path); }

}  // namespace lathe::tools
