/* A model as `lathe compile` would emit it: y[n, 2] = (x0 + x1 + x2, x0 - x2) for x[n, 3]. */
#include <stddef.h>

#include "runtime/aot.h"

static const char* const symbols[] = {"batch"};
static const lathe_model_tensor inputs[] = {{"x", LATHE_F32, 2, {-1, 3}}};
static const lathe_model_tensor outputs[] = {{"y", LATHE_F32, 2, {-1, 2}}};
static const lathe_model_info info = {LATHE_AOT_VERSION, 1,      "stand_in", "AVX2, FMA", 1, 1, 1, 1, 0,
                                      symbols,           inputs, outputs,    NULL};

const lathe_model_info* lathe_aot_model_info(void) { return &info; }

int64_t lathe_aot_model_plan_size(void) { return 8; }

int lathe_aot_model_bind(const int64_t* sizes, void* plan) {
    *(int64_t*)plan = sizes[0];
    return sizes[0] < 0 ? LATHE_STATUS_SIZE : LATHE_STATUS_OK;
}

int64_t lathe_aot_model_workspace_size(const void* plan, int32_t workers) {
    (void)plan, (void)workers;
    return 64;
}

int lathe_aot_model_output_dims(const void* plan, int32_t output, int64_t* dims) {
    (void)output;
    dims[0] = *(const int64_t*)plan;
    dims[1] = 2;
    return LATHE_STATUS_OK;
}

int lathe_aot_model_run(const void* plan, const void* const* in, void* const* out, void* workspace,
                        const lathe_pool* pool, lathe_fault* fault) {
    const int64_t rows = *(const int64_t*)plan;
    const float* x = in[0];
    float* y = out[0];
    int64_t i;
    (void)workspace, (void)pool, (void)fault;
    for (i = 0; i < rows; ++i, x += 3, y += 2) {
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
