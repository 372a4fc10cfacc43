/* A model as `lathe compile` would emit it: y[n, 2] = (x0 + x1 + x2, x0 - x2) for x[n, 3]. */
#include <stddef.h>

#include "runtime/aot.h"

static const char* const symbols[] = {"batch"};
static const lathe_model_tensor inputs[] = {{"x", LATHE_F32, 2, {-1, 3}}};
static const lathe_model_tensor outputs[] = {{"y", LATHE_F32, 2, {-1, 2}}};
static const lathe_model_info info = {LATHE_AOT_VERSION, 1,      "stand_in", "AVX2, FMA", 1, 1, 1, 1, 0,
                                      symbols,           inputs, outputs,    NULL};

const lathe_model_info* lathe_aot_model_info(void) { return &info; }

int64_t lathe_aot_model_workspace_size(const int64_t* sizes) { return sizes[0] < 0 ? -LATHE_STATUS_SIZE : 64; }

int lathe_aot_model_output_dims(int32_t output, const int64_t* sizes, int64_t* dims) {
    (void)output;
    dims[0] = sizes[0];
    dims[1] = 2;
    return LATHE_STATUS_OK;
}

int lathe_aot_model_run(const void* const* in, void* const* out, const int64_t* sizes, void* workspace,
                        lathe_parallel_for parallel, void* pool, lathe_fault* fault) {
    const float* x = in[0];
    float* y = out[0];
    int64_t i;
    (void)workspace, (void)parallel, (void)pool, (void)fault;
    for (i = 0; i < sizes[0]; ++i, x += 3, y += 2) {
        y[0] = x[0] + x[1] + x[2];
        y[1] = x[0] - x[2];
    }
    return LATHE_STATUS_OK;
}

#ifdef LATHE_SANITIZED
/* The program leaves its memory to the system when it ends. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return 1; }
#endif
