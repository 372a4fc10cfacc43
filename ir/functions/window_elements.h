// The elements of a window that is written out, in row-major order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ir/dim.h"

namespace lathe::ir::functions {

// How many there are, if that is known, and from 1 to `most`.
inline std::optional<std::int64_t> few_elements(std::span<const Dim> extents, std::int64_t most) {
    std::int64_t count = 1;
    for (const Dim d : extents) count *= d.is_constant() ? std::min(d.constant(), most + 1) : most + 1;
    return count >= 1 && count <= most ? std::optional(count) : std::nullopt;
}

// The index of element k, where all extents are known.
inline std::vector<std::int64_t> element_index(std::span<const Dim> extents, std::int64_t k) {
    std::vector<std::int64_t> index(extents.size());
    for (std::size_t i = extents.size(); i-- > 0;) {
        index[i] = k % extents[i].constant();
        k /= extents[i].constant();
    }
    return index;
}

}  // namespace lathe::ir::functions
