/* The plan of a model that was compiled ahead of time, as tables in its object, and the functions that walk them. The
   compiler writes the tables; aot_walk.c is embedded in the compiler and becomes a part of every object. Not for users:
   they call the functions of aot.h. */
#ifndef LATHE_RUNTIME_AOT_PLAN_H
#define LATHE_RUNTIME_AOT_PLAN_H

#include "runtime/aot.h"

/* A token of an expression in postfix order. */
typedef struct lathe_aot_token {
    int64_t value; /* of a constant, or the number of a symbol */
    int64_t code;  /* see plan_rules.h */
} lathe_aot_token;

/* Stack entries that an expression may need. */
enum { lathe_aot_stack = 64 };

/* Expressions are referred to by their number in this table. */
typedef struct lathe_aot_expression {
    uint32_t first, count; /* tokens */
} lathe_aot_expression;

/* An input or output. */
typedef struct lathe_aot_tensor {
    int64_t element_size;
    const uint32_t* dims; /* expressions */
    uint64_t rank;
} lathe_aot_tensor;

typedef struct lathe_aot_step {
    lathe_kernel kernel;
    const uint32_t* operands; /* slots: inputs, distinct outputs, constants, temporaries */
    const uint32_t* extents;  /* expressions */
    uint32_t extent_count;
    uint32_t trips, cost; /* expressions */
    uint32_t first_site;  /* what the kernel calls site 0 is info->sites[first_site] */
} lathe_aot_step;

/* Temporaries are listed by block; those in a block have the same memory, as large as the largest of them. */
typedef struct lathe_aot_temporary {
    uint32_t slot, bytes /* expression */, block, reserved;
} lathe_aot_temporary;

/* What runs on one level of processors. */
typedef struct lathe_aot_program {
    int64_t cpu_level; /* as in cpu_features.h */
    const lathe_aot_step* steps;
    const void* const* constants;
    const lathe_aot_temporary* temporaries;
    uint32_t step_count, constant_count, temporary_count;
    uint32_t slot_count;
    uint32_t most_extents; /* of a step */
    uint32_t reserved;
} lathe_aot_program;

typedef struct lathe_aot_plan {
    const lathe_model_info* info;
    const lathe_aot_token* tokens;
    const lathe_aot_expression* expressions;
    const uint32_t* preconditions; /* pairs of expressions that must be equal */
    const lathe_aot_tensor* inputs;
    const lathe_aot_tensor* outputs;
    const uint32_t* distinct;          /* which of the distinct outputs each output is */
    const lathe_aot_program* programs; /* the highest level first */
    uint32_t expression_count, precondition_count, distinct_count, program_count;
} lathe_aot_plan;

/* Weak, so that objects of several models link into one program; the version says which tables they understand. */
#define LATHE_AOT_WALK __attribute__((weak, visibility("hidden")))
LATHE_AOT_WALK int64_t lathe_aot_walk_size_v2(const lathe_aot_plan* plan, const int64_t* symbols);
LATHE_AOT_WALK int lathe_aot_walk_dims_v2(const lathe_aot_plan* plan, int32_t output, const int64_t* symbols,
                                          int64_t* dims);
LATHE_AOT_WALK int lathe_aot_walk_run_v2(const lathe_aot_plan* plan, const void* const* inputs, void* const* outputs,
                                         const int64_t* symbols, void* workspace, lathe_parallel_for parallel,
                                         void* pool, lathe_fault* fault);

#endif
