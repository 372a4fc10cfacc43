#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/aot_driver/driver.h"

/* An element as a number; integers of 64 bits are printed through print_element alone. */
static double element_value(const char* at, int32_t dtype) {
    union {
        double f64;
        float f32;
        int64_t integer;
        uint64_t natural;
    } bits = {0};
    const size_t size = lathe_aot_element_types[dtype].size;
    memcpy(&bits, at, size);
    if (dtype == LATHE_F64) return bits.f64;
    if (dtype == LATHE_F32) return bits.f32;
    if (dtype == LATHE_F16 || dtype == LATHE_BF16) return lathe_aot_widen((uint16_t)bits.natural, dtype);
    if (dtype >= LATHE_I64 && dtype <= LATHE_I8) {
        const int unused = 64 - 8 * (int)size;
        return (double)((int64_t)(bits.natural << unused) >> unused);
    }
    return (double)bits.natural;
}

static void print_element(const char* at, int32_t dtype) {
    uint64_t bits = 0;
    const size_t size = lathe_aot_element_types[dtype].size;
    const int unused = 64 - 8 * (int)size;
    memcpy(&bits, at, size);
    if (dtype == LATHE_F64)
        printf("%.17g", element_value(at, dtype));
    else if (dtype >= LATHE_F32 && dtype <= LATHE_BF16)
        printf("%.9g", element_value(at, dtype));
    else if (dtype >= LATHE_I64 && dtype <= LATHE_I8)
        printf("%" PRId64, (int64_t)(bits << unused) >> unused);
    else
        printf("%" PRIu64, bits);
}

void lathe_aot_print_rows(const void* data, int32_t dtype, int64_t rows, int64_t columns, int all) {
    const size_t size = lathe_aot_element_types[dtype].size;
    const char* at = data;
    int64_t r, c;
    for (r = 0; r < rows; ++r, at += (size_t)columns * size) {
        if (all || columns < 2) {
            for (c = 0; c < columns; ++c) {
                if (c > 0) putchar(',');
                print_element(at + (size_t)c * size, dtype);
            }
        } else {
            int64_t best = 0;
            double largest = element_value(at, dtype);
            for (c = 1; c < columns && largest == largest;
                 ++c) { /* the first NaN wins, else the first of the largest */
                const double value = element_value(at + (size_t)c * size, dtype);
                if (!(largest >= value)) {
                    best = c;
                    largest = value;
                }
            }
            printf("%" PRId64, best);
        }
        putchar('\n');
    }
}

static _Noreturn void fail_to_write(const char* path, const char* temporary) {
    const int reason = errno;
    if (temporary && *temporary) remove(temporary);
    lathe_aot_fail(exit_bad_input, "%s: %s", path, strerror(reason));
}

void lathe_aot_write_npy(const char* path, const void* data, int32_t dtype, const int64_t* dims, int32_t rank) {
    const element_type* const element = &lathe_aot_element_types[dtype];
    char header[512], *temporary;
    const size_t name_bytes = strlen(path) + 8;
    uint64_t bytes = element->size;
    int length, padded, file;
    int32_t i;
    FILE* stream;
    struct stat there;
    const mode_t mask = umask(0);
    umask(mask);
    if (!element->descr)
        lathe_aot_fail(exit_bad_usage, "%s: .npy files do not hold the model's output type %s", path, element->name);
    length = snprintf(header, sizeof header, "\x93NUMPY%c%c%c%c{'descr': '%s', 'fortran_order': False, 'shape': (", 1,
                      0, 0, 0, element->descr);
    for (i = 0; i < rank; ++i) {
        length +=
            snprintf(header + length, sizeof header - (size_t)length, i == 0 ? "%lld," : " %lld,", (long long)dims[i]);
        bytes *= (uint64_t)dims[i];
    }
    if (rank > 1) --length; /* only one dimension keeps its comma */
    length += snprintf(header + length, sizeof header - (size_t)length, "), }");
    padded = (length + 1 + 63) / 64 * 64;
    memset(header + length, ' ', (size_t)(padded - length));
    header[padded - 1] = '\n';
    header[8] = (char)((padded - 10) & 255);
    header[9] = (char)((padded - 10) >> 8);

    temporary = lathe_aot_allocate(name_bytes);
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) { /* a device or a pipe: never replaced */
        *temporary = '\0';
        file = open(path, O_WRONLY);
    } else {
        snprintf(temporary, name_bytes, "%s.XXXXXX", path);
        file = mkstemp(temporary);
    }
    if (file < 0) fail_to_write(path, NULL);
    if (*temporary && fchmod(file, 0666 & ~mask) != 0) fail_to_write(path, temporary);
    stream = fdopen(file, "wb");
    if (!stream) fail_to_write(path, temporary);
    if (fwrite(header, 1, (size_t)padded, stream) != (size_t)padded || fwrite(data, 1, bytes, stream) != bytes ||
        fflush(stream) != 0 || (*temporary && fsync(file) != 0))
        fail_to_write(path, temporary);
    if (fclose(stream) != 0 || (*temporary && rename(temporary, path) != 0)) fail_to_write(path, temporary);
    free(temporary);
}
