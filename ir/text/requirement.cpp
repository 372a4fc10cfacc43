#include "ir/text/requirement.h"

#include "ir/error.h"

namespace lathe::ir {

std::string print_requirement(const Precondition& requirement, std::span<const std::string> symbols, Locs locs) {
    return "require " + requirement.a.to_string(symbols) + " == " + requirement.b.to_string(symbols) + " : " +
           in_quotes(requirement.what) + print_loc(requirement.loc, locs);
}

Precondition parse_requirement(Lexer& lexer, const SymbolTable& symbols) {
    const Token first = lexer.peek();
    Precondition out;
    out.a = parse_dim(lexer, symbols);
    lexer.expect("==");
    out.b = parse_dim(lexer, symbols);
    lexer.expect(":");
    out.what = lexer.expect_string();
    out.loc = parse_loc(lexer);
    lexer.end_of_line();
    bool decided = out.a == out.b;
    try {
        decided = decided || (out.a - out.b).is_constant();
    } catch (const Error& e) {
        Lexer::fail_at(first, e.message());
    }
    if (decided) Lexer::fail_at(first, "the requirement always holds, or never");
    return out;
}

}  // namespace lathe::ir
