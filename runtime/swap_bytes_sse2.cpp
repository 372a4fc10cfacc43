#include "runtime/swap_bytes_body.h"

template void lathe::runtime::swap_bytes_at<xsimd::sse2>(std::byte*, std::size_t, std::size_t);
