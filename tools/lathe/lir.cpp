#include "tools/lathe/lir.h"

#include <algorithm>
#include <string_view>

#include "frontend/formats/file_kind.h"
#include "frontend/formats/read_file.h"
#include "ir/ascii.h"
#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"

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

// "NAME(", as far as it goes.
bool begins_kernel(std::string_view statement) {
    const auto is_word = [](char c) { return ir::is_alphanumeric(c) || c == '_' || c == '.'; };
    const auto end = std::ranges::find_if_not(statement, is_word);
    return end != statement.begin() && !ir::is_digit(statement[0]) && end != statement.end() && *end == '(';
}

}  // namespace

Lir parse_lir(std::string_view text, const std::string& path) {
    const std::string_view statement = first_statement(text);
    if (text.empty()) throw FormatError(path + ": is empty");
    // A graph is "graph NAME(...)", a program "program NAME(...)", a loop nest "NAME(...)".
    if (statement.starts_with("graph ")) return ir::parse_graph(text, path);
    if (statement.starts_with("program ")) return ir::parse_program(text, path);
    // What is called a .lir text and may be one is shown its first fault.
    const bool meant = path.ends_with(".lir") && kind_of_file(text) == other_text;
    if (!begins_kernel(statement) && !meant)
        throw FormatError(
            path + ": looks like " + kind_of_file(text) +
            "; what is understood are models (.lathe, .onnx), and graphs, programs and kernels as text (.lir)");
    return ir::parse_loop_nests(text, path);
}

void require_sound(const ir::Program& program, const std::string& path) {
    std::string text;
    for (const std::string& fault : ir::verify(program)) text += (text.empty() ? "" : "\n") + path + ": " + fault;
    if (!text.empty()) throw FormatError(text);
}

Lir read_lir(const std::string& path) { return parse_lir(read_file(path), path); }

}  // namespace lathe::tools
