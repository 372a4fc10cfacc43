#include "ir/program/layout.h"

namespace lathe::ir {

Shape Layout::memory_shape(const Shape& shape) const {
    if (is_dense()) return shape;
    Shape out;
    for (const std::uint8_t from : permutation) out.push_back(shape[from]);
    return out;
}

std::vector<Dim> Layout::memory_index(std::span<const Dim> index) const {
    if (is_dense()) return {index.begin(), index.end()};
    std::vector<Dim> out;
    for (const std::uint8_t from : permutation) out.push_back(index[from]);
    return out;
}

std::string Layout::to_string() const {
    std::string out;
    for (const std::uint8_t from : permutation) out += (out.empty() ? "(" : ", ") + std::to_string(from);
    return out.empty() ? out : out + ")";
}

}  // namespace lathe::ir
