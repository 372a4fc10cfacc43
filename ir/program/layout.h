// Where the elements of a value lie in memory. Layouts belong to buffers: a value is the same in any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/type.h"

namespace lathe::ir {

// Row-major after two rewrites of the dimensions. First they are reordered: dimension i of the memory is dimension
// permutation[i] of the value; an empty permutation leaves them as they are. Then each that is cut into blocks is left
// as the number of the block, and the places within blocks follow behind all others, in the same order. So a matrix
// K x N with the permutation (1, 0) and blocks of 16 along N lies as panels of 16 columns: [N / 16][K][16].
//
// A last block that is not full is padded. What lies there is read by nobody, and never part of a result.
struct Layout {
    std::vector<std::uint8_t> permutation;
    std::vector<std::uint16_t> blocks;  // by dimension of the value, 1: whole; empty: all are

    bool is_dense() const { return permutation.empty() && blocks.empty(); }
    std::size_t value_dim(std::size_t i) const { return permutation.empty() ? i : permutation[i]; }
    std::int64_t block(std::size_t value_dim) const { return blocks.empty() ? 1 : blocks[value_dim]; }

    Shape memory_shape(const Shape& shape) const;                     // of a value of this shape
    std::vector<Dim> memory_index(std::span<const Dim> index) const;  // of an element of the value
    std::vector<Dim> value_index(std::span<const Dim> index) const;   // of an element of the memory
    std::string to_string() const;  // (1 by 16, 0), dimensions of the value as the memory has them; empty where dense
    friend bool operator==(const Layout&, const Layout&) = default;
};

// A panel of a matrix has so many bytes of what a product accumulates: those of the widest vector there is, for an
// object may serve several processors. Tiles are whole panels wide, or vectors within one.
inline constexpr std::int64_t panel_bytes = 64;
inline std::int64_t panel_columns(Dtype accumulator) {
    return panel_bytes / static_cast<std::int64_t>(size_of(accumulator));
}

}  // namespace lathe::ir
