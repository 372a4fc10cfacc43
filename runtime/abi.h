/* The C interface between compiled kernels, the plan walker and ahead-of-time compiled models. Plain C, no
 * dependencies. */
#ifndef LATHE_RUNTIME_ABI_H
#define LATHE_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An index out of range, read after the run. Of all that a step meets, the one with the least site and then the least
 * position is kept, whatever runs first: the report is the same for any number of threads. */
typedef struct lathe_fault {
    int32_t site;        /* -1: none */
    int32_t is_unsigned; /* 1: the index is a uint64_t */
    int64_t index, bound;
    int64_t position; /* of the index in the tensor of indices, flattened in row-major order */
} lathe_fault;

/* Runs iterations [begin, end) of a kernel's parallel loop. Argument k of the kernel is slots[operands[k]]. No other
 * thread touches `fault` meanwhile. */
typedef void (*lathe_kernel)(void* const* slots, const uint32_t* operands, const int64_t* extents, int64_t begin,
                             int64_t end, lathe_fault* fault);

/* One row of a plan's step table. */
typedef struct lathe_step {
    lathe_kernel kernel;
    const uint32_t* operands;
    const int64_t* extents;
    int64_t trips; /* iterations of the parallel loop */
    int64_t grain; /* iterations worth a task of their own; 0: run serially */
} lathe_step;

/* Calls body(context, begin, end) on disjoint ranges that cover [0, trips), possibly from several threads, and returns
   when all have finished. A null function means: run serially. */
typedef void (*lathe_parallel_for)(void* pool, int64_t trips, int64_t grain,
                                   void (*body)(void* context, int64_t begin, int64_t end), void* context);

#ifdef __cplusplus
}
#endif
#endif
