// Extents of random graphs: numbers and symbols, with some choices of what the symbols are.
#pragma once

#include <algorithm>
#include <vector>

#include "ir/graph/graph.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {

class RandomExtents {
protected:
    using Dim = ir::Dim;
    using Shape = ir::Shape;

    explicit RandomExtents(std::uint64_t seed) : random_(seed) {}

    int number_below(int n) { return static_cast<int>(below(random_, n)); }
    std::int64_t high_below(std::int64_t n) {  // the greater of two
        const std::int64_t first = below(random_, n), second = below(random_, n);
        return std::max(first, second);
    }
    bool chance(int percent) { return testing_support::chance(random_, percent); }
    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[static_cast<std::size_t>(below(random_, static_cast<std::int64_t>(from.size())))];
    }
    std::int64_t random_extent() {
        const int p = number_below(1000);
        if (p < 30) return 0;
        if (p < 130) return 1;
        if (p < 620) return 2 + number_below(6);
        if (p < 780) return 8 + number_below(10);
        if (p < 900) return 20 + number_below(60);
        if (p < 975) return 65 + number_below(200);
        if (p < 985) return 1020 + number_below(20);
        return limit_ > 8192 ? 4090 + number_below(20) : 250 + number_below(20);
    }

    void make_dims(ir::Graph& graph, std::size_t sets) {
        const int symbols = chance(50) ? 0 : 1 + number_below(3);
        bindings_.assign(symbols == 0 ? 1 : sets, {});
        for (int i = 0; i < symbols; ++i) {
            dims_.push_back(Dim::symbol(graph.add_symbol(std::string(1, "nmk"[i]))));
            const bool same = i > 0 && chance(50);  // so that it may be required to equal the first
            for (std::vector<std::int64_t>& values : bindings_) values.push_back(same ? values[0] : random_extent());
        }
        const int constants = 2 + number_below(3);
        for (int i = 0; i < constants; ++i) dims_.emplace_back(random_extent());
        if (limit_ > 8192 && chance(70)) dims_.emplace_back(4090 + number_below(20));
        if (symbols > 0 && chance(20)) dims_.push_back(dims_[0] * 2);
        if (symbols > 1 && chance(20)) dims_.push_back(dims_[0] + dims_[1]);
    }

    std::int64_t value_of(Dim d, std::size_t binding) const { return d.evaluate(bindings_[binding]).value_or(-1); }
    std::int64_t least(Dim d) const {
        std::int64_t least = value_of(d, 0);
        for (std::size_t b = 1; b < bindings_.size(); ++b) least = std::min(least, value_of(d, b));
        return least;
    }
    bool always_equal(Dim a, Dim b) const {
        if (a == b) return true;
        for (std::size_t i = 0; i < bindings_.size(); ++i)
            if (value_of(a, i) != value_of(b, i)) return false;
        return !(a == Dim(1)) && !(b == Dim(1));
    }
    bool fits(const Shape& shape) const {
        constexpr std::int64_t many = std::int64_t{1} << 30;
        for (std::size_t b = 0; b < bindings_.size(); ++b) {
            std::int64_t count = 1;
            std::int64_t trips = 1;  // of loops, which run around an empty dimension, too
            for (Dim d : shape) {
                const std::int64_t n = value_of(d, b);
                if (n < 0) return false;
                count = std::min(count * n, many);
                trips = std::min(trips * std::max<std::int64_t>(n, 1), many);
            }
            if (count > limit_ || trips > 100 * limit_) return false;
        }
        return true;
    }

    Random random_;
    std::int64_t limit_ = 0;                           // elements of a value
    std::vector<Dim> dims_;                            // what shapes are made of
    std::vector<std::vector<std::int64_t>> bindings_;  // values of the symbols
};

}  // namespace lathe::testing_support
