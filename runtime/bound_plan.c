/* Binds plans and walks them. In ahead-of-time compiled objects this runs before anything is known of the processor,
   so it is compiled there for the least x86-64. */
#include "runtime/bound_plan.h"

#include "runtime/cpu_features.h"
#include "runtime/plan_rules.h"

enum { alignment = 64 };

static int64_t aligned(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/* ---- sizes */

static int32_t apply(int64_t code, int64_t a, int64_t b, int64_t* result) {
    switch (code) {
        case lathe_size_add:
            return __builtin_add_overflow(a, b, result) ? lathe_misfit_overflow : lathe_fits;
        case lathe_size_subtract:
            return __builtin_sub_overflow(a, b, result) ? lathe_misfit_overflow : lathe_fits;
        case lathe_size_multiply:
            return __builtin_mul_overflow(a, b, result) ? lathe_misfit_overflow : lathe_fits;
        case lathe_size_floordiv:
            if (b == 0) return lathe_misfit_division;
            if (b == -1) return apply(lathe_size_subtract, 0, a, result);
            *result = a / b - (a % b != 0 && (a < 0) != (b < 0));
            return lathe_fits;
        case lathe_size_min:
            *result = a < b ? a : b;
            return lathe_fits;
        default:
            *result = a > b ? a : b;
            return lathe_fits;
    }
}

LATHE_PLAN_DEFINITION int32_t lathe_evaluate_v5(const lathe_token* token, uint32_t count, const int64_t* symbols,
                                                int64_t* value) {
    const lathe_token* const end = token + count;
    int64_t stack[lathe_size_stack], *top = stack; /* one past the last entry */
    for (; token != end; ++token) {
        if (token->code == lathe_size_constant) {
            *top++ = token->value;
        } else if (token->code == lathe_size_symbol) {
            *top++ = symbols[token->value];
        } else {
            int32_t why;
            --top;
            why = apply(token->code, top[-1], top[0], &top[-1]);
            if (why != lathe_fits) return why;
        }
    }
    *value = stack[0];
    return lathe_fits;
}

static int32_t evaluate(const lathe_plan* plan, uint32_t size, const int64_t* symbols, int64_t* value) {
    const lathe_expression e = plan->expressions[size];
    return lathe_evaluate_v5(plan->tokens + e.first, e.count, symbols, value);
}

/* ---- memory of a bound plan: the record, its arrays, and what placing the temporaries takes */

typedef struct lifetime { /* of a temporary, in steps; none where last < first */
    int64_t bytes;
    uint32_t first, last;
} lifetime;

typedef struct bound_memory {
    lathe_bound_plan* bound;
    int64_t* symbols;
    lathe_bound_step* steps;
    int64_t* extents;
    int64_t* offsets;
    lifetime* lives;
    uint32_t *order, *placed, *dynamic;
    int64_t bytes;
} bound_memory;

static uint32_t symbols_of(const lathe_plan* plan) {
    return plan->symbol_count + lathe_machine_symbols + plan->iteration_count + plan->shared_count;
}

/* Addresses are numbers here: without memory, the sizes alone are asked for. */
static bound_memory lay_out(const lathe_plan* plan, void* memory) {
    const uintptr_t base = (uintptr_t)memory;
    bound_memory m;
    int64_t at = 0;
    m.bound = (lathe_bound_plan*)base;
    at += aligned(sizeof *m.bound);
    m.steps = (lathe_bound_step*)(base + (uintptr_t)at);
    at += (int64_t)plan->step_count * (int64_t)sizeof *m.steps;
    m.symbols = (int64_t*)(base + (uintptr_t)at);
    at += (int64_t)symbols_of(plan) * 8;
    m.extents = (int64_t*)(base + (uintptr_t)at);
    at += (int64_t)plan->extent_count * 8;
    m.offsets = (int64_t*)(base + (uintptr_t)at);
    at += (int64_t)plan->temporary_count * 8;
    m.lives = (lifetime*)(base + (uintptr_t)at);
    at += (int64_t)plan->temporary_count * (int64_t)sizeof *m.lives;
    m.order = (uint32_t*)(base + (uintptr_t)at);
    at += (int64_t)plan->temporary_count * 4;
    m.placed = (uint32_t*)(base + (uintptr_t)at);
    at += (int64_t)plan->temporary_count * 4;
    m.dynamic = (uint32_t*)(base + (uintptr_t)at);
    if (plan->iteration_count > 0) at += (int64_t)plan->extent_count * 4;
    m.bytes = aligned(at);
    return m;
}

LATHE_PLAN_DEFINITION int64_t lathe_bound_bytes_v5(const lathe_plan* plan) { return lay_out(plan, 0).bytes; }

/* ---- binding */

static uint32_t slot_count(const lathe_plan* plan) {
    return plan->input_count + plan->output_count + plan->constant_count + plan->temporary_count;
}
static uint32_t first_temporary(const lathe_plan* plan) {
    return plan->input_count + plan->output_count + plan->constant_count;
}

static lathe_misfit misfit(int32_t kind, uint32_t which, int64_t a, int64_t b) {
    lathe_misfit m;
    m.kind = kind;
    m.which = which;
    m.a = a;
    m.b = b;
    return m;
}

static lathe_misfit check_tensors(const lathe_plan* plan, const lathe_plan_tensor* tensors, uint32_t count,
                                  uint32_t base, const int64_t* symbols) {
    uint32_t i, axis;
    for (i = 0; i < count; ++i) {
        int64_t bytes = tensors[i].element_size;
        for (axis = 0; axis < tensors[i].rank; ++axis) {
            int64_t extent;
            const int32_t why = evaluate(plan, plan->sizes[tensors[i].first_dim + axis], symbols, &extent);
            if (why != lathe_fits) return misfit(why, 0, 0, 0);
            if (extent < 0) return misfit(lathe_misfit_extent, base + i, extent, 0);
            if (__builtin_mul_overflow(bytes, extent, &bytes)) return misfit(lathe_misfit_overflow, 0, 0, 0);
        }
    }
    return misfit(lathe_fits, 0, 0, 0);
}

static lathe_misfit check(const lathe_plan* plan, const int64_t* symbols) {
    uint32_t i;
    lathe_misfit m;
    for (i = 0; i < plan->symbol_count; ++i)
        if (symbols[i] < 0) return misfit(lathe_misfit_symbol, i, symbols[i], 0);
    for (i = 0; i < plan->precondition_count; ++i) {
        int64_t a, b;
        int32_t why = evaluate(plan, plan->preconditions[2 * i], symbols, &a);
        if (why == lathe_fits) why = evaluate(plan, plan->preconditions[2 * i + 1], symbols, &b);
        if (why != lathe_fits) return misfit(why, i, 0, 0);
        if (a != b) return misfit(lathe_misfit_precondition, i, a, b);
    }
    m = check_tensors(plan, plan->inputs, plan->input_count, 0, symbols);
    if (m.kind != lathe_fits) return m;
    return check_tensors(plan, plan->outputs, plan->output_count, plan->input_count, symbols);
}

/* Sizes of a kernel or loop. */
static int32_t resolve(const lathe_plan* plan, const lathe_plan_step* step, const int64_t* symbols, int64_t* extents,
                       int64_t* trips, int64_t* grain) {
    int64_t cost;
    uint32_t i;
    int32_t why = evaluate(plan, step->trips, symbols, trips);
    if (why == lathe_fits) why = evaluate(plan, step->cost, symbols, &cost);
    for (i = 0; i < step->extent_count && why == lathe_fits; ++i)
        why = evaluate(plan, plan->sizes[step->first_extent + i], symbols, &extents[i]);
    if (why == lathe_fits) *grain = lathe_step_grain(*trips, cost);
    return why;
}

static int depends_on_iteration(const lathe_plan* plan, uint32_t size) {
    const lathe_expression e = plan->expressions[size];
    const int64_t first = (int64_t)plan->symbol_count + lathe_machine_symbols;
    uint32_t i;
    for (i = e.first; i < e.first + e.count; ++i)
        if (plan->tokens[i].code == lathe_size_symbol && plan->tokens[i].value >= first &&
            plan->tokens[i].value < first + plan->iteration_count)
            return 1;
    return 0;
}

/* Finds what of a kernel's sizes the iterations of loops change; it is listed from `list` on. */
static void find_dynamic(const lathe_plan* plan, lathe_bound_step* out, uint32_t* list) {
    const lathe_plan_step* const step = &plan->steps[out->number];
    uint32_t i;
    out->dynamic = list;
    out->dynamic_count = 0;
    out->has_dynamic_trips = 0;
    if (!step->is_dynamic) return;
    out->has_dynamic_trips = depends_on_iteration(plan, step->trips) || depends_on_iteration(plan, step->cost);
    for (i = 0; i < step->extent_count; ++i)
        if (depends_on_iteration(plan, plan->sizes[step->first_extent + i])) list[out->dynamic_count++] = i;
}

/* Where the life of a temporary reaches to by its use in a step: to that step alone, or to the ends of the outermost
   loop around the step that the temporary's life is not within. */
static void reach(const lathe_plan* plan, uint32_t step, uint32_t within, uint32_t* first, uint32_t* last) {
    uint32_t s = within == lathe_no_step ? 0 : within + 1;
    *first = *last = step;
    while (s < step) {
        const lathe_plan_step* const loop = &plan->steps[s];
        if (loop->kind == lathe_step_loop && step < loop->target) {
            *first = s;
            *last = loop->target - 1;
            return;
        }
        s = loop->kind == lathe_step_loop ? loop->target : s + 1;
    }
}

static void use(const lathe_plan* plan, bound_memory* m, uint32_t step, uint32_t slot) {
    uint32_t first, last;
    lifetime* life;
    if (slot < first_temporary(plan)) return;
    slot -= first_temporary(plan);
    life = &m->lives[slot];
    if (plan->iteration_count == 0)
        first = last = step;
    else
        reach(plan, step, plan->temporaries[slot].within, &first, &last);
    if (life->last < life->first) {
        life->first = first;
        life->last = last;
        return;
    }
    if (first < life->first) life->first = first;
    if (last > life->last) life->last = last;
}

/* Slots that a loop exchanges may hold each other's memory behind it: both live as long as either. */
static void share_lives(const lathe_plan* plan, bound_memory* m) {
    uint32_t s, i;
    for (s = 0; s < plan->step_count; ++s) {
        const lathe_plan_step* const step = &plan->steps[s];
        if (step->kind != lathe_step_next) continue;
        for (i = 0; i + 1 < step->operand_count; i += 2) {
            const uint32_t a = plan->operands[step->first_operand + i];
            const uint32_t b = plan->operands[step->first_operand + i + 1];
            lifetime *x, *y;
            if (a < first_temporary(plan) || b < first_temporary(plan)) continue;
            x = &m->lives[a - first_temporary(plan)];
            y = &m->lives[b - first_temporary(plan)];
            if (y->first < x->first) x->first = y->first;
            if (y->last > x->last) x->last = y->last;
            y->first = x->first;
            y->last = x->last;
        }
    }
}

/* Temporaries whose lives meet lie side by side; the largest are placed first, each as low as it fits. */
static int32_t place(const lathe_plan* plan, bound_memory* m, int64_t start, int64_t* end) {
    uint32_t count = 0, placed = 0, i, j, gap;
    *end = start;
    for (i = 0; i < plan->temporary_count; ++i) {
        m->offsets[i] = start;
        if (m->lives[i].last < m->lives[i].first || m->lives[i].bytes <= 0) continue;
        m->order[count++] = i;
    }
    for (gap = 1; gap < count / 3;) gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3) /* Shell's sort */
        for (i = gap; i < count; ++i) {
            const uint32_t t = m->order[i];
            for (j = i; j >= gap; j -= gap) {
                const uint32_t other = m->order[j - gap];
                if (m->lives[other].bytes > m->lives[t].bytes ||
                    (m->lives[other].bytes == m->lives[t].bytes && other < t))
                    break;
                m->order[j] = other;
            }
            m->order[j] = t;
        }
    for (i = 0; i < count; ++i) {
        const uint32_t t = m->order[i];
        const lifetime* const life = &m->lives[t];
        int64_t bytes, offset = start, top;
        if (__builtin_add_overflow(life->bytes, alignment - 1, &bytes)) return lathe_misfit_overflow;
        bytes = bytes / alignment * alignment;
        for (j = 0; j < placed; ++j) { /* by offset */
            const uint32_t other = m->placed[j];
            const lifetime* const there = &m->lives[other];
            if (there->last < life->first || life->last < there->first) continue;
            if (__builtin_add_overflow(offset, bytes, &top)) return lathe_misfit_overflow;
            if (m->offsets[other] >= top) break;
            top = m->offsets[other] + aligned(there->bytes);
            if (top > offset) offset = top;
        }
        if (__builtin_add_overflow(offset, bytes, &top)) return lathe_misfit_overflow;
        m->offsets[t] = offset;
        if (top > *end) *end = top;
        for (j = placed++; j > 0 && m->offsets[m->placed[j - 1]] > offset; --j) m->placed[j] = m->placed[j - 1];
        m->placed[j] = t;
    }
    return lathe_fits;
}

/* Chunks of a kernel in a batch. */
static int64_t chunks_of(const lathe_bound_step* step) {
    return step->grain == 0 ? 1 : (step->trips + step->grain - 1) / step->grain;
}

static int32_t bind_batch(const lathe_plan* plan, const bound_memory* m, uint32_t number) {
    lathe_bound_step* const batch = &m->steps[number];
    int64_t chunks = 0, cost = 0, kernel_cost;
    uint32_t s;
    for (s = number + 1; s < plan->steps[number].target; ++s) {
        const int32_t why = evaluate(plan, plan->steps[s].cost, m->symbols, &kernel_cost);
        if (why != lathe_fits) return why;
        m->steps[s].first_chunk = chunks;
        chunks += chunks_of(&m->steps[s]);
        if (__builtin_mul_overflow(kernel_cost, m->steps[s].trips, &kernel_cost) ||
            __builtin_add_overflow(cost, kernel_cost, &cost))
            return lathe_misfit_overflow;
    }
    batch->first_chunk = chunks;
    batch->trips = chunks;
    batch->grain = chunks == 0 ? 0 : lathe_step_grain(chunks, cost / chunks);
    if (batch->grain == 0) { /* its kernels run one by one */
        batch->kind = lathe_step_jump;
        batch->target = number + 1;
    }
    return lathe_fits;
}

LATHE_PLAN_DEFINITION lathe_misfit lathe_bind_v5(const lathe_plan* plan, const int64_t* symbols, void* memory) {
    bound_memory m = lay_out(plan, memory);
    const uint32_t symbol_count = symbols_of(plan);
    int64_t at = 0, worker_bytes = 0, table;
    uint32_t s, i;
    int32_t why;
    lathe_misfit result = check(plan, symbols);
    if (result.kind != lathe_fits) return result;

    for (i = 0; i < symbol_count; ++i) m.symbols[i] = i < plan->symbol_count ? symbols[i] : 0;
    lathe_cache_bytes(m.symbols + plan->symbol_count);
    for (i = 0; i < plan->shared_count; ++i) {
        why = evaluate(plan, plan->shared[i], m.symbols, &m.symbols[symbol_count - plan->shared_count + i]);
        if (why != lathe_fits) return misfit(why, 0, 0, 0);
    }
    m.bound->plan = plan;
    m.bound->symbols = m.symbols;
    m.bound->steps = m.steps;
    m.bound->offsets = m.offsets;
    m.bound->slot_count = slot_count(plan);
    m.bound->is_parallel = 0;
    for (i = 0; i < plan->temporary_count; ++i) {
        m.lives[i].first = 1;
        m.lives[i].last = 0;
        why = evaluate(plan, plan->temporaries[i].bytes, m.symbols, &m.lives[i].bytes);
        if (why != lathe_fits) return misfit(why, 0, 0, 0);
    }
    for (s = 0; s < plan->step_count; ++s) {
        const lathe_plan_step* const step = &plan->steps[s];
        lathe_bound_step* const out = &m.steps[s];
        out->kernel = step->kind == lathe_step_kernel ? plan->kernels[step->kernel] : 0;
        out->operands = step->operand_count > 0 ? plan->operands + step->first_operand : 0;
        out->extents = m.extents + at;
        out->first_chunk = 0;
        out->kind = step->kind;
        out->target = step->target;
        out->first_site = step->first_site;
        out->is_dynamic = (uint8_t)step->is_dynamic;
        out->number = s;
        why = resolve(plan, step, m.symbols, m.extents + at, &out->trips, &out->grain);
        if (why != lathe_fits) return misfit(why, 0, 0, 0);
        find_dynamic(plan, out, m.dynamic + (plan->iteration_count > 0 ? at : 0));
        out->is_plain = step->kind == lathe_step_kernel && out->grain == 0 && !out->has_dynamic_trips;
        at += step->extent_count;
        if (step->kind == lathe_step_choice && out->trips > 0) out->target = s + 1;
        if (step->kind == lathe_step_choice || step->kind == lathe_step_chosen) out->kind = lathe_step_jump;
    }
    /* The alternative that was not chosen uses nothing. Both of a test's may run. */
    for (s = 0; s < plan->step_count;) {
        const lathe_plan_step* const step = &plan->steps[s];
        const int is_batch = step->kind == lathe_step_batch;
        const uint32_t end = is_batch ? step->target : s + 1;
        for (i = s; i < end; ++i) { /* kernels of a batch are alive at once */
            const lathe_plan_step* const inner = &plan->steps[i];
            int64_t bytes;
            uint32_t k;
            for (k = 0; k < inner->operand_count; ++k) use(plan, &m, s, plan->operands[inner->first_operand + k]);
            why = evaluate(plan, inner->workspace, m.symbols, &bytes);
            if (why != lathe_fits) return misfit(why, 0, 0, 0);
            if (bytes > worker_bytes) worker_bytes = bytes;
            if (m.steps[i].grain > 0 || m.steps[i].has_dynamic_trips) m.bound->is_parallel = 1;
        }
        if (is_batch) {
            why = bind_batch(plan, &m, s);
            if (why != lathe_fits) return misfit(why, 0, 0, 0);
            if (m.steps[s].grain > 0) m.bound->is_parallel = 1;
        }
        s = step->kind == lathe_step_choice || step->kind == lathe_step_chosen ? m.steps[s].target : end;
    }
    share_lives(plan, &m);
    table = aligned((int64_t)m.bound->slot_count * 8 +
                    (plan->iteration_count == 0 ? 0 : ((int64_t)symbol_count + plan->extent_count) * 8));
    why = place(plan, &m, table, &m.bound->workspace_bytes);
    if (why != lathe_fits) return misfit(why, 0, 0, 0);
    if (__builtin_add_overflow(worker_bytes, alignment - 1, &worker_bytes))
        return misfit(lathe_misfit_overflow, 0, 0, 0);
    m.bound->worker_bytes = worker_bytes / alignment * alignment;
    return result;
}

/* ---- walking */

/* Floating point as the numerics are defined. */
static uint32_t set_default_rounding(void) {
    const uint32_t previous = __builtin_ia32_stmxcsr();
    if ((previous & lathe_mxcsr_controls) != lathe_mxcsr_defaults)
        __builtin_ia32_ldmxcsr((previous & ~(uint32_t)lathe_mxcsr_controls) | lathe_mxcsr_defaults);
    return previous;
}
static void restore_rounding(uint32_t previous) {
    if ((previous & lathe_mxcsr_controls) != lathe_mxcsr_defaults) __builtin_ia32_ldmxcsr(previous);
}

typedef struct run_state {
    const lathe_bound_plan* bound;
    void** slots;
    int64_t *symbols, *extents; /* of this iteration, as in the bound plan; none where there are no loops */
    char* workers;              /* their workspaces */
    int64_t worker_bytes;
    const lathe_pool* pool;
    lathe_fault fault;
    int32_t busy; /* a worker writes `fault` */
} run_state;

typedef struct step_run {
    const lathe_bound_step* step; /* with its sizes of this iteration */
    run_state* state;
} step_run;

static lathe_task task_of(const run_state* state, int32_t worker) {
    lathe_task task;
    task.fault.site = -1;
    task.fault.is_unsigned = 0;
    task.fault.index = task.fault.bound = task.fault.position = 0;
    task.workspace = state->workers + worker * state->worker_bytes;
    return task;
}

/* Sites of the kernel become sites of the plan. */
static void number_site(lathe_fault* fault, const lathe_bound_step* step) {
    if (fault->site >= 0 && fault->site != LATHE_SITE_MEMORY) fault->site += (int32_t)step->first_site;
}

/* The extents of a kernel in this iteration: those that depend on it are evaluated anew. They fitted when the plan was
   bound, with iteration 0, and are of the same kind in all others; null where they do not. */
static const int64_t* extents_of(const lathe_bound_step* step, const run_state* state) {
    const lathe_bound_plan* const bound = state->bound;
    const lathe_plan* const plan = bound->plan;
    const uint32_t first = plan->steps[step->number].first_extent;
    int64_t* const extents = state->extents + (step->extents - bound->steps[0].extents);
    uint32_t i;
    for (i = 0; i < step->dynamic_count; ++i) {
        const uint32_t e = step->dynamic[i];
        if (evaluate(plan, plan->sizes[first + e], state->symbols, &extents[e]) != lathe_fits) return 0;
    }
    return extents;
}

static void run_kernel_range(void* context, int64_t begin, int64_t end, int32_t worker) {
    const step_run* const run = context;
    lathe_task task = task_of(run->state, worker);
    const uint32_t previous = set_default_rounding(); /* of the thread that this runs on */
    run->step->kernel(run->state->slots, run->step->operands, run->step->extents, begin, end, &task);
    restore_rounding(previous);
    number_site(&task.fault, run->step);
    lathe_merge_fault(&run->state->fault, &task.fault, &run->state->busy);
}

static void run_batch_range(void* context, int64_t begin, int64_t end, int32_t worker) {
    const step_run* const run = context;
    const lathe_bound_step* const batch = run->step;
    const lathe_bound_step* step = batch + 1;
    const uint32_t count = batch->target - batch->number - 1;
    uint32_t low = 0, high = count; /* the last kernel that begins at `begin` or before it */
    lathe_task task = task_of(run->state, worker);
    const uint32_t previous = set_default_rounding();
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (step[middle].first_chunk <= begin)
            low = middle;
        else
            high = middle;
    }
    for (; low < count && step[low].first_chunk < end; ++low) {
        const lathe_bound_step* const s = &step[low];
        const int64_t grain = s->grain == 0 ? s->trips : s->grain;
        const int64_t from = begin > s->first_chunk ? begin - s->first_chunk : 0;
        int64_t last = (end - s->first_chunk) * grain;
        if (last > s->trips || s->grain == 0) last = s->trips;
        const int64_t* extents = s->extents;
        if (s->is_dynamic) extents = run->state->extents + (extents - run->state->bound->steps[0].extents);
        task.fault.site = -1;
        s->kernel(run->state->slots, s->operands, extents, from * grain, last, &task);
        number_site(&task.fault, s);
        lathe_merge_fault(&run->state->fault, &task.fault, &run->state->busy);
    }
    restore_rounding(previous);
}

static void run_step(const lathe_bound_step* step, run_state* state, lathe_range range) {
    step_run run;
    run.step = step;
    run.state = state;
    if (step->grain > 0 && state->pool) {
        int64_t grain = step->grain;
        if (state->bound->plan->steps[step->number].repeats) {
            const int64_t share = step->trips / (state->pool->workers > 0 ? state->pool->workers : 1);
            if (share > grain) grain = share;
        }
        state->pool->parallel_for(state->pool->context, step->trips, grain, range, &run);
    } else
        range(&run, 0, step->trips, 0);
}

static void run_dynamic(const lathe_bound_step* step, run_state* state) {
    const lathe_plan* const plan = state->bound->plan;
    const lathe_plan_step* const of_plan = &plan->steps[step->number];
    lathe_bound_step now = *step;
    int64_t cost;
    now.extents = extents_of(step, state);
    if (!now.extents) return;
    if (step->has_dynamic_trips) {
        if (evaluate(plan, of_plan->trips, state->symbols, &now.trips) != lathe_fits ||
            evaluate(plan, of_plan->cost, state->symbols, &cost) != lathe_fits)
            return;
        now.grain = lathe_step_grain(now.trips, cost);
    }
    run_step(&now, state, run_kernel_range);
}

/* Any step but a kernel that runs on one thread; the number of the one to go on with. */
static uint32_t control(const lathe_bound_plan* bound, uint32_t number, run_state* state) {
    const lathe_plan* const plan = bound->plan;
    const lathe_bound_step* const step = &bound->steps[number];
    const lathe_plan_step* const of_plan = &plan->steps[number];
    int64_t* const symbols = state->symbols;
    uint32_t i;
    switch (step->kind) {
        case lathe_step_kernel:
            if (step->is_dynamic)
                run_dynamic(step, state);
            else
                run_step(step, state, run_kernel_range);
            return number + 1;
        case lathe_step_jump:
            return step->target;
        case lathe_step_test:
            return *(const uint8_t*)state->slots[step->operands[0]] ? number + 1 : step->target;
        case lathe_step_loop:
            symbols[of_plan->symbol] = 0;
            return step->trips > 0 ? number + 1 : step->target;
        case lathe_step_next:
            for (i = 0; i + 1 < of_plan->operand_count; i += 2) {
                void** const a = &state->slots[step->operands[i]];
                void** const b = &state->slots[step->operands[i + 1]];
                void* const kept = *a;
                *a = *b;
                *b = kept;
            }
            return ++symbols[of_plan->symbol] < step->trips ? step->target : number + 1;
        default: /* a batch */
            if (!state->pool) return number + 1;
            for (i = number + 1; i < step->target; ++i)
                if (bound->steps[i].is_dynamic && !extents_of(&bound->steps[i], state)) return step->target;
            run_step(step, state, run_batch_range);
            return step->target;
    }
}

LATHE_PLAN_DEFINITION lathe_fault lathe_walk_v5(const lathe_bound_plan* bound, const void* const* inputs,
                                                void* const* outputs, void* workspace, const lathe_pool* pool) {
    const lathe_plan* const plan = bound->plan;
    const uint32_t step_count = plan->step_count;
    const uint32_t rounding = set_default_rounding();
    void** slot = workspace;
    lathe_task task;
    run_state state;
    uint32_t i;
    state.bound = bound;
    state.slots = workspace;
    state.symbols = state.extents = 0;
    state.workers = (char*)workspace + bound->workspace_bytes;
    state.worker_bytes = bound->worker_bytes;
    state.pool = pool;
    state.fault.site = -1;
    state.busy = 0;
    task.fault.site = -1;
    task.workspace = state.workers;
    for (i = 0; i < plan->input_count; ++i) *slot++ = (void*)inputs[i];
    for (i = 0; i < plan->output_count; ++i) *slot++ = outputs[i];
    for (i = 0; i < plan->constant_count; ++i) *slot++ = (void*)plan->constants[i];
    for (i = 0; i < plan->temporary_count; ++i) *slot++ = (char*)workspace + bound->offsets[i];
    if (plan->iteration_count > 0) {
        const uint32_t count = symbols_of(plan);
        state.symbols = (int64_t*)slot;
        state.extents = state.symbols + count;
        for (i = 0; i < count; ++i) state.symbols[i] = bound->symbols[i];
        for (i = 0; i < plan->extent_count; ++i) state.extents[i] = bound->steps[0].extents[i];
    }
    for (i = 0; i < step_count;) {
        const lathe_bound_step* const step = &bound->steps[i];
        if (__builtin_expect(step->is_plain || (step->kind == lathe_step_kernel && !pool && !step->has_dynamic_trips),
                             1)) {
            const int64_t* extents = step->extents;
            ++i;
            if (step->is_dynamic) {
                extents = extents_of(step, &state);
                if (!extents) continue;
            }
            step->kernel(state.slots, step->operands, extents, 0, step->trips, &task);
            if (__builtin_expect(task.fault.site < 0, 1)) continue;
            number_site(&task.fault, step);
            state.fault = task.fault;
            break;
        }
        i = control(bound, i, &state);
        if (__builtin_expect(state.fault.site >= 0, 0)) break;
    }
    restore_rounding(rounding);
    return state.fault;
}
