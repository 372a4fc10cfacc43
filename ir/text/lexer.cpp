#include "ir/text/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "ir/ascii.h"

namespace lathe::ir {
namespace {

bool begins_word(char c) { return is_letter(c) || c == '_'; }
bool is_in_word(char c) { return is_alphanumeric(c) || c == '_' || c == '.'; }

constexpr std::array<std::string_view, 4> long_marks{"==", ">=", "->", "<-"};

// How many characters of the text belong to a word or a number from `begin` on.
std::size_t word_length(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_in_word) - text.begin());
}
std::size_t number_length(std::string_view text) {
    std::size_t n = word_length(text);
    // 1.5e-10 is one number, 0xe-1 a difference.
    const bool has_exponent = n >= 2 && !text.starts_with("0x") && (text[n - 1] == 'e' || text[n - 1] == 'E');
    if (has_exponent && n + 1 < text.size() && (text[n] == '+' || text[n] == '-') && is_digit(text[n + 1]))
        n += 1 + word_length(text.substr(n + 1));
    return n;
}
// Up to the closing quote; of a string without one, up to the end of its line.
std::size_t string_length(std::string_view text) {
    std::size_t n = 1;
    while (n < text.size() && text[n] != '"' && text[n] != '\n')
        n += text[n] == '\\' && n + 1 < text.size() && text[n + 1] != '\n' ? 2 : 1;
    return n < text.size() && text[n] == '"' ? n + 1 : n;
}

constexpr std::size_t shown = 40;  // characters of a token in a message

}  // namespace

Lexer::Lexer(std::string_view text, std::string_view file) : text_(text), file_(file) { read(); }

void Lexer::read() {
    while (at_ < text_.size() && text_[at_] != '\n' && is_blank(text_[at_])) ++at_;
    if (text_.substr(at_).starts_with("//")) at_ = std::min(text_.find('\n', at_), text_.size());
    token_ = {Token::Kind::end, {}, at_, line_};
    const std::string_view rest = text_.substr(at_);
    if (rest.empty()) return;
    const char c = rest[0];
    std::size_t length = 1;
    if (c == '\n') {
        token_.kind = Token::Kind::line_end;
        ++line_;
    } else if (begins_word(c)) {
        token_.kind = Token::Kind::word;
        length = word_length(rest);
    } else if (is_digit(c)) {
        token_.kind = Token::Kind::number;
        length = number_length(rest);
    } else if (c == '"') {
        token_.kind = Token::Kind::string;
        length = string_length(rest);
    } else if ((c == '%' || c == '@') && rest.size() > 1 && is_in_word(rest[1])) {
        token_.kind = c == '%' ? Token::Kind::value : Token::Kind::buffer;
        length = 1 + word_length(rest.substr(1));
    } else {
        token_.kind = Token::Kind::mark;
        for (const std::string_view mark : long_marks)
            if (rest.starts_with(mark)) length = mark.size();
    }
    token_.text = rest.substr(0, length);
    at_ += length;
}

Token Lexer::next() {
    const Token out = token_;
    read();
    return out;
}

bool Lexer::first_line() {
    while (token_.kind == Token::Kind::line_end) read();
    return token_.kind != Token::Kind::end;
}

bool Lexer::next_line() {
    skip_line();
    return first_line();
}

void Lexer::skip_line() {
    if (at_end_of_line()) return;
    at_ = std::min(text_.find('\n', token_.at), text_.size());
    read();
}

void Lexer::end_of_line() {
    if (!at_end_of_line()) fail_expecting("the end of the line");
}

bool Lexer::accept(std::string_view text) {
    if (!is(text)) return false;
    read();
    return true;
}

void Lexer::expect(std::string_view text) {
    if (!accept(text)) fail_expecting("'" + std::string(text) + "'");
}

std::string_view Lexer::expect_word(std::string_view what) {
    if (!is(Token::Kind::word)) fail_expecting(what);
    return next().text;
}

std::string_view Lexer::expect_value(std::string_view what) {
    if (!is(Token::Kind::value)) fail_expecting(what);
    return next().text.substr(1);
}

std::uint32_t Lexer::expect_buffer(std::string_view what) {
    std::uint32_t number = 0;
    const std::string_view text = token_.text;
    if (is(Token::Kind::buffer)) {
        const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
        if (error == std::errc{} && end == text.data() + text.size()) {
            read();
            return number;
        }
    }
    fail_expecting(what);
}

std::int64_t Lexer::expect_integer(std::string_view what) {
    return expect_integer(what, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

std::int64_t Lexer::expect_integer(std::string_view what, std::int64_t least, std::int64_t greatest) {
    const Token first = token_;
    const bool negative = accept("-");
    if (!is(Token::Kind::number)) {
        token_ = first;
        at_ = first.at + first.text.size();
        fail_expecting(what);
    }
    // With its sign: the least of all has no positive counterpart.
    const std::string_view digits = token_.text;
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (end != digits.data() + digits.size())
        fail_at(first, "expected " + std::string(what) + ", not '" + std::string(digits.substr(0, shown)) + "'");
    const std::uint64_t limit = std::uint64_t{1} << 63;
    const bool fits = error == std::errc{} && (negative ? size <= limit : size < limit);
    const auto value = static_cast<std::int64_t>(negative ? 0 - size : size);
    if (!fits || value < least || value > greatest) fail_at(first, std::string(what) + " is out of range");
    read();
    return value;
}

std::uint64_t Lexer::expect_bits() {
    const std::string_view text = token_.text;
    if (!is(Token::Kind::number) || !text.starts_with("0x")) fail_expecting("hexadecimal bits");
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) fail_expecting("hexadecimal bits");
    read();
    return value;
}

std::string Lexer::expect_string() {
    if (!is(Token::Kind::string)) fail_expecting("a text in quotes");
    const Token token = token_;
    std::string_view rest = token.text.substr(1);
    std::string out;
    while (true) {
        if (rest.empty()) fail_at(token, "a string without its closing quote");
        char c = rest[0];
        rest.remove_prefix(1);
        if (c == '"') break;
        if (c == '\\') {
            if (rest.empty()) fail_at(token, "a string without its closing quote");
            c = rest[0];
            rest.remove_prefix(1);
            if (c == 'x') {
                unsigned code = 0;
                const std::string_view digits = rest.substr(0, 2);
                const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
                if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2)
                    fail_at(token, "\\x wants two hexadecimal digits");
                c = static_cast<char>(code);
                rest.remove_prefix(2);
            } else if (c != '"' && c != '\\') {
                fail_at(token, "only \\\", \\\\ and \\x are known in strings");
            }
        }
        out += c;
    }
    read();
    return out;
}

std::string_view Lexer::expect_element() {
    const Token first = token_;
    if (accept("-") && token_.at != first.at + 1) fail_at(first, "expected an element, not '-'");
    if (!is(Token::Kind::number) && !is(Token::Kind::word)) fail_expecting("an element");
    const Token last = next();
    return text_.substr(first.at, last.at + last.text.size() - first.at);
}

void Lexer::fail_at(const Token& token, std::string why) { throw TextFault{std::move(why), token.at}; }

void Lexer::fail_expecting(std::string_view what) const {
    const std::string found = token_.kind == Token::Kind::end ? "the end of the text"
                              : token_.kind == Token::Kind::line_end
                                  ? "the end of the line"
                                  : "'" + std::string(token_.text.substr(0, shown)) + "'";
    fail("expected " + std::string(what) + ", not " + found);
}

std::string Lexer::message(const TextFault& fault) const {
    const std::string_view before = text_.substr(0, fault.at);
    const std::size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
    const std::size_t end = std::min(text_.find('\n', fault.at), text_.size());
    std::string out(file_);
    out += ":" + std::to_string(1 + std::ranges::count(before, '\n'));
    out += ":" + std::to_string(fault.at - begin + 1) + ": " + fault.why;
    // Of a long line, what is around the fault.
    constexpr std::size_t reach = 60;
    const std::size_t from = fault.at - begin > reach ? fault.at - reach : begin;
    const std::size_t to = std::min(end, fault.at + reach);
    std::string line, mark;
    for (std::size_t i = from; i < to; ++i) {
        const char c = text_[i];
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? ' ' : c;
        if (i < fault.at && (byte & 0xc0U) != 0x80) mark += ' ';  // one for each character of UTF-8
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (line.empty()) return out;
    return out + "\n    " + (from > begin ? "..." : "") + line + (to < end ? "..." : "") + "\n    " +
           (from > begin ? "   " : "") + mark + "^";
}

std::string in_quotes(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string in_quotes_unless_word(std::string_view text) {
    return !text.empty() && begins_word(text[0]) && word_length(text) == text.size() ? std::string(text)
                                                                                     : in_quotes(text);
}

}  // namespace lathe::ir
