/* From a plan to its results: `bind` gives it sizes, `walk` runs it. Both allocate nothing; the process and
   ahead-of-time compiled objects use the same code. Plain C, no dependencies. */
#ifndef LATHE_RUNTIME_BOUND_PLAN_H
#define LATHE_RUNTIME_BOUND_PLAN_H

#include "runtime/plan_tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A step with its sizes. */
typedef struct lathe_bound_step {
    lathe_kernel kernel;
    const uint32_t* operands;
    const int64_t* extents;
    int64_t trips;
    int64_t grain;       /* iterations worth a task of their own; 0: it runs serially */
    int64_t first_chunk; /* of a kernel in a batch: chunks of those before it; of the batch: all */
    uint32_t kind, target;
    uint32_t first_site;
    uint32_t number;    /* of the plan's step */
    uint8_t is_plain;   /* a kernel that one thread runs with so many trips */
    uint8_t is_dynamic; /* as in the plan */
    uint8_t has_dynamic_trips;
    uint32_t dynamic_count; /* which of its extents depend on the iteration of a loop */
    const uint32_t* dynamic;
} lathe_bound_step;

/* A plan with concrete sizes: immutable, for any number of threads at once. */
typedef struct lathe_bound_plan {
    const lathe_plan* plan;
    const int64_t* symbols;
    const lathe_bound_step* steps;
    const int64_t* offsets;  /* of temporaries, in the workspace */
    int64_t workspace_bytes; /* of a run, without its workers */
    int64_t worker_bytes;    /* of each worker's own part, behind that */
    uint32_t slot_count;
    uint32_t is_parallel; /* whether some step is worth more than one thread */
} lathe_bound_plan;

/* What kept a plan from being bound. */
typedef enum lathe_misfit_kind {
    lathe_fits,
    lathe_misfit_symbol,       /* symbol `which` is negative */
    lathe_misfit_precondition, /* the sizes a and b of precondition `which` differ */
    lathe_misfit_extent,       /* tensor `which`, outputs behind inputs, has the negative extent a */
    lathe_misfit_overflow,     /* a size does not fit 64 bits */
    lathe_misfit_division      /* a size divides by zero */
} lathe_misfit_kind;

typedef struct lathe_misfit {
    int32_t kind; /* lathe_misfit_kind */
    uint32_t which;
    int64_t a, b;
} lathe_misfit;

/* Functions that become a part of every ahead-of-time compiled object. The version in their names says which tables
   they understand. Their definitions are weak, so that objects of several models link into one program; references to
   them are not, or archives would not be searched for them. */
#define LATHE_PLAN_CODE __attribute__((visibility("hidden")))
#define LATHE_PLAN_DEFINITION __attribute__((weak, visibility("hidden")))

/* The value of an expression; a lathe_misfit_kind. */
LATHE_PLAN_CODE int32_t lathe_evaluate_v5(const lathe_token* tokens, uint32_t count, const int64_t* symbols,
                                          int64_t* value);

/* Bytes that lathe_bind_v5 needs for a plan. */
LATHE_PLAN_CODE int64_t lathe_bound_bytes_v5(const lathe_plan* plan);

/* Writes the plan with these sizes into memory of so many bytes, aligned to 8; it cannot be moved from there. */
LATHE_PLAN_CODE lathe_misfit lathe_bind_v5(const lathe_plan* plan, const int64_t* symbols, void* memory);

/* Runs a bound plan. `workspace` has workspace_bytes, and behind them worker_bytes for each of the pool's workers (for
   one where the pool is null: everything runs on the calling thread); it is aligned to 64. The fault's site is -1 where
   all went well, else one of the plan's; what was written to outputs by then is undefined. */
LATHE_PLAN_CODE lathe_fault lathe_walk_v5(const lathe_bound_plan* bound, const void* const* inputs,
                                          void* const* outputs, void* workspace, const lathe_pool* pool);

#ifdef __cplusplus
}
#endif
#endif
