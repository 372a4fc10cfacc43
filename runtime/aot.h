/* The C interface of a model that was compiled ahead of time. Plain C; a header written by `lathe compile --header`
   declares the functions below for one model, with the model's name in place of NAME.

       const lathe_model_info* NAME_info(void);
       int64_t NAME_plan_size(void);
       int NAME_bind(const int64_t* symbols, void* plan);
       int NAME_output_dims(const void* plan, int32_t output, int64_t* dims);
       int64_t NAME_workspace_size(const void* plan, int32_t workers);
       int NAME_run(const void* plan, const void* const* inputs, void* const* outputs, void* workspace,
                    const lathe_pool* pool, lathe_fault* fault);

   The object needs nothing but libc (and, where its header says so, the library of linear algebra), allocates nothing,
   remembers nothing but what the processor offers, and may be called from many threads at once.

   - NAME_plan_size: bytes of memory for a plan, or -LATHE_STATUS_CPU.
   - NAME_bind: makes the plan for these sizes, in memory of that many bytes, aligned to 8, which stays where it is.
   symbols: the values of the model's symbolic dimensions, as many as info->symbol_count. Returns a status.
   - NAME_output_dims: writes the extents of an output of the plan; returns a status.
   - NAME_workspace_size: bytes that NAME_run needs where a pool has so many workers (1 without a pool), or
   -LATHE_STATUS_SIZE.
   - NAME_run: runs the plan, as often as wanted, and by several threads at once if each has a workspace of its own.
   Returns a status.
   inputs, outputs: dense row-major arrays, in the order of info->inputs and info->outputs. Outputs may overlap neither
   inputs nor each other.
   workspace: memory of that size, aligned to 64 bytes; its content before and after means nothing.
   pool: runs loops on several threads; null: everything runs on the calling thread. The results have the same bits
   either way.
   fault: where LATHE_STATUS_INDEX comes back, which index was out of range: that of the first step that met one, with
   the least site and then the least position. info->sites[fault->site] says what it indexes, and in which line of the
   model's source. Null: the caller does not ask. */
#ifndef LATHE_RUNTIME_AOT_H
#define LATHE_RUNTIME_AOT_H

#include "runtime/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LATHE_AOT_VERSION = 4, LATHE_MAX_RANK = 8 };

typedef enum lathe_status {
    LATHE_STATUS_OK = 0,
    LATHE_STATUS_CPU = 1,  /* the processor lacks features that the kernels need: info->features */
    LATHE_STATUS_SIZE = 2, /* a symbol is negative, a size overflows, or sizes that must be equal are not */
    LATHE_STATUS_INDEX = 3 /* an index in the data was out of range; the outputs' contents are undefined */
} lathe_status;

typedef enum lathe_dtype {
    LATHE_F64,
    LATHE_F32,
    LATHE_F16,
    LATHE_BF16,
    LATHE_I64,
    LATHE_I32,
    LATHE_I16,
    LATHE_I8,
    LATHE_U64,
    LATHE_U32,
    LATHE_U16,
    LATHE_U8,
    LATHE_BOOL,
    LATHE_DTYPE_COUNT
} lathe_dtype;

/* An extent is a number; or -1 - k: the value of symbol k; or LATHE_COMPUTED: ask NAME_output_dims. */
#define LATHE_COMPUTED INT64_MIN

typedef struct lathe_model_tensor {
    const char* name;
    int32_t dtype; /* lathe_dtype */
    int32_t rank;
    int64_t dims[LATHE_MAX_RANK];
    /* Of an output of which values decide how much there is along an axis: the axis, and the number of the output, an
       int64_t, that says how much of it NAME_run has found. What is behind that means nothing. 0: there is no such
       axis; the outputs that count come last, so that none is number 0. */
    int32_t counted_axis, counted_by;
} lathe_model_tensor;

/* An input of integers that are extents. Callers of NAME_bind give these among the symbols: the inputs from `first` on,
   one for each element, whose first extent it is, have no elements. Their memory is never looked at. */
typedef struct lathe_sized_input {
    lathe_model_tensor tensor; /* as a file holds it */
    int32_t first, count;
} lathe_sized_input;

typedef struct lathe_model_info {
    uint32_t format_version;   /* LATHE_AOT_VERSION */
    uint32_t numerics_version; /* which definition of the ops' bits the kernels implement */
    const char* name;
    const char* features; /* processor features that every kernel needs, for people */
    int32_t cpu_level;    /* the least level that the kernels run on: 1: x86-64-v3, 2: x86-64-v4, 3: with VNNI */
    int32_t symbol_count, input_count, output_count, site_count;
    const char* const* symbols; /* names */
    const lathe_model_tensor* inputs;
    const lathe_model_tensor* outputs;
    const char* const* sites; /* what may be out of range, as "model.cpp:7: gather: index" */
    int32_t sized_count;
    const lathe_sized_input* sized; /* by `first` */
} lathe_model_info;

typedef const lathe_model_info* (*lathe_model_info_function)(void);
typedef int64_t (*lathe_model_plan_size_function)(void);
typedef int (*lathe_model_bind_function)(const int64_t* symbols, void* plan);
typedef int (*lathe_model_output_dims_function)(const void* plan, int32_t output, int64_t* dims);
typedef int64_t (*lathe_model_workspace_size_function)(const void* plan, int32_t workers);
typedef int (*lathe_model_run_function)(const void* plan, const void* const* inputs, void* const* outputs,
                                        void* workspace, const lathe_pool* pool, lathe_fault* fault);

/* The names under which a compiled executable's own program (aot_driver) finds the model. */
const lathe_model_info* lathe_aot_model_info(void);
int64_t lathe_aot_model_plan_size(void);
int lathe_aot_model_bind(const int64_t* symbols, void* plan);
int lathe_aot_model_output_dims(const void* plan, int32_t output, int64_t* dims);
int64_t lathe_aot_model_workspace_size(const void* plan, int32_t workers);
int lathe_aot_model_run(const void* plan, const void* const* inputs, void* const* outputs, void* workspace,
                        const lathe_pool* pool, lathe_fault* fault);

#ifdef __cplusplus
}
#endif
#endif
