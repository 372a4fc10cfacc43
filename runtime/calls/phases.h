// What calls that run in phases have in common. Memory that their ranges share begins with a word that says whether one
// thread has done everything in the first phase: it does where one range is all of that.
#ifndef LATHE_RUNTIME_CALLS_PHASES_H
#define LATHE_RUNTIME_CALLS_PHASES_H

#include <cstdint>

enum class PhaseWork { whole_call, own_range, nothing };

// What is to be done for a range of a phase, each of which has so many iterations.
static inline PhaseWork work_of_range(std::int64_t phase, std::int64_t begin, std::int64_t end, std::int64_t iterations,
                                      std::int64_t* is_done) {
    if (phase > 0) return *is_done != 0 ? PhaseWork::nothing : PhaseWork::own_range;
    const bool is_all = begin == 0 && end == iterations;
    if (begin == 0) *is_done = is_all ? 1 : 0;
    return is_all ? PhaseWork::whole_call : PhaseWork::own_range;
}

#endif
