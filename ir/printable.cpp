#include "ir/printable.h"

#include <algorithm>
#include <cstdint>

#include "ir/ascii.h"

namespace lathe::ir {
namespace {

struct Range {
    std::uint32_t first, last;
};
// What does not show, or changes how the rest shows: controls, marks of direction and of byte order, private use.
constexpr Range hidden[] = {{0x80, 0x9f},     {0xad, 0xad},     {0x200b, 0x200f}, {0x2028, 0x202e},
                            {0x2060, 0x206f}, {0xd800, 0xf8ff}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}};

// The length of the character that the text begins with; 0 where it is no sound UTF-8, or hidden.
std::size_t character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || text.size() < length) return 0;
    std::uint32_t point = lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return 0;
        point = point << 6 | (byte(i) & 0x3fU);
    }
    const std::uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    const bool is_hidden =
        std::ranges::any_of(hidden, [&](const Range& r) { return point >= r.first && point <= r.last; });
    return point < least || point > 0x10ffff || is_hidden ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const char c = text[0];
        std::size_t length = is_printable(c) || c == '\n' || c == '\t' ? 1 : character(text);
        if (length > 0) {
            out += text.substr(0, length);
        } else {
            length = 1;
            const auto byte = static_cast<unsigned char>(c);
            out += std::string("\\x") + digits[byte >> 4] + digits[byte & 15U];
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string printable_line(std::string_view text) {
    std::string out = printable(text);
    for (std::size_t at = out.find('\n'); at != std::string::npos; at = out.find('\n', at)) out.replace(at, 1, "\\x0a");
    return out;
}

std::string clipped(std::string text) {
    constexpr std::size_t longest = 200;
    if (text.size() > longest) text.replace(longest, text.size() - longest, "...");
    return text;
}

}  // namespace lathe::ir
