// Included only by the files that instantiate it for a level.
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/swap_bytes.h"

namespace lathe::runtime {

// Exchanges neighbouring bytes, then neighbouring pairs, then neighbouring quadruples of each element.
template <class T, class V>
V reversed_elements(V x) {
    constexpr auto bytes = static_cast<T>(0x00ff00ff00ff00ffu), pairs = static_cast<T>(0x0000ffff0000ffffu);
    x = ((x >> 8) & V(bytes)) | ((x & V(bytes)) << 8);
    if constexpr (sizeof(T) >= 4) x = ((x >> 16) & V(pairs)) | ((x & V(pairs)) << 16);
    if constexpr (sizeof(T) == 8) x = (x >> 32) | (x << 32);
    return x;
}

template <class Arch, class T>
void swap_elements(std::byte* data, std::size_t count) {
    using Batch = xsimd::batch<T, Arch>;
    std::size_t i = 0;
    for (; i + Batch::size <= count; i += Batch::size) {
        auto* const at = reinterpret_cast<T*>(data + i * sizeof(T));
        const Batch swapped = reversed_elements<T>(Batch(Batch::load_unaligned(at)));
        swapped.store_unaligned(at);
    }
    for (; i < count; ++i) {
        T x;
        std::memcpy(&x, data + i * sizeof(T), sizeof x);
        x = static_cast<T>(reversed_elements<T>(static_cast<std::uint64_t>(x)));
        std::memcpy(data + i * sizeof(T), &x, sizeof x);
    }
}

template <class Arch>
void swap_bytes_at(std::byte* data, std::size_t count, std::size_t element_size) {
    if (element_size == 2) swap_elements<Arch, std::uint16_t>(data, count);
    if (element_size == 4) swap_elements<Arch, std::uint32_t>(data, count);
    if (element_size == 8) swap_elements<Arch, std::uint64_t>(data, count);
}

}  // namespace lathe::runtime
