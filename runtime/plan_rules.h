/* When a loop runs in parallel, which of two faults is reported, and how floating point is set. Plain C, no
   dependencies. */
#ifndef LATHE_RUNTIME_PLAN_RULES_H
#define LATHE_RUNTIME_PLAN_RULES_H

#include <stdint.h>

#include "runtime/abi.h"

/* Iterations of a parallel loop per task, 0 where it should run serially; `cost` is of one iteration in picoseconds. A
   task of its own is worth 6 µs of work, and a parallel loop twice as much (the other threads being awake). */
static inline int64_t lathe_step_grain(int64_t trips, int64_t cost) {
    const int64_t task_picoseconds = 6000000;
    int64_t grain;
    if (cost <= 0 || trips < 2) return 0;
    grain = task_picoseconds / cost;
    if (grain < 1) grain = 1;
    return trips / grain < 2 ? 0 : grain;
}

/* Keeps the first of two faults in `into`. Tasks that met one take turns by `busy`, which is 0 at first: nobody waits
   where all is well. */
static inline void lathe_merge_fault(lathe_fault* into, const lathe_fault* other, int32_t* busy) {
    if (other->site < 0) return;
    while (__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE) != 0) __builtin_ia32_pause();
    if (into->site < 0 || other->site < into->site || (other->site == into->site && other->position < into->position))
        *into = *other;
    __atomic_store_n(busy, 0, __ATOMIC_RELEASE);
}

/* MXCSR as the numerics are defined (round to nearest even, denormals kept, no traps), and its bits that decide that:
   all but the sticky flags. */
enum { lathe_mxcsr_controls = 0xffc0, lathe_mxcsr_defaults = 0x1f80 };

#endif
