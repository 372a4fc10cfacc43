/* The C interface of a model that was compiled ahead of time. Plain C; a header written by `lathe compile --header`
   declares the functions below for one model, with the model's name in place of NAME.

       const lathe_model_info* NAME_info(void);
       int64_t NAME_workspace_size(const int64_t* symbols);
       int NAME_output_dims(int32_t output, const int64_t* symbols, int64_t* dims);
       int NAME_run(const void* const* inputs, void* const* outputs, const int64_t* symbols, void* workspace,
                    lathe_parallel_for parallel, void* pool, lathe_fault* fault);

   The object needs nothing but libc, allocates nothing, remembers nothing but what the processor offers, and may be
   called from many threads at once.

   - NAME_workspace_size: the bytes that NAME_run needs for these sizes, or a status, negated, where they do not fit the
     model or the processor does not.
   - NAME_output_dims: writes the extents of an output for these sizes; returns a status.
   - symbols: the values of the model's symbolic dimensions, as many as info->symbol_count.
   - inputs, outputs: dense row-major arrays, in the order of info->inputs and info->outputs. Outputs may overlap
   neither inputs nor each other.
   - workspace: memory of that size, aligned to 64 bytes; its content before and after means nothing.
   - parallel, pool: runs loops on several threads (see lathe_parallel_for); null: everything runs on the calling
   thread. The results have the same bits either way.
   - fault: where LATHE_STATUS_INDEX comes back, which index was out of range: that of the first step that met one,
   with the least site and then the least position. info->sites[fault->site] says what it indexes, and in which line of
   the model's source. Null: the caller does not ask.

   NAME_run returns a status. With LATHE_STATUS_CPU and LATHE_STATUS_SIZE nothing was written. */
#ifndef LATHE_RUNTIME_AOT_H
#define LATHE_RUNTIME_AOT_H

#include "runtime/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LATHE_AOT_VERSION = 2, LATHE_MAX_RANK = 8 };

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
} lathe_model_tensor;

typedef struct lathe_model_info {
    uint32_t format_version;   /* LATHE_AOT_VERSION */
    uint32_t numerics_version; /* which definition of the ops' bits the kernels implement */
    const char* name;
    const char* features; /* processor features that every kernel needs, for people */
    int32_t cpu_level;    /* the least level that the kernels run on: 1: x86-64-v3, 2: x86-64-v4 */
    int32_t symbol_count, input_count, output_count, site_count;
    const char* const* symbols; /* names */
    const lathe_model_tensor* inputs;
    const lathe_model_tensor* outputs;
    const char* const* sites; /* what may be out of range, as "model.cpp:7: gather: index" */
} lathe_model_info;

typedef const lathe_model_info* (*lathe_model_info_function)(void);
typedef int64_t (*lathe_model_workspace_size_function)(const int64_t* symbols);
typedef int (*lathe_model_output_dims_function)(int32_t output, const int64_t* symbols, int64_t* dims);
typedef int (*lathe_model_run_function)(const void* const* inputs, void* const* outputs, const int64_t* symbols,
                                        void* workspace, lathe_parallel_for parallel, void* pool, lathe_fault* fault);

/* The names under which a compiled executable's own program (aot_driver) finds the model. */
const lathe_model_info* lathe_aot_model_info(void);
int64_t lathe_aot_model_workspace_size(const int64_t* symbols);
int lathe_aot_model_output_dims(int32_t output, const int64_t* symbols, int64_t* dims);
int lathe_aot_model_run(const void* const* inputs, void* const* outputs, const int64_t* symbols, void* workspace,
                        lathe_parallel_for parallel, void* pool, lathe_fault* fault);

#ifdef __cplusplus
}
#endif
#endif
