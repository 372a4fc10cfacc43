/* Walks the plan of a model that was compiled ahead of time. Runs before anything is known of the processor, so it is
   compiled for the least x86-64. Allocates nothing; the one thing that it remembers is what the processor offers. */
#include "runtime/aot_plan.h"
#include "runtime/cpu_features.h"
#include "runtime/plan_rules.h"

enum { alignment = 64 };

static int cpu_level(void) {
    static int known; /* 0: not asked yet, else 1 + the level; threads that race find the same */
    int level = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (level == 0) {
        const uint32_t present = lathe_cpu_present();
        level = 1;
        while (level <= 2 && (present & lathe_cpu_needed(level)) == lathe_cpu_needed(level)) ++level;
        __atomic_store_n(&known, level, __ATOMIC_RELAXED);
    }
    return level - 1;
}

static const lathe_aot_program* program_of(const lathe_aot_plan* plan) {
    const int level = cpu_level();
    uint32_t i;
    for (i = 0; i < plan->program_count; ++i)
        if (plan->programs[i].cpu_level <= level) return &plan->programs[i];
    return 0;
}

/* False where the value does not fit. */
static int evaluate(const lathe_aot_plan* plan, uint32_t number, const int64_t* symbols, int64_t* value) {
    const lathe_aot_expression expression = plan->expressions[number];
    const lathe_aot_token* token = plan->tokens + expression.first;
    const lathe_aot_token* const end = token + expression.count;
    int64_t stack[lathe_aot_stack], *top = stack; /* one past the last entry */
    for (; token != end; ++token) {
        if (token->code == lathe_size_constant) {
            *top++ = token->value;
        } else if (token->code == lathe_size_symbol) {
            *top++ = symbols[token->value];
        } else {
            --top;
            if (lathe_size_apply((int)token->code, top[-1], top[0], &top[-1]) != lathe_size_fits) return 0;
        }
    }
    *value = stack[0];
    return 1;
}

/* Of an expression that is known to fit. */
static int64_t value_of(const lathe_aot_plan* plan, uint32_t number, const int64_t* symbols) {
    int64_t value = 0;
    evaluate(plan, number, symbols, &value);
    return value;
}

/* The tensor's bytes; -1 where they do not fit. */
static int64_t tensor_bytes(const lathe_aot_plan* plan, const lathe_aot_tensor* tensor, const int64_t* symbols) {
    int64_t bytes = tensor->element_size, extent;
    uint64_t axis;
    for (axis = 0; axis < tensor->rank; ++axis)
        if (!evaluate(plan, tensor->dims[axis], symbols, &extent) || extent < 0 ||
            __builtin_mul_overflow(bytes, extent, &bytes))
            return -1;
    return bytes;
}

static int sizes_fit(const lathe_aot_plan* plan, const int64_t* symbols) {
    int64_t value;
    int32_t i;
    uint32_t k;
    for (i = 0; i < plan->info->symbol_count; ++i)
        if (symbols[i] < 0) return 0;
    for (k = 0; k < plan->expression_count; ++k)
        if (!evaluate(plan, k, symbols, &value)) return 0;
    for (k = 0; k < plan->precondition_count; ++k)
        if (value_of(plan, plan->preconditions[2 * k], symbols) !=
            value_of(plan, plan->preconditions[2 * k + 1], symbols))
            return 0;
    for (i = 0; i < plan->info->input_count; ++i)
        if (tensor_bytes(plan, &plan->inputs[i], symbols) < 0) return 0;
    for (i = 0; i < plan->info->output_count; ++i)
        if (tensor_bytes(plan, &plan->outputs[i], symbols) < 0) return 0;
    return 1;
}

/* Where the temporaries begin: behind the slots and the extents of a step. */
static int64_t table_bytes(const lathe_aot_program* program) {
    const uint64_t bytes = ((uint64_t)program->slot_count + program->most_extents) * 8;
    return (int64_t)((bytes + alignment - 1) / alignment * alignment);
}

/* Bytes of the workspace, -1 where they do not fit; with `slots` also puts the temporaries' addresses there. */
static int64_t place(const lathe_aot_plan* plan, const lathe_aot_program* program, const int64_t* symbols,
                     void** slots) {
    int64_t offset = table_bytes(program), block = 0;
    uint32_t t;
    for (t = 0; t < program->temporary_count; ++t) {
        const lathe_aot_temporary* const temporary = &program->temporaries[t];
        int64_t bytes = value_of(plan, temporary->bytes, symbols);
        if (bytes < 0 || __builtin_add_overflow(bytes, alignment - 1, &bytes)) return -1;
        bytes = bytes / alignment * alignment;
        if (t > 0 && temporary->block != temporary[-1].block) {
            if (__builtin_add_overflow(offset, block, &offset)) return -1;
            block = 0;
        }
        if (bytes > block) block = bytes;
        if (slots) slots[temporary->slot] = (char*)slots + offset;
    }
    return __builtin_add_overflow(offset, block, &offset) ? -1 : offset;
}

int64_t lathe_aot_walk_size_v2(const lathe_aot_plan* plan, const int64_t* symbols) {
    const lathe_aot_program* const program = program_of(plan);
    int64_t bytes;
    if (!program) return -LATHE_STATUS_CPU;
    if (!sizes_fit(plan, symbols)) return -LATHE_STATUS_SIZE;
    bytes = place(plan, program, symbols, 0);
    return bytes < 0 ? -LATHE_STATUS_SIZE : bytes;
}

int lathe_aot_walk_dims_v2(const lathe_aot_plan* plan, int32_t output, const int64_t* symbols, int64_t* dims) {
    const lathe_aot_tensor* tensor;
    uint64_t axis;
    if (output < 0 || output >= plan->info->output_count || !sizes_fit(plan, symbols)) return LATHE_STATUS_SIZE;
    tensor = &plan->outputs[output];
    for (axis = 0; axis < tensor->rank; ++axis) dims[axis] = value_of(plan, tensor->dims[axis], symbols);
    return LATHE_STATUS_OK;
}

static uint32_t set_default_rounding(void) {
    const uint32_t previous = __builtin_ia32_stmxcsr();
    if ((previous & lathe_mxcsr_controls) != lathe_mxcsr_defaults)
        __builtin_ia32_ldmxcsr((previous & ~(uint32_t)lathe_mxcsr_controls) | lathe_mxcsr_defaults);
    return previous;
}

static void restore_rounding(uint32_t previous) {
    if ((previous & lathe_mxcsr_controls) != lathe_mxcsr_defaults) __builtin_ia32_ldmxcsr(previous);
}

typedef struct step_task {
    const lathe_aot_step* step;
    void* const* slots;
    const int64_t* extents;
    lathe_fault* fault;
    int32_t busy;
} step_task;

static void run_range(void* context, int64_t begin, int64_t end) {
    step_task* const task = context;
    lathe_fault own = {-1, 0, 0, 0, 0};
    const uint32_t previous = set_default_rounding(); /* of the thread that this runs on */
    task->step->kernel(task->slots, task->step->operands, task->extents, begin, end, &own);
    restore_rounding(previous);
    lathe_merge_fault(task->fault, &own, &task->busy);
}

static int run_steps(const lathe_aot_plan* plan, const lathe_aot_program* program, const int64_t* symbols,
                     void* const* slots, int64_t* extents, lathe_parallel_for parallel, void* pool,
                     lathe_fault* first) {
    lathe_fault fault = {-1, 0, 0, 0, 0};
    const lathe_aot_step* step = program->steps;
    const lathe_aot_step* const end = step + program->step_count;
    for (; step != end; ++step) {
        const int64_t trips = value_of(plan, step->trips, symbols);
        const int64_t grain = parallel ? lathe_step_grain(trips, value_of(plan, step->cost, symbols)) : 0;
        uint32_t i;
        for (i = 0; i < step->extent_count; ++i) extents[i] = value_of(plan, step->extents[i], symbols);
        if (grain > 0) {
            step_task task;
            task.step = step;
            task.slots = slots;
            task.extents = extents;
            task.fault = &fault;
            task.busy = 0;
            parallel(pool, trips, grain, run_range, &task);
        } else {
            step->kernel(slots, step->operands, extents, 0, trips, &fault);
        }
        if (fault.site >= 0) {
            fault.site += (int32_t)step->first_site;
            if (first) *first = fault;
            return LATHE_STATUS_INDEX;
        }
    }
    return LATHE_STATUS_OK;
}

int lathe_aot_walk_run_v2(const lathe_aot_plan* plan, const void* const* inputs, void* const* outputs,
                          const int64_t* symbols, void* workspace, lathe_parallel_for parallel, void* pool,
                          lathe_fault* fault) {
    const lathe_aot_program* const program = program_of(plan);
    const lathe_model_info* const info = plan->info;
    void** const slots = workspace;
    void** distinct;
    uint32_t rounding, k;
    int32_t i;
    int status;
    if (!program) return LATHE_STATUS_CPU;
    if (!sizes_fit(plan, symbols) || place(plan, program, symbols, 0) < 0) return LATHE_STATUS_SIZE;

    distinct = slots + info->input_count;
    for (i = 0; i < info->input_count; ++i) slots[i] = (void*)inputs[i];
    for (i = info->output_count - 1; i >= 0; --i) distinct[plan->distinct[i]] = outputs[i];
    for (k = 0; k < program->constant_count; ++k) distinct[plan->distinct_count + k] = (void*)program->constants[k];
    place(plan, program, symbols, slots);

    rounding = set_default_rounding();
    status = run_steps(plan, program, symbols, slots, (int64_t*)(slots + program->slot_count), parallel, pool, fault);
    restore_rounding(rounding);
    if (status != LATHE_STATUS_OK) return status;

    for (i = 0; i < info->output_count; ++i) /* outputs that are the same value */
        if (distinct[plan->distinct[i]] != outputs[i])
            __builtin_memcpy(outputs[i], distinct[plan->distinct[i]],
                             (uint64_t)tensor_bytes(plan, &plan->outputs[i], symbols));
    return LATHE_STATUS_OK;
}
