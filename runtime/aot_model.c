/* The functions of a model that was compiled ahead of time, around its plans. They run before anything is known of the
   processor, so they are compiled for the least x86-64. */
#include "runtime/aot_model.h"

#include "runtime/cpu_features.h"

static int cpu_level(void) {
    static int known; /* 0: not asked yet, else 1 + the level; threads that race find the same */
    int level = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (level == 0) {
        const uint32_t present = lathe_cpu_present();
        level = 1;
        while (level <= 3 && (present & lathe_cpu_needed(level)) == lathe_cpu_needed(level)) ++level;
        __atomic_store_n(&known, level, __ATOMIC_RELAXED);
    }
    return level - 1;
}

static const lathe_plan* plan_of(const lathe_aot_model* model) {
    const int level = cpu_level();
    uint32_t i;
    for (i = 0; i < model->level_count; ++i)
        if (model->levels[i].cpu_level <= level) return model->levels[i].plan;
    return 0;
}

LATHE_PLAN_DEFINITION int64_t lathe_aot_plan_size_v5(const lathe_aot_model* model) {
    const lathe_plan* const plan = plan_of(model);
    return plan ? lathe_bound_bytes_v5(plan) : -LATHE_STATUS_CPU;
}

LATHE_PLAN_DEFINITION int lathe_aot_bind_v5(const lathe_aot_model* model, const int64_t* symbols, void* memory) {
    const lathe_plan* const plan = plan_of(model);
    if (!plan) return LATHE_STATUS_CPU;
    return lathe_bind_v5(plan, symbols, memory).kind == lathe_fits ? LATHE_STATUS_OK : LATHE_STATUS_SIZE;
}

static int64_t extent_of(const lathe_bound_plan* bound, const lathe_plan_tensor* tensor, uint32_t axis) {
    const lathe_plan* const plan = bound->plan;
    const lathe_expression e = plan->expressions[plan->sizes[tensor->first_dim + axis]];
    int64_t extent = 0; /* it is known to fit */
    lathe_evaluate_v5(plan->tokens + e.first, e.count, bound->symbols, &extent);
    return extent;
}

LATHE_PLAN_DEFINITION int lathe_aot_output_dims_v5(const lathe_aot_model* model, const void* memory, int32_t output,
                                                   int64_t* dims) {
    const lathe_bound_plan* const bound = memory;
    const lathe_plan_tensor* tensor;
    uint32_t axis;
    if (output < 0 || output >= model->info->output_count) return LATHE_STATUS_SIZE;
    tensor = &bound->plan->outputs[model->distinct[output]];
    for (axis = 0; axis < tensor->rank; ++axis) dims[axis] = extent_of(bound, tensor, axis);
    return LATHE_STATUS_OK;
}

/* The addresses of the plan's outputs, where several of the model's are the same. */
static int64_t table_bytes(const lathe_aot_model* model) {
    if ((int64_t)model->distinct_count == model->info->output_count) return 0;
    return ((int64_t)model->distinct_count * 8 + 63) / 64 * 64;
}

LATHE_PLAN_DEFINITION int64_t lathe_aot_workspace_size_v5(const lathe_aot_model* model, const void* memory,
                                                          int32_t workers) {
    const lathe_bound_plan* const bound = memory;
    int64_t bytes;
    if (workers < 1 || __builtin_mul_overflow(bound->worker_bytes, (int64_t)workers, &bytes) ||
        __builtin_add_overflow(bytes, bound->workspace_bytes, &bytes) ||
        __builtin_add_overflow(bytes, table_bytes(model), &bytes))
        return -LATHE_STATUS_SIZE;
    return bytes;
}

LATHE_PLAN_DEFINITION int lathe_aot_run_v5(const lathe_aot_model* model, const void* memory, const void* const* inputs,
                                           void* const* outputs, void* workspace, const lathe_pool* pool,
                                           lathe_fault* fault) {
    const lathe_bound_plan* const bound = memory;
    const int64_t table = table_bytes(model);
    void** const distinct = table == 0 ? (void**)outputs : workspace;
    lathe_fault found;
    int32_t i;
    if (table != 0)
        for (i = model->info->output_count - 1; i >= 0; --i) distinct[model->distinct[i]] = outputs[i];
    found = lathe_walk_v5(bound, inputs, distinct, (char*)workspace + table, pool);
    if (found.site >= 0) {
        if (fault) *fault = found;
        return LATHE_STATUS_INDEX;
    }
    if (table != 0)
        for (i = 0; i < model->info->output_count; ++i)
            if (distinct[model->distinct[i]] != outputs[i]) {
                const lathe_plan_tensor* const tensor = &bound->plan->outputs[model->distinct[i]];
                int64_t bytes = tensor->element_size;
                uint32_t axis;
                for (axis = 0; axis < tensor->rank; ++axis) bytes *= extent_of(bound, tensor, axis);
                __builtin_memcpy(outputs[i], distinct[model->distinct[i]], (uint64_t)bytes);
            }
    return LATHE_STATUS_OK;
}
