/* The plan of a compiled graph, as tables: what runs in this process and what an ahead-of-time compiled object carries
   are the same. Sizes are expressions over symbols, so that one plan serves all shapes. Plain C, no dependencies.

   Memory is named by slots: inputs, then outputs, constants and temporaries. Steps run in order, but for those that
   jump; see bound_plan.h for how a plan gets its sizes and runs. */
#ifndef LATHE_RUNTIME_PLAN_TABLES_H
#define LATHE_RUNTIME_PLAN_TABLES_H

#include "runtime/abi.h"

/* A token of an expression in postfix order. */
typedef struct lathe_token {
    int64_t value; /* of a constant, or the number of a symbol */
    int64_t code;  /* lathe_size_constant ... */
} lathe_token;

enum {
    lathe_size_constant,
    lathe_size_symbol,
    lathe_size_add,
    lathe_size_subtract,
    lathe_size_multiply,
    lathe_size_floordiv, /* rounds towards minus infinity */
    lathe_size_min,
    lathe_size_max
};

/* Entries of the stack that an expression may need. */
enum { lathe_size_stack = 64 };

/* Expressions are referred to by their number in this table; what is called a size below is such a number. */
typedef struct lathe_expression {
    uint32_t first, count; /* tokens */
} lathe_expression;

/* An input or output. */
typedef struct lathe_plan_tensor {
    int64_t element_size;
    uint32_t first_dim, rank; /* in lathe_plan::sizes */
} lathe_plan_tensor;

typedef struct lathe_plan_temporary {
    uint32_t bytes; /* size */
    /* The loop in whose iterations all of its life passes: the number of that step. lathe_no_step: no loop; the content
       lives on from one iteration of any loop to the next. */
    uint32_t within;
} lathe_plan_temporary;

enum { lathe_no_step = 0xffffffffu };

typedef enum lathe_step_kind {
    lathe_step_kernel, /* runs a kernel */
    lathe_step_choice, /* goes on at `target` unless the size `trips` is greater than 0: known when the plan is bound */
    lathe_step_chosen, /* ends the first of a choice's two alternatives: goes on at `target` */
    lathe_step_test,   /* goes on at `target` unless the boolean in slot operands[0] is true */
    lathe_step_jump,   /* goes on at `target`, as behind the first of a test's two alternatives */
    lathe_step_loop,   /* sets `symbol` to 0; goes on at `target`, behind its lathe_step_next, where `trips` is 0 */
    lathe_step_next, /* exchanges pairs of slots, adds 1 to `symbol`; goes on at `target` while that is below `trips` */
    lathe_step_batch /* runs the kernels from here to `target`, which do not depend on each other, as one loop */
} lathe_step_kind;

typedef struct lathe_plan_step {
    uint32_t kind; /* lathe_step_kind */
    uint32_t target;
    uint32_t kernel;                       /* in lathe_plan::kernels */
    uint32_t first_operand, operand_count; /* in lathe_plan::operands: the kernel's arguments; next: pairs of slots */
    uint32_t first_extent, extent_count;   /* in lathe_plan::sizes */
    uint32_t trips;                        /* size: iterations of the kernel's parallel loop, or of this loop */
    uint32_t cost;                         /* size: picoseconds of such an iteration; 0: it never runs in parallel */
    uint32_t workspace;                    /* size: bytes of lathe_task::workspace */
    uint32_t symbol;                       /* of a loop: the number of its iteration */
    uint32_t first_site;                   /* what the kernel calls site 0 is this one of the plan's */
    uint32_t is_dynamic;                   /* the kernel's sizes depend on the iteration of a loop */
    uint32_t repeats; /* every range of iterations repeats some work: as few ranges as there are workers */
} lathe_plan_step;

typedef struct lathe_plan {
    const lathe_token* tokens;
    const lathe_expression* expressions;
    const uint32_t* sizes;
    const uint32_t* operands;
    const uint32_t* preconditions; /* pairs of sizes that must be equal */
    const lathe_plan_tensor* inputs;
    const lathe_plan_tensor* outputs;
    const void* const* constants;
    const lathe_plan_temporary* temporaries;
    const lathe_kernel* kernels;
    const lathe_plan_step* steps;
    const uint32_t* shared; /* expressions: each may use the values of those before it */
    uint32_t expression_count, precondition_count, input_count, output_count, constant_count, temporary_count,
        step_count;
    /* Symbols: those that the caller gives; bytes of the first, second and third level of the caches; iterations of
       loops; values of shared expressions. */
    uint32_t symbol_count, iteration_count, shared_count;
    uint32_t extent_count; /* of all steps */
} lathe_plan;

enum { lathe_machine_symbols = 3 };

#endif
