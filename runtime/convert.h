// Movement of existing data whose bits depend on nothing: strided copies, transposes among them, and byte swaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lathe::runtime {

// Where the elements of an array lie: strides are bytes, may be 0 (broadcast) or negative.
struct Strided {
    void* data = nullptr;
    std::span<const std::int64_t> strides;
};

// Copies every element of a shape from one array to another that does not overlap it. Elements have 1, 2, 4 or 8 bytes.
void copy_strided(Strided to, Strided from, std::span<const std::int64_t> shape, std::size_t element_size);

// Reverses the bytes of each element: 1, 2, 4 or 8 of them.
void swap_bytes(void* data, std::size_t count, std::size_t element_size);

}  // namespace lathe::runtime
