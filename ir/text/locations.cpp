#include "ir/text/locations.h"

#include <limits>
#include <utility>
#include <vector>

namespace lathe::ir {
namespace {

std::string print_line(const Loc::Line& line) { return in_quotes(line.file) + ":" + std::to_string(line.line); }

Loc parse_line(Lexer& lexer, Loc::Context (*context)(Lexer&)) {
    const std::string file = lexer.expect_string();
    lexer.expect(":");
    const std::int64_t line = lexer.expect_integer("a line's number", 0, std::numeric_limits<std::uint32_t>::max());
    return Loc::of(file, static_cast<std::uint32_t>(line), context(lexer));
}

Loc::Context parse_context(Lexer& lexer) {
    const std::string path = lexer.accept("in") ? lexer.expect_string() : "";
    std::vector<Loc> callers;
    while (lexer.accept("at")) callers.push_back(parse_line(lexer, [](Lexer&) { return Loc::Context(); }));
    return Loc::context(path, callers);
}

}  // namespace

std::string print_loc(Loc loc, Locs locs) {
    if (locs == Locs::hide) return {};
    std::string out = " loc(";
    for (const Loc::Place& place : loc.places()) {
        out += (out.back() == '(' ? "" : ", ") + print_line(place.line);
        if (!place.path.empty()) out += " in " + in_quotes(place.path);
        for (const Loc::Line& caller : place.callers) out += " at " + print_line(caller);
    }
    return out + ")";
}

Loc parse_loc(Lexer& lexer) {
    const Loc here = lexer.here();
    if (!lexer.accept("loc")) return here;
    lexer.expect("(");
    std::vector<Loc> parts;
    if (!lexer.is(")")) {
        do parts.push_back(parse_line(lexer, parse_context));
        while (lexer.accept(","));
    }
    lexer.expect(")");
    return Loc::fused(parts);
}

}  // namespace lathe::ir
