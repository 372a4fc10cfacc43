// Printing of tensors as NumPy prints arrays: equal widths, at most 1,000 elements (then the first and last three of
// each axis), scientific notation where the magnitudes ask for it.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <ostream>

#include <fmt/format.h>

#include "frontend/tensor/convert.h"
#include "frontend/tensor/tensor.h"
#include "ir/float_environment.h"
#include "ir/text/element.h"

namespace lathe {
namespace {

constexpr std::int64_t threshold = 1000, edge = 3;
constexpr int precision = 8;
constexpr std::size_t line_width = 75;

class Printer {
public:
    explicit Printer(const Array& array) : array_(array) {
        for (std::int64_t e : array.shape) count_ *= e;
        summarize_ = count_ > threshold;
        collect(0, 0);
        format();
    }

    std::string text() {
        if (array_.shape.empty()) return cells_.empty() ? "" : cells_[0];
        if (count_ == 0) return "[]";
        std::string out;
        next_ = 0;
        print(0, 0, 1, out);
        return out;
    }

private:
    template <class Visit>
    void visit(std::size_t axis, const Visit& visit_index) const {
        const std::int64_t n = array_.shape[axis];
        const bool cut = summarize_ && n > 2 * edge;
        for (std::int64_t i = 0; i < n; ++i) {
            if (cut && i == edge) {
                visit_index(-1);
                i = n - edge;
            }
            visit_index(i);
        }
    }

    void collect(std::size_t axis, std::int64_t at) {
        if (axis == array_.shape.size()) {
            shown_.push_back(at);
            return;
        }
        visit(axis, [&](std::int64_t i) {
            if (i >= 0) collect(axis + 1, at * array_.shape[axis] + i);
        });
    }

    void format() {
        const std::size_t size = size_of(array_.dtype);
        if (!is_float(array_.dtype)) {
            for (std::int64_t i : shown_) {
                std::uint64_t bits = 0;
                std::memcpy(&bits, array_.bytes.data() + static_cast<std::size_t>(i) * size, size);
                cells_.push_back(array_.dtype == Dtype::boolean ? (bits != 0 ? "True" : "False")
                                                                : ir::print_element(array_.dtype, bits));
            }
            align(array_.dtype == Dtype::boolean && !array_.shape.empty() ? std::strlen("False") : 0);
            return;
        }
        std::vector<double> values;
        for (std::int64_t i : shown_) {
            double v = 0;
            detail::convert_elements(array_.dtype, array_.bytes.data() + static_cast<std::size_t>(i) * size, Dtype::f64,
                                     &v, 1);
            values.push_back(v);
        }
        double largest = 0;
        double smallest = INFINITY;
        for (double v : values)
            if (std::isfinite(v) && v != 0) {
                largest = std::max(largest, std::fabs(v));
                smallest = std::min(smallest, std::fabs(v));
            }
        const bool scientific = largest >= 1e8 || (largest > 0 && (smallest < 1e-4 || largest / smallest > 1000));
        if (array_.shape.empty()) {
            cells_.push_back(alone(values[0]));
            return;
        }
        for (double v : values) cells_.push_back(scientific || !std::isfinite(v) ? special(v) : positional(v));
        scientific ? write_scientific(values) : pad_decimals(values);
        align();
    }

    static std::string special(double v) { return std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf"; }

    // The value of a text that was made here; what strtod reads depends on the locale.
    static double value_of(const std::string& text) {
        double value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    }

    // Whether a text with this value stands for the element, in its own dtype.
    bool is_same(const std::string& text, double v) const {
        const double read = value_of(text);
        double rounded = 0;
        std::array<std::byte, sizeof(double)> element{};
        detail::convert_elements(Dtype::f64, &read, array_.dtype, element.data(), 1);
        detail::convert_elements(array_.dtype, element.data(), Dtype::f64, &rounded, 1);
        return rounded == v;
    }

    // A number outside of arrays: as few digits as tell it from its neighbours, and one decimal at least.
    std::string alone(double v) const {
        if (!std::isfinite(v)) return special(v);
        std::string text;
        for (int digits = 0; digits <= 16; ++digits) {
            text = fmt::format("{:.{}e}", v, digits);
            if (is_same(text, v)) break;
        }
        text = fmt::format("{}", value_of(text));
        return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
    }

    // The fewest decimals that show a number as exactly as its dtype holds it, up to the precision.
    std::string positional(double v) const {
        std::string text;
        for (int d = 0; d <= precision; ++d) {
            text = fmt::format("{:.{}f}", v, d);
            if (is_same(text, v)) break;
        }
        if (text.find('.') == std::string::npos) return text + ".";
        text.erase(text.find_last_not_of('0') + 1);
        return text;
    }
    int scientific_digits(double v) const {
        for (int d = 0; d < precision; ++d)
            if (is_same(fmt::format("{:.{}e}", v, d), v)) return d;
        // What rounding left as zeros is not shown.
        const std::string text = fmt::format("{:.{}e}", v, precision);
        const std::size_t last = text.find_last_not_of('0', text.find('e') - 1);
        return static_cast<int>(last - text.find('.'));
    }

    // One number of digits, and one width of the exponent, for all.
    void write_scientific(const std::vector<double>& values) {
        int digits = 0;
        std::size_t exponent = 2;
        for (double v : values)
            if (std::isfinite(v)) {
                digits = std::max(digits, scientific_digits(v));
                if (v != 0 && std::fabs(std::floor(std::log10(std::fabs(v)))) >= 100) exponent = 3;
            }
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (!std::isfinite(values[i])) continue;
            std::string text = fmt::format("{:#.{}e}", values[i], digits);
            const std::size_t sign = text.find('e') + 1;
            text.insert(sign + 1, exponent - std::min(exponent, text.size() - sign - 1), '0');
            cells_[i] = std::move(text);
        }
    }

    // Decimal points stay in one column.
    void pad_decimals(const std::vector<double>& values) {
        std::size_t decimals = 0;
        const auto decimals_of = [](const std::string& text) { return text.size() - text.find('.'); };
        for (std::size_t i = 0; i < values.size(); ++i)
            if (std::isfinite(values[i])) decimals = std::max(decimals, decimals_of(cells_[i]));
        for (std::size_t i = 0; i < values.size(); ++i)
            if (std::isfinite(values[i])) cells_[i].append(decimals - decimals_of(cells_[i]), ' ');
    }

    void align(std::size_t width = 0) {
        for (const std::string& c : cells_) width = std::max(width, c.size());
        for (std::string& c : cells_) c.insert(0, width - c.size(), ' ');
    }

    void print(std::size_t axis, std::int64_t at, std::size_t indent, std::string& out) {
        out += "[";
        const bool last = axis + 1 == array_.shape.size();
        std::size_t column = indent;
        bool first = true;
        visit(axis, [&](std::int64_t i) {
            if (last) {
                const std::string text = i < 0 ? "..." : cells_[next_++];
                if (!first && column + 1 + text.size() > line_width - array_.shape.size()) {  // brackets follow
                    out.erase(out.find_last_not_of(' ') + 1);
                    out += "\n" + std::string(indent, ' ');
                    column = indent;
                } else if (!first) {
                    out += " ";
                    ++column;
                }
                out += text;
                column += text.size();
            } else {
                if (!first) out += std::string(array_.shape.size() - axis - 1, '\n') + std::string(indent, ' ');
                if (i < 0)
                    out += "...";
                else
                    print(axis + 1, at * array_.shape[axis] + i, indent + 1, out);
            }
            first = false;
        });
        out += "]";
    }

    const Array& array_;
    std::int64_t count_ = 1;
    bool summarize_ = false;
    std::vector<std::int64_t> shown_;
    std::vector<std::string> cells_;
    std::size_t next_ = 0;
};

}  // namespace

std::string Tensor::to_string(Where where) const {
    const Array array = to_array(where);
    const ir::FloatEnvironment floats;
    return Printer(array).text();
}

// Where the operator stands is not known to it: errors name the line that made the tensor.
std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.to_string(Where()); }

}  // namespace lathe
