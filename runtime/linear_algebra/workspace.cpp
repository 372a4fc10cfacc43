#include "runtime/linear_algebra/workspace.h"

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

__thread std::byte* next_free = nullptr;

// Eigen blocks products by the sizes of caches, which decides the order of sums. They are fixed before any thread runs.
__attribute__((constructor)) static void fix_cache_sizes() { Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20); }

}  // namespace lathe::linear_algebra
