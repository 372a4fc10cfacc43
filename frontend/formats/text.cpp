#include "frontend/formats/text.h"

#include <algorithm>

#include "frontend/formats/read_file.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

// How many bytes the character has that begins a text; 0: it is none of UTF-8 (Unicode 15, table 3-7).
std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
        return byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef)
        return follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
    if (first >= 0xf0 && first <= 0xf4)
        return follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3) ? 4 : 0;
    return 0;
}

}  // namespace

std::string read_text(const std::string& path, Where where) try {
    std::string text = read_unzipped(path);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = character_size(std::string_view(text).substr(at));
        if (size == 0) throw FormatError(path + ": byte " + std::to_string(at) + ": the text is no UTF-8");
        at += size;
    }
    constexpr std::string_view mark = "\xef\xbb\xbf";
    if (text.starts_with(mark)) text.erase(0, mark.size());
    return text;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::vector<std::string> read_lines(const std::string& path, Where where) {
    const std::string text = read_text(path, where);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::size_t length = end - at;
        if (length > 0 && text[end - 1] == '\r') --length;
        lines.push_back(text.substr(at, length));
        at = end + 1;
    }
    return lines;
}

}  // namespace lathe
