// The lexer of all text forms: graphs, loop nests and programs are read through it, line by line.
//
//   word     batch  f32  argmax.step         letters, digits, _ and . behind a letter or _
//   number   12  1.5e-10  0x7fc00001         unsigned: a sign is a mark of its own
//   string   "layer 1.\"w\"\x0a"
//   value    %12  %n                         a value or a symbol
//   buffer   @3                              so versions of ops are written, too
//   mark     ( ) [ ] { } , : = + - * # | == >= -> <-
//
// A // starts a comment, which ends with its line. Nothing here recurses or looks further than one token ahead, so that
// any text is read in linear time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ir/loc.h"

namespace lathe::ir {

struct Token {
    enum class Kind : std::uint8_t { end, line_end, word, number, string, value, buffer, mark };
    Kind kind = Kind::end;
    std::string_view text;   // as it stands in the text, with quotes, % and @
    std::size_t at = 0;      // where it begins
    std::uint32_t line = 1;  // of the text, from 1
};

// What is wrong with a text, and at which of its characters. Parsers catch it: it leaves none of them.
struct TextFault {
    std::string why;
    std::size_t at = 0;
};

class Lexer {
public:
    Lexer(std::string_view text, std::string_view file);

    std::string_view file() const { return file_; }
    const Token& peek() const { return token_; }
    Token next();
    Loc here() const { return Loc::of(file_, token_.line); }  // the line of the next token

    // ---- lines

    // To the first token of the text, or of the next line that has one. False at the end of the text.
    bool first_line();
    bool next_line();
    void skip_line();  // to the end of the line
    bool at_end_of_line() const { return token_.kind == Token::Kind::line_end || token_.kind == Token::Kind::end; }
    void end_of_line();

    // ---- tokens. The expect... throw TextFault where the next token is another one; `what` says what was wanted.

    bool is(std::string_view text) const { return token_.text == text && token_.kind != Token::Kind::end; }
    bool is(Token::Kind kind) const { return token_.kind == kind; }
    bool accept(std::string_view text);
    void expect(std::string_view text);
    std::string_view expect_word(std::string_view what);
    std::string_view expect_value(std::string_view what);  // without the %
    std::uint32_t expect_buffer(std::string_view what = "a buffer, as @0");
    std::int64_t expect_integer(std::string_view what);  // perhaps negative
    std::int64_t expect_integer(std::string_view what, std::int64_t least, std::int64_t greatest);
    std::uint64_t expect_bits();  // hexadecimal
    std::string expect_string();  // without quotes and escapes
    // An element of a tensor, with its sign: 1.5, -inf, true, 0x7fc00001.
    std::string_view expect_element();

    // ---- faults

    [[noreturn]] void fail(std::string why) const { fail_at(token_, std::move(why)); }
    [[noreturn]] static void fail_at(const Token& token, std::string why);
    // "expected WHAT, not 'x'"
    [[noreturn]] void fail_expecting(std::string_view what) const;
    // "file:3:8: why", the line and a mark below the character.
    std::string message(const TextFault& fault) const;

private:
    void read();

    std::string_view text_, file_;
    std::size_t at_ = 0;      // behind the next token
    std::uint32_t line_ = 1;  // there
    Token token_;             // the next one
};

// A text in quotes, as expect_string reads it.
std::string in_quotes(std::string_view text);
// In quotes where it is no word.
std::string in_quotes_unless_word(std::string_view text);

}  // namespace lathe::ir
