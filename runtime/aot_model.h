/* A model that was compiled ahead of time, as data of its object: one plan for each level of processors. The compiler
   writes these tables; aot_model.c and bound_plan.c are embedded in the compiler and become a part of every object. Not
   for users: they call the functions of aot.h. */
#ifndef LATHE_RUNTIME_AOT_MODEL_H
#define LATHE_RUNTIME_AOT_MODEL_H

#include "runtime/aot.h"
#include "runtime/bound_plan.h"

/* What runs on one level of processors. */
typedef struct lathe_aot_level {
    int64_t cpu_level; /* as in cpu_features.h */
    const lathe_plan* plan;
} lathe_aot_level;

typedef struct lathe_aot_model {
    const lathe_model_info* info;
    const lathe_aot_level* levels; /* the highest first */
    const uint32_t* distinct;      /* which output of the plan each output is: some may be the same value */
    uint32_t level_count, distinct_count;
} lathe_aot_model;

LATHE_PLAN_CODE int64_t lathe_aot_plan_size_v5(const lathe_aot_model* model);
LATHE_PLAN_CODE int lathe_aot_bind_v5(const lathe_aot_model* model, const int64_t* symbols, void* plan);
LATHE_PLAN_CODE int lathe_aot_output_dims_v5(const lathe_aot_model* model, const void* plan, int32_t output,
                                             int64_t* dims);
LATHE_PLAN_CODE int64_t lathe_aot_workspace_size_v5(const lathe_aot_model* model, const void* plan, int32_t workers);
LATHE_PLAN_CODE int lathe_aot_run_v5(const lathe_aot_model* model, const void* plan, const void* const* inputs,
                                     void* const* outputs, void* workspace, const lathe_pool* pool, lathe_fault* fault);

#endif
