// Printing of tensors as NumPy prints arrays: equal widths, at most 1,000 elements (then the first and last three of
// each axis), scientific notation where the magnitudes ask for it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <ostream>

#include <fmt/format.h>

#include "frontend/convert.h"
#include "frontend/tensor.h"
#include "ir/graph_text.h"

namespace lathe {
namespace {

constexpr std::int64_t threshold = 1000, edge = 3;
constexpr int precision = 8;
constexpr std::size_t line_width = 75;

class Printer {
public:
    explicit Printer(const Array& array) : array_(array) {
        std::int64_t count = 1;
        for (std::int64_t e : array.shape) count *= e;
        summarize_ = count > threshold;
        collect(0, 0);
        format();
    }

    std::string text() {
        if (array_.shape.empty()) return cells_.empty() ? "" : cells_[0];
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
            align();
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
        // As many digits as the element that needs most.
        int digits = 0;
        for (double v : values)
            if (std::isfinite(v)) digits = std::max(digits, digits_of(v, scientific));
        for (double v : values) cells_.push_back(cell(v, digits, scientific));
        align();
    }

    // Decimals that show a number as exactly as its dtype holds it, up to the precision.
    int digits_of(double v, bool scientific) const {
        for (int d = 0; d < precision; ++d) {
            const std::string text = scientific ? fmt::format("{:.{}e}", v, d) : fmt::format("{:.{}f}", v, d);
            const double read = std::stod(text);
            const bool same =
                array_.dtype == Dtype::f64 ? read == v : static_cast<float>(read) == static_cast<float>(v);
            if (same) return d;
        }
        return precision;
    }

    static std::string cell(double v, int digits, bool scientific) {
        if (std::isnan(v)) return "nan";
        if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
        if (scientific) return fmt::format("{:.{}e}", v, digits);
        // Trailing zeros become spaces, so that decimal points stay in one column.
        std::string text = fmt::format("{:.{}f}", v, digits);
        if (digits == 0) return text + ".";
        for (std::size_t i = text.size(); text[i - 1] == '0'; --i) text[i - 1] = ' ';
        return text;
    }

    void align() {
        std::size_t width = 0;
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
                if (!first && column + 1 + text.size() > line_width) {
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
    bool summarize_ = false;
    std::vector<std::int64_t> shown_;
    std::vector<std::string> cells_;
    std::size_t next_ = 0;
};

}  // namespace

std::string Tensor::to_string() const {
    const Array array = to_array();
    return Printer(array).text();
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.to_string(); }

}  // namespace lathe
