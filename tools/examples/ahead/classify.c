/* Which digit images show, as ../classify.cpp says it, in a program that needs neither Lathe nor a compiler of models:
 *
 *   build/examples/classify mnist-8.onnx --compile digit.o
 *   cc -I. tools/examples/ahead/classify.c frontend/images/decode_image.c digit.o -ljpeg -lpng -o classify
 *   ./classify photograph.jpg
 */
#include <stdio.h>
#include <stdlib.h>

#include "digit.h"
#include "frontend/images/decode_image.h"

/* Sizes and memory for images of one size; NULL where there is none. */
static void* bind(int64_t height, int64_t width, void** workspace) {
    const int64_t symbols[] = {height, width};
    const int64_t size = digit_plan_size();
    void* const plan = size < 0 ? NULL : malloc((size_t)size);
    *workspace = NULL;
    if (plan && digit_bind(symbols, plan) == LATHE_STATUS_OK) {
        const int64_t bytes = digit_workspace_size(plan, 1);
        if (bytes >= 0) *workspace = aligned_alloc(64, (size_t)(bytes + 64) / 64 * 64);
    }
    return plan;
}

static int classify(const char* path) {
    DecodedImage read;
    const char* const failed = decode_image_at(path, &read);
    if (failed) {
        fprintf(stderr, "classify: %s: %s\n", path, failed);
        return 1;
    }
    void* workspace;
    void* const plan = bind(read.height, read.width, &workspace);
    int64_t digit = 0;
    float probability = 0;
    const void* const inputs[] = {read.pixels};
    void* const outputs[] = {&digit, &probability};
    const int status = workspace ? digit_run(plan, inputs, outputs, workspace, NULL, NULL) : LATHE_STATUS_SIZE;
    if (status == LATHE_STATUS_OK)
        printf("%s: %d (%.9g)\n", path, (int)digit, probability);
    else
        fprintf(stderr, "classify: %s: the processor or the size does not fit\n", path);
    free(workspace);
    free(plan);
    free(read.pixels);
    return status == LATHE_STATUS_OK ? 0 : 1;
}

int main(int count, char** words) {
    int status = 0;
    for (int i = 1; i < count; ++i) status |= classify(words[i]);
    return status;
}
