#include "tools/lathe/lir.h"

#include <string_view>

#include "frontend/read_file.h"
#include "ir/error.h"
#include "ir/graph_text.h"
#include "ir/loops_text.h"

namespace lathe::tools {
namespace {

// The first word that is not in a comment.
std::string_view first_word(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    for (;;) {
        const std::size_t begin = text.find_first_not_of(blanks);
        if (begin == std::string_view::npos) return {};
        text.remove_prefix(begin);
        if (!text.starts_with("//")) return text.substr(0, text.find_first_of(" \t\r\n({"));
        text.remove_prefix(std::min(text.find('\n'), text.size()));
    }
}

}  // namespace

Lir read_lir(const std::string& path) {
    const std::string text = read_file(path);
    const std::string_view word = first_word(text);
    if (word.empty()) throw FormatError(path + ": is empty");
    if (word == "kernel") return ir::parse_loop_nest(text, path);
    if (word == "graph") return ir::parse_graph(text, path);
    throw FormatError(path + ":1: 'graph' or 'kernel' is expected");
}

}  // namespace lathe::tools
