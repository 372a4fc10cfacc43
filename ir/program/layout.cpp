#include "ir/program/layout.h"

#include <algorithm>

namespace lathe::ir {

Shape Layout::memory_shape(const Shape& shape) const {
    if (is_dense()) return shape;
    Shape out;
    for (std::size_t i = 0; i < shape.rank(); ++i) out.push_back(ceildiv(shape[value_dim(i)], block(value_dim(i))));
    for (std::size_t i = 0; i < shape.rank(); ++i)
        if (const std::int64_t b = block(value_dim(i)); b > 1) out.push_back(b);
    return out;
}

std::vector<Dim> Layout::memory_index(std::span<const Dim> index) const {
    if (is_dense()) return {index.begin(), index.end()};
    std::vector<Dim> out;
    for (std::size_t i = 0; i < index.size(); ++i) out.push_back(floordiv(index[value_dim(i)], block(value_dim(i))));
    for (std::size_t i = 0; i < index.size(); ++i)
        if (const std::int64_t b = block(value_dim(i)); b > 1) out.push_back(mod(index[value_dim(i)], b));
    return out;
}

std::vector<Dim> Layout::value_index(std::span<const Dim> index) const {
    std::size_t rank = index.size();
    for (const std::uint16_t b : blocks) rank -= b > 1 ? 1 : 0;
    std::vector<Dim> out(rank);
    std::size_t within = rank;
    for (std::size_t i = 0; i < rank; ++i) {
        const std::int64_t b = block(value_dim(i));
        out[value_dim(i)] = index[i] * b;
        if (b > 1) out[value_dim(i)] += index[within++];
    }
    return out;
}

std::string Layout::to_string() const {
    if (is_dense()) return "";
    std::string out;
    for (std::size_t i = 0; i < std::max(permutation.size(), blocks.size()); ++i) {
        out += (out.empty() ? "(" : ", ") + std::to_string(value_dim(i));
        if (const std::int64_t b = block(value_dim(i)); b > 1) out += " by " + std::to_string(b);
    }
    return out + ")";
}

}  // namespace lathe::ir
