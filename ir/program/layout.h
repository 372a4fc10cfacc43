// Where the elements of a value lie in memory. Layouts belong to buffers: a value is the same in any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/type.h"

namespace lathe::ir {

// Row-major after reordering the dimensions: dimension i of the memory is dimension permutation[i] of the value. An
// empty permutation leaves them as they are.
struct Layout {
    std::vector<std::uint8_t> permutation;

    bool is_dense() const { return permutation.empty(); }
    Shape memory_shape(const Shape& shape) const;                     // of a value of this shape
    std::vector<Dim> memory_index(std::span<const Dim> index) const;  // of an element of the value
    std::size_t value_dim(std::size_t i) const { return permutation.empty() ? i : permutation[i]; }
    std::string to_string() const;  // (1, 0); empty where dense
    friend bool operator==(const Layout&, const Layout&) = default;
};

}  // namespace lathe::ir
