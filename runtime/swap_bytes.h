// Byte swaps for each vector width, chosen at run time; each level is instantiated in a file that is compiled for it.
#pragma once

#include <cstddef>

#include <xsimd/xsimd.hpp>

namespace lathe::runtime {

using SwapLevels = xsimd::arch_list<xsimd::avx512bw, xsimd::avx2, xsimd::sse2>;

template <class Arch>
void swap_bytes_at(std::byte* data, std::size_t count, std::size_t element_size);  // swap_bytes_body.h

struct SwapBytes {
    template <class Arch>
    void operator()(Arch, std::byte* data, std::size_t count, std::size_t element_size) const {
        swap_bytes_at<Arch>(data, count, element_size);
    }
};

}  // namespace lathe::runtime
