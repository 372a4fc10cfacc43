// Time as benchmarks of one thread count it on a machine that others use as well.
#pragma once

#include <ctime>

namespace bench {

// Seconds that count: of one thread only those that it ran, for a shared machine gives its core to others as well.
inline double counted_seconds(int threads) {
    timespec t{};
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace bench
