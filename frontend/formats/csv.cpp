#include "frontend/formats/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <unordered_map>

#include "frontend/formats/read_file.h"
#include "frontend/tensor/blame.h"
#include "ir/ascii.h"
#include "ir/error.h"
#include "ir/float_environment.h"

namespace lathe {
namespace {

using ir::Dtype;

// Whether a float that does not fit its type is too small for it rather than
// too large: by the power of ten that its first digit stands for.
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

// Appends the number that `text` is, all of it; false where it is none of that
// type. What is smaller than the smallest float is nearest to zero; what is
// larger than the largest is none.
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

// The cells of a text, one after the other.
class CellReader {
public:
    CellReader(std::string_view text, const std::string& name, char delimiter)
        : text_(text), name_(name), delimiter_(delimiter) {
        const bool is_part = ir::is_printable(delimiter) && !ir::is_alphanumeric(delimiter) && delimiter != '"';
        if (!is_part && delimiter != '\t')
            throw UserError(name + ": the delimiter of a table is no letter, digit or quote");
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);  // the mark of UTF-8
        if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff"))
            throw FormatError(name + ": is text in UTF-16; UTF-8 or ASCII is expected");
    }

    // Whether another row begins: blank lines may follow the last.
    bool has_row() const { return text_.find_first_not_of(" \t\r\n", at_) != std::string_view::npos; }
    bool row_has_ended() const { return row_has_ended_; }
    // It stays until the next one.
    std::string_view next() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
        const std::string_view cell = at_ < text_.size() && text_[at_] == '"' ? quoted() : plain();
        row_has_ended_ = at_ >= text_.size() || text_[at_] == '\n';
        rows_ += row_has_ended_ ? 1 : 0;
        at_ = std::min(at_ + 1, text_.size());
        return cell;
    }
    [[noreturn]] void fail(const std::string& what) const {
        throw FormatError(name_ + ": row " + std::to_string(rows_ + 1) + what);
    }

private:
    bool is_blank(char c) const { return (c == ' ' || c == '\t' || c == '\r') && c != delimiter_; }
    std::string_view plain() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n') ++at_;
        std::size_t end = at_;
        while (end > begin && is_blank(text_[end - 1])) --end;
        return text_.substr(begin, end - begin);
    }
    std::string_view quoted() {
        quoted_.clear();
        for (++at_;; ++at_) {
            const std::size_t quote = text_.find('"', at_);
            if (quote == std::string_view::npos) fail(": a quote does not end");
            quoted_ += text_.substr(at_, quote - at_);
            at_ = quote + 1;
            if (at_ >= text_.size() || text_[at_] != '"') break;
            quoted_ += '"';
        }
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
        if (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n')
            fail(": something follows the quotes around a cell");
        return quoted_;
    }

    std::string_view text_;
    const std::string& name_;
    char delimiter_;
    std::size_t at_ = 0, rows_ = 0;
    bool row_has_ended_ = true;
    std::string quoted_;
};

// The number in a cell.
std::string_view number_in(std::string_view cell) {
    while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) cell.remove_prefix(1);
    while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.remove_suffix(1);
    if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
    return cell;
}

// A cell in a message: its beginning.
std::string shown(std::string_view cell) {
    constexpr std::size_t longest = 40;
    return std::string(cell.substr(0, longest));
}

constexpr std::size_t passed_over = ~std::size_t{0};

// Where the columns of a file go in the array.
struct Columns {
    std::vector<std::string> names;
    std::vector<std::size_t> places;  // of the file's; empty: all as they are
};
Columns read_header(CellReader& cells, const std::string& name, const CsvOptions& options) {
    Columns columns;
    if (!cells.has_row()) cells.fail(": the names of the columns are missing");
    std::unordered_map<std::string, std::size_t> found;
    do {
        const std::string column(cells.next());
        if (!found.emplace(column, columns.names.size()).second && !options.columns.empty())
            throw FormatError(name + ": two columns are called '" + column + "'");
        columns.names.push_back(column);
    } while (!cells.row_has_ended());
    if (options.columns.empty()) return columns;
    columns.places.assign(columns.names.size(), passed_over);
    for (std::size_t i = 0; i < options.columns.size(); ++i) {
        const auto at = found.find(options.columns[i]);
        if (at == found.end()) throw UserError(name + ": there is no column '" + options.columns[i] + "'");
        if (columns.places[at->second] != passed_over)
            throw UserError(name + ": the column '" + options.columns[i] + "' is asked for twice");
        columns.places[at->second] = i;
    }
    columns.names = options.columns;
    return columns;
}

CsvTable parse_table(std::string_view text, const std::string& name, const CsvOptions& options) {
    const ir::FloatEnvironment floats;
    const AppendCell append = append_cell[static_cast<std::size_t>(options.dtype)];
    if (!options.header && !options.columns.empty())
        throw UserError(name + ": columns are read by name only where there is a header");
    CellReader cells(text, name, options.delimiter);
    Columns columns;
    if (options.header) columns = read_header(cells, name, options);
    std::vector<std::byte> missing;
    if (options.missing && !append(*options.missing, missing))
        throw UserError(name + ": '" + *options.missing + "' for missing numbers is none of type " +
                        std::string(ir::name(options.dtype)));
    const auto is_missing = [&](std::string_view cell) {
        return options.missing && (cell.empty() || std::ranges::count(options.missing_words, cell) > 0);
    };

    const std::size_t size = ir::size_of(options.dtype);
    const std::size_t above = options.header ? 2 : 1;  // rows count from 1, and the header is one
    std::size_t rows = 0, in_file = columns.places.empty() ? columns.names.size() : columns.places.size();
    std::vector<std::byte> bytes, row, element;
    const auto fail = [&](const std::string& what) {
        throw FormatError(name + ": row " + std::to_string(rows + above) + what);
    };
    while (cells.has_row()) {
        row.assign((options.header ? columns.names.size() : in_file) * size, std::byte{});
        std::size_t column = 0;
        do {
            const std::string_view cell = number_in(cells.next());
            const bool first = rows == 0 && !options.header;
            if (first) {
                ++in_file;
                row.resize(in_file * size);
            }
            if (column >= in_file) fail(" has more than " + std::to_string(in_file) + " columns");
            const std::size_t place = columns.places.empty() ? column : columns.places[column];
            ++column;
            if (place == passed_over) continue;
            element.clear();
            if (is_missing(cell))
                element = missing;
            else if (!append(cell, element))
                fail(", column " + std::to_string(column) + ": '" + shown(cell) + "' is not a number of type " +
                     std::string(ir::name(options.dtype)) +
                     (options.delimiter == ',' && cell.find(';') != std::string_view::npos
                          ? " (commas separate columns, not semicolons)"
                          : ""));
            std::copy(element.begin(), element.end(), row.begin() + static_cast<std::ptrdiff_t>(place * size));
        } while (!cells.row_has_ended());
        if (column != in_file) fail(" has " + std::to_string(column) + " columns, not " + std::to_string(in_file));
        bytes.insert(bytes.end(), row.begin(), row.end());
        ++rows;
    }
    if (rows == 0 && !options.header) throw FormatError(name + ": has no rows");
    const std::size_t width = options.header ? columns.names.size() : in_file;
    return {{options.dtype, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)}, std::move(bytes)},
            std::move(columns.names)};
}

}  // namespace

Array parse_csv(std::string_view text, const std::string& name, Dtype dtype, Where where) try {
    return parse_table(text, name, {.dtype = dtype}).numbers;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Array read_csv(const std::string& path, Dtype dtype, Where where) try {
    return parse_csv(read_unzipped(path), path, dtype, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

CsvTable parse_csv_table(std::string_view text, const std::string& name, const CsvOptions& options, Where where) try {
    return parse_table(text, name, options);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

CsvTable read_csv_table(const std::string& path, const CsvOptions& options, Where where) try {
    return parse_table(read_unzipped(path), path, options);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::vector<std::vector<std::string>> parse_csv_cells(std::string_view text, const std::string& name, char delimiter,
                                                      Where where) try {
    CellReader cells(text, name, delimiter);
    std::vector<std::vector<std::string>> rows;
    while (cells.has_row()) {
        std::vector<std::string>& row = rows.emplace_back();
        do row.emplace_back(cells.next());
        while (!cells.row_has_ended());
    }
    return rows;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

std::vector<std::vector<std::string>> read_csv_cells(const std::string& path, char delimiter, Where where) try {
    return parse_csv_cells(read_unzipped(path), path, delimiter, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
