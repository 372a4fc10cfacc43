#include "ir/text/lexer.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"

namespace lathe::ir {
namespace {

std::vector<std::string> tokens(std::string_view text) {
    std::vector<std::string> out;
    for (Lexer lexer(text, "t"); !lexer.is(Token::Kind::end);) out.emplace_back(lexer.next().text);
    return out;
}

// What a parser throws, as its user sees it.
template <class F>
std::string fault_of(std::string_view text, F&& parse) {
    Lexer lexer(text, "t.lir");
    try {
        parse(lexer);
    } catch (const TextFault& fault) {
        return lexer.message(fault);
    }
    return {};
}

TEST(Lexer, CutsTextIntoTokens) {
    using Tokens = std::vector<std::string>;
    EXPECT_EQ(tokens("%1 = sum.step(%n) -> @12 // and so on\n}"),
              (Tokens{"%1", "=", "sum.step", "(", "%n", ")", "->", "@12", "\n", "}"}));
    EXPECT_EQ(tokens("-1.5e-10 0xe-1 2*e-3 1e5x"),
              (Tokens{"-", "1.5e-10", "0xe", "-", "1", "2", "*", "e", "-", "3", "1e5x"}));
    EXPECT_EQ(tokens("\"a \\\" // b\" == >= <- % @"), (Tokens{"\"a \\\" // b\"", "==", ">=", "<-", "%", "@"}));
    EXPECT_EQ(tokens("\"open\n\"shut\""), (Tokens{"\"open", "\n", "\"shut\""}));
    EXPECT_EQ(tokens("\"\\\n"), (Tokens{"\"\\", "\n"}));
}

TEST(Lexer, KnowsLinesAndColumns) {
    Lexer lexer("\n// only a comment\n  one two\n\n three", "t");
    ASSERT_TRUE(lexer.first_line());
    EXPECT_EQ(lexer.peek().line, 3U);
    EXPECT_EQ(lexer.message({"why", lexer.peek().at}), "t:3:3: why\n      one two\n      ^");
    lexer.next();
    EXPECT_THROW(lexer.end_of_line(), TextFault);
    ASSERT_TRUE(lexer.next_line());
    EXPECT_EQ(lexer.here().to_string(), "t:5");
    lexer.next();
    lexer.end_of_line();
    EXPECT_FALSE(lexer.next_line());
}

TEST(Lexer, ShowsAPartOfALongLine) {
    const std::string line = std::string(500, 'a') + " b " + std::string(500, 'c');
    const std::string shown = fault_of(line, [](Lexer& l) { l.next(), l.expect("x"); });
    EXPECT_EQ(shown.substr(0, 32), "t.lir:1:502: expected 'x', not '");
    EXPECT_LT(shown.size(), 400U);
    EXPECT_NE(shown.find("\n    ..."), std::string::npos);
}

TEST(Lexer, TextsInQuotesReadBack) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    const std::string text = in_quotes(all);
    EXPECT_EQ(Lexer(text, "t").expect_string(), all);
    EXPECT_EQ(in_quotes_unless_word("a_1.b"), "a_1.b");
    EXPECT_EQ(in_quotes_unless_word("1a"), "\"1a\"");
    EXPECT_EQ(in_quotes_unless_word(""), "\"\"");
    for (std::string_view bad : {"\"a", "\"\\n\"", "\"\\x1\"", "\"\\xfg\"", "\"\\", "word"})
        EXPECT_THROW(Lexer(bad, "t").expect_string(), TextFault) << bad;
}

TEST(Lexer, IntegersHaveALimit) {
    const auto integer = [](std::string_view text) { return Lexer(text, "t").expect_integer("a number"); };
    EXPECT_EQ(integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    for (std::string_view bad :
         {"9223372036854775808", "-9223372036854775809", "1.5", "x", "-", "- x", "99999999999999999999999"})
        EXPECT_THROW(integer(bad), TextFault) << bad;
    EXPECT_THROW(Lexer("8", "t").expect_integer("a number", 0, 7), TextFault);
}

TEST(Lexer, HostileTextsEndInAFault) {
    // Long, deep or without an end: in a time and on a stack that do not depend on how.
    constexpr std::size_t n = 2'000'000;
    for (const std::string& text :
         {std::string(n, '('), std::string(n, '"'), std::string(n, '%'), std::string(n, '\n'), std::string(n, '/'),
          std::string(n, '\\'), std::string(n, '9'), "graph " + std::string(n, 'a'), "graph g(" + std::string(n, ','),
          "graph g() {\n %0 = neg(" + std::string(n, '('), "graph g() {\n" + std::string(n, '%'),
          "k(" + std::string(n, '%'), std::string(n, '-'), std::string(n, '\0')}) {
        EXPECT_THROW(parse_graph(text, "t.lir"), FormatError) << text.substr(0, 20);
        EXPECT_THROW(parse_loop_nest(text, "t.lir"), FormatError) << text.substr(0, 20);
    }
}

}  // namespace
}  // namespace lathe::ir
