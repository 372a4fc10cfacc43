/* The C interface between compiled kernels, the plan that runs them and ahead-of-time compiled models. Plain C, no
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

/* The site of a kernel that found no memory to work in. Only interpreted kernels ask for any. */
enum { LATHE_SITE_MEMORY = INT32_MAX };

/* What a thread has to itself while it runs a part of a kernel. */
typedef struct lathe_task {
    lathe_fault fault;
    void* workspace; /* as many bytes as the kernel needs, aligned to 64 */
} lathe_task;

/* Runs iterations [begin, end) of a kernel's parallel loop. Argument k of the kernel is slots[operands[k]]. */
typedef void (*lathe_kernel)(void* const* slots, const uint32_t* operands, const int64_t* extents, int64_t begin,
                             int64_t end, lathe_task* task);

/* Iterations [begin, end) of a parallel loop, on one of the pool's workers. */
typedef void (*lathe_range)(void* context, int64_t begin, int64_t end, int32_t worker);

/* Threads that a caller lends. */
typedef struct lathe_pool {
    /* Calls body(body_context, begin, end, worker) on disjoint ranges that cover [0, trips), possibly from several
       threads, and returns when all have finished. Calls that run at the same time have different workers, each
       at least 0 and less than `workers`. Ranges of `grain` iterations are worth a thread's time. */
    void (*parallel_for)(void* context, int64_t trips, int64_t grain, lathe_range body, void* body_context);
    void* context;
    int32_t workers;
} lathe_pool;

#ifdef __cplusplus
}
#endif
#endif
