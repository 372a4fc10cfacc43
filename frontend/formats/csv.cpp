#include "frontend/formats/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "frontend/formats/read_file.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe {
namespace {

using ir::Dtype;

// Whether a float that does not fit its type is too small for it rather than too large: by the power of ten that its
// first digit stands for.
bool is_too_small(std::string_view text) {
    const std::size_t e = std::min(text.find_first_of("eE"), text.size());
    const std::string_view mantissa = text.substr(0, e);
    std::string_view digits = text.substr(std::min(e + 1, text.size()));
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::int64_t power = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), power).ec == std::errc::result_out_of_range)
        return digits.starts_with('-');
    const auto first = static_cast<std::int64_t>(mantissa.find_first_of("123456789"));
    const auto point = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
    return power < first - point;
}

// Appends the number that `text` is, all of it; false where it is none of that type. What is smaller than the smallest
// float is nearest to zero; what is larger than the largest is none.
template <class T>
bool append_number(std::string_view text, std::vector<std::byte>& to) {
    T value{};
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (stop != text.data() + text.size() || error == std::errc::invalid_argument) return false;
    if (error == std::errc::result_out_of_range) {
        if (!std::is_floating_point_v<T> || !is_too_small(text)) return false;
        value = static_cast<T>(text.starts_with('-') ? -0.0 : 0.0);
    }
    const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof value);
    return true;
}

template <std::uint16_t (*narrow)(float), float (*widen)(std::uint16_t)>
bool append_narrow(std::string_view text, std::vector<std::byte>& to) {
    std::vector<std::byte> wide;
    if (!append_number<float>(text, wide)) return false;
    float value = 0;
    std::memcpy(&value, wide.data(), sizeof value);
    const std::uint16_t bits = narrow(value);
    if (std::isinf(widen(bits)) && !std::isinf(value)) return false;
    const auto* const bytes = reinterpret_cast<const std::byte*>(&bits);
    to.insert(to.end(), bytes, bytes + sizeof bits);
    return true;
}

bool append_boolean(std::string_view text, std::vector<std::byte>& to) {
    if (text != "0" && text != "1") return false;
    to.push_back(static_cast<std::byte>(text[0] - '0'));
    return true;
}

using AppendCell = bool (*)(std::string_view text, std::vector<std::byte>& to);
constexpr std::array<AppendCell, ir::dtype_count> append_cell = {append_number<double>,
                                                                 append_number<float>,
                                                                 append_narrow<ir::f32_to_f16, ir::f16_to_f32>,
                                                                 append_narrow<ir::f32_to_bf16, ir::bf16_to_f32>,
                                                                 append_number<std::int64_t>,
                                                                 append_number<std::int32_t>,
                                                                 append_number<std::int16_t>,
                                                                 append_number<std::int8_t>,
                                                                 append_number<std::uint64_t>,
                                                                 append_number<std::uint32_t>,
                                                                 append_number<std::uint16_t>,
                                                                 append_number<std::uint8_t>,
                                                                 append_boolean};

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

// Where a cell ends: at a comma outside of quotes, or with the line.
std::size_t end_of_cell(std::string_view line) {
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == ',' && !quoted) return i;
        if (line[i] == '"') quoted = !quoted;
    }
    return std::string_view::npos;
}

// The number in a cell; spreadsheets may put quotes around it.
std::string_view number_in(std::string_view cell) {
    cell = trim(cell);
    if (cell.size() > 1 && cell.starts_with('"') && cell.ends_with('"')) cell = trim(cell.substr(1, cell.size() - 2));
    if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
    return cell;
}

// A cell in a message: its beginning.
std::string shown(std::string_view cell) {
    constexpr std::size_t longest = 40;
    return std::string(cell.substr(0, longest));
}

}  // namespace

Array parse_csv(std::string_view text, const std::string& name, Dtype dtype, Where where) try {
    const ir::FloatEnvironment floats;
    Array array{dtype, {0, 0}, {}};
    std::int64_t &rows = array.shape[0], &columns = array.shape[1];
    const auto fail = [&](const std::string& what) {
        throw FormatError(name + ": row " + std::to_string(rows + 1) + what);
    };
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the mark of UTF-8
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
        throw FormatError(name + ": is text in UTF-16; UTF-8 or ASCII is expected");
    while (text.find_first_not_of(" \t\r\n") != std::string_view::npos) {  // blank lines may follow
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        for (std::int64_t column = 1;; ++column) {
            const std::size_t comma = end_of_cell(line);
            const std::string_view cell = number_in(line.substr(0, comma));
            if (rows > 0 && column > columns) fail(" has more than " + std::to_string(columns) + " columns");
            if (!append_cell[static_cast<std::size_t>(dtype)](cell, array.bytes))
                fail(", column " + std::to_string(column) + ": '" + shown(cell) + "' is not a number of type " +
                     std::string(ir::name(dtype)) +
                     (cell.find(';') != std::string_view::npos ? " (commas separate columns, not semicolons)" : ""));
            if (comma == std::string_view::npos) {
                if (rows == 0) columns = column;
                if (column != columns)
                    fail(" has " + std::to_string(column) + " columns, not " + std::to_string(columns));
                break;
            }
            line.remove_prefix(comma + 1);
        }
        ++rows;
    }
    if (rows == 0) throw FormatError(name + ": has no rows");
    return array;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Array read_csv(const std::string& path, Dtype dtype, Where where) try {
    const std::string bytes = read_file(path);
    return parse_csv(is_gzip(bytes) ? unzip(bytes, path) : bytes, path, dtype, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
