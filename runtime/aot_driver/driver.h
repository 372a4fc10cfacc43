/* The program around a compiled model: reads inputs, runs the model, prints or writes outputs. C11 and libc only. */
#ifndef LATHE_RUNTIME_AOT_DRIVER_DRIVER_H
#define LATHE_RUNTIME_AOT_DRIVER_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/aot.h"

enum { exit_ok = 0, exit_bad_input = 1, exit_bad_usage = 2, exit_bad_cpu = 3 };

/* What is known of an element type. */
typedef struct element_type {
    const char* name;  /* as Lathe writes it */
    const char* descr; /* as .npy files write it, or null */
    size_t size;
} element_type;
extern const element_type lathe_aot_element_types[LATHE_DTYPE_COUNT];

/* Prints one line to standard error and ends the program with the status. */
_Noreturn void lathe_aot_fail(int status, const char* format, ...) __attribute__((format(printf, 2, 3)));

void* lathe_aot_allocate(uint64_t bytes); /* aligned to 64; ends the program where there is no memory */

/* f16 and bf16 from f32, to nearest even, and back. */
uint16_t lathe_aot_narrow(float value, int32_t dtype);
float lathe_aot_widen(uint16_t narrow, int32_t dtype);

/* Reads an input from a .npy or CSV file ("-": standard input), and writes its extents to `dims`; ends the program with
   a message where the file is malformed, or no such input. Negative extents of the input may be any. A row of CSV holds
   all but the first extent, which then have to be numbers. */
void* lathe_aot_read_input(const char* path, const lathe_model_tensor* input, int64_t* dims);

/* Prints one line per row: the index of the largest element (the element itself where a row has one), or all elements
   with commas between. */
void lathe_aot_print_rows(const void* data, int32_t dtype, int64_t rows, int64_t columns, int all);

/* Writes an array as .npy: complete, or not at all. */
void lathe_aot_write_npy(const char* path, const void* data, int32_t dtype, const int64_t* dims, int32_t rank);

#endif
