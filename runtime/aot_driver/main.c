#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/aot_driver/driver.h"
#include "runtime/cpu_features.h"
#include "runtime/memory_room.h"

const element_type lathe_aot_element_types[LATHE_DTYPE_COUNT] = {
    {"f64", "<f8", 8}, {"f32", "<f4", 4}, {"f16", "<f2", 2},  {"bf16", NULL, 2}, {"i64", "<i8", 8},
    {"i32", "<i4", 4}, {"i16", "<i2", 2}, {"i8", "|i1", 1},   {"u64", "<u8", 8}, {"u32", "<u4", 4},
    {"u16", "<u2", 2}, {"u8", "|u1", 1},  {"bool", "|b1", 1},
};

static const char* program = "model";

/* Whether a byte above ASCII is part of a whole character of UTF-8 that is no control. */
static int in_character(const char* text, const char* at) {
    const unsigned char* lead = (const unsigned char*)at;
    int length, i;
    for (i = 0; i < 3 && (*lead & 0xc0) == 0x80 && (const char*)lead > text; ++i) --lead;
    length = *lead >= 0xc2 && *lead < 0xe0   ? 2
             : *lead >= 0xe0 && *lead < 0xf0 ? 3
             : *lead >= 0xf0 && *lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || (const unsigned char*)at - lead >= length) return 0;
    if (lead[0] == 0xc2 && lead[1] < 0xa0) return 0;
    for (i = 1; i < length; ++i)
        if ((lead[i] & 0xc0) != 0x80) return 0;
    return 1;
}

void lathe_aot_fail(int status, const char* format, ...) {
    char message[2048], *at;
    va_list arguments;
    int length = snprintf(message, sizeof message / 2, "%s: ", program);
    if (length > (int)sizeof message / 2 - 1) length = (int)sizeof message / 2 - 1;
    va_start(arguments, format);
    vsnprintf(message + length, sizeof message - (size_t)length, format, arguments);
    va_end(arguments);
    for (at = message; *at; ++at) /* names and cells come from outside: terminals obey controls */
        if ((unsigned char)*at < ' ' || (unsigned char)*at == 127 ||
            ((unsigned char)*at >= 0x80 && !in_character(message, at)))
            *at = '?';
    fprintf(stderr, "%s\n", message);
    exit(status);
}

void* lathe_aot_allocate(uint64_t bytes) {
    static uint64_t room, large; /* what there was at first; what has been taken of it in large pieces */
    const uint64_t rounded = bytes > UINT64_MAX - 64 ? UINT64_MAX : (bytes + 64) / 64 * 64;
    void* data = rounded > PTRDIFF_MAX ? NULL : aligned_alloc(64, (size_t)rounded);
    if (bytes >= lathe_large_memory) {
        if (large == 0) room = lathe_memory_room("");
        if (__builtin_add_overflow(large, bytes, &large) || large > room) data = NULL;
    }
    if (!data) lathe_aot_fail(exit_bad_input, "there is no memory for %llu bytes", (unsigned long long)bytes);
    return data;
}

/* LATHE_CPU_DENY=AVX2,FMA treats features as missing, so that tests can see what happens where they are. */
static int denied(const char* feature) {
    const char* list = getenv("LATHE_CPU_DENY");
    const size_t length = strlen(feature);
    while (list && *list) {
        const char* const comma = strchr(list, ',');
        const size_t part = comma ? (size_t)(comma - list) : strlen(list);
        if (part == length && strncmp(list, feature, length) == 0) return 1;
        list = comma ? comma + 1 : NULL;
    }
    return 0;
}

static void require_cpu(const lathe_model_info* info) {
    const uint32_t present = lathe_cpu_present(), needed = lathe_cpu_needed(info->cpu_level);
    char missing[256] = "";
    int k;
    for (k = 0; k < lathe_cpu_feature_count; ++k) {
        const char* const name = lathe_cpu_features[k].name;
        if (!(needed >> k & 1) || ((present >> k & 1) && !denied(name))) continue;
        if (*missing) strcat(missing, ", "); /* all names together are shorter than the array */
        strcat(missing, name);
    }
    if (*missing) lathe_aot_fail(exit_bad_cpu, "this processor lacks %s, which the model was compiled for", missing);
}

typedef struct options {
    const char* input;
    const char* output;
    int logits;
} options;

/* A tensor's type as Lathe writes it: f32[batch, 10]. */
static void write_type(const lathe_model_info* info, const lathe_model_tensor* tensor, char* to, size_t size) {
    size_t length = (size_t)snprintf(to, size, "%s[", lathe_aot_element_types[tensor->dtype].name);
    int32_t i;
    for (i = 0; i < tensor->rank && length < size; ++i) {
        const int64_t extent = tensor->dims[i];
        const char* const before = i > 0 ? ", " : "";
        if (extent >= 0)
            length += (size_t)snprintf(to + length, size - length, "%s%lld", before, (long long)extent);
        else
            length += (size_t)snprintf(to + length, size - length, "%s%s", before,
                                       extent == LATHE_COMPUTED ? "?" : info->symbols[-1 - extent]);
    }
    if (length < size) snprintf(to + length, size - length, "]");
}

static void print_help(const lathe_model_info* info, const lathe_model_tensor* input, int64_t columns) {
    char type[512];
    write_type(info, &info->outputs[0], type, sizeof type);
    printf(
        "usage: %s [--logits] [--output FILE.npy] INPUT\n"
        "Runs the model '%s' on rows of %lld numbers (%s) and prints its output, %s.\n"
        "%s\n"
        "\n"
        "  INPUT              a .csv file, a .npy file, or - for standard input\n"
        "  --logits           print all numbers of each row, with commas between\n"
        "  --output FILE.npy  write the outputs to a file and print nothing\n"
        "  --help             print this\n"
        "\n"
        "example: %s --logits rows.csv\n"
        "exit status: 0 done, 1 bad input, 2 wrong usage, 3 a processor without %s\n",
        program, info->name, (long long)columns, lathe_aot_element_types[input->dtype].name, type,
        info->outputs[0].rank < 2
            ? "One line for each number."
            : "One line for each row of the last axis, in order: the index of the row's largest number.",
        program, info->features);
}

static options parse_arguments(int count, char** arguments, const lathe_model_info* info,
                               const lathe_model_tensor* input, int64_t columns) {
    options o = {NULL, NULL, 0};
    int i, only_paths = 0;
    for (i = 1; i < count; ++i) {
        const char* const argument = arguments[i];
        if (only_paths || argument[0] != '-' || argument[1] == '\0') {
            if (o.input) lathe_aot_fail(exit_bad_usage, "one INPUT is expected, see --help");
            o.input = argument;
        } else if (strcmp(argument, "--") == 0) {
            only_paths = 1;
        } else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            print_help(info, input, columns);
            exit(exit_ok);
        } else if (strcmp(argument, "--logits") == 0) {
            o.logits = 1;
        } else if (strcmp(argument, "--output") == 0) {
            if (++i == count) lathe_aot_fail(exit_bad_usage, "--output needs a file name, see --help");
            o.output = arguments[i];
        } else {
            lathe_aot_fail(exit_bad_usage, "'%s' is no option, see --help", argument);
        }
    }
    if (!o.input) lathe_aot_fail(exit_bad_usage, "an INPUT is expected, see --help");
    return o;
}

static uint64_t checked_multiply(uint64_t a, uint64_t b) {
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) lathe_aot_fail(exit_bad_input, "the sizes do not fit 64 bits");
    return product;
}

static void fail_for_index(const char* input, const lathe_model_info* info, const lathe_fault* fault) {
    char index[24];
    if (fault->is_unsigned)
        snprintf(index, sizeof index, "%llu", (unsigned long long)fault->index);
    else
        snprintf(index, sizeof index, "%lld", (long long)fault->index);
    lathe_aot_fail(exit_bad_input, "%s: %s %s at position %lld is out of range for %lld", input,
                   info->sites[fault->site], index, (long long)fault->position, (long long)fault->bound);
}

int main(int count, char** arguments) {
    const lathe_model_info* const info = lathe_aot_model_info();
    const lathe_model_tensor *input, *output;
    const void* inputs[1];
    void** outputs;
    void *plan, *workspace;
    int64_t dims[LATHE_MAX_RANK], rows, columns = 1, symbols[1], workspace_bytes;
    uint64_t elements = 0;
    options o;
    row_table table;
    lathe_fault fault;
    int32_t i, k;
    int status;

    if (count > 0 && arguments[0]) {
        const char* const slash = strrchr(arguments[0], '/');
        program = slash ? slash + 1 : arguments[0];
    }
    require_cpu(info);
    input = info->inputs;
    output = info->outputs;
    if (info->input_count != 1 || info->output_count < 1 || input->rank < 1 || info->symbol_count > 1 ||
        (info->symbol_count == 1 && input->dims[0] != -1))
        lathe_aot_fail(exit_bad_usage, "this program runs models with one input of rows; call the C interface instead");
    for (i = 1; i < input->rank; ++i) columns = (int64_t)checked_multiply((uint64_t)columns, (uint64_t)input->dims[i]);
    o = parse_arguments(count, arguments, info, input, columns);

    table = lathe_aot_read_rows(o.input, input->dtype, input->dims + 1, input->rank - 1);
    rows = table.rows;
    if (input->dims[0] >= 0 && rows != input->dims[0])
        lathe_aot_fail(exit_bad_input, "%s: has %lld rows, the model takes %lld", o.input, (long long)rows,
                       (long long)input->dims[0]);
    symbols[0] = rows;
    plan = lathe_aot_allocate((uint64_t)lathe_aot_model_plan_size()); /* the processor fits */
    status = lathe_aot_model_bind(symbols, plan);
    workspace_bytes = status == LATHE_STATUS_OK ? lathe_aot_model_workspace_size(plan, 1) : -1;
    if (workspace_bytes < 0)
        lathe_aot_fail(exit_bad_input, "%s: the model does not take %lld rows", o.input, (long long)rows);
    workspace = lathe_aot_allocate((uint64_t)workspace_bytes);
    outputs = lathe_aot_allocate(checked_multiply((uint64_t)info->output_count, sizeof *outputs));
    for (k = info->output_count - 1; k >= 0; --k) { /* the first comes last: its sizes are used below */
        if (lathe_aot_model_output_dims(plan, k, dims) != LATHE_STATUS_OK)
            lathe_aot_fail(exit_bad_input, "%s: the model does not take %lld rows", o.input, (long long)rows);
        elements = 1;
        for (i = 0; i < info->outputs[k].rank; ++i) elements = checked_multiply(elements, (uint64_t)dims[i]);
        outputs[k] =
            lathe_aot_allocate(checked_multiply(elements, lathe_aot_element_types[info->outputs[k].dtype].size));
    }
    inputs[0] = table.data;
    status = lathe_aot_model_run(plan, inputs, outputs, workspace, NULL, &fault);
    if (status == LATHE_STATUS_INDEX) fail_for_index(o.input, info, &fault);
    if (status != LATHE_STATUS_OK)
        lathe_aot_fail(exit_bad_input, "%s: the model failed with status %d", o.input, status);

    if (o.output) {
        lathe_aot_write_npy(o.output, outputs[0], output->dtype, dims, output->rank);
    } else {
        /* A row is what the last axis holds; with fewer than two axes, every number is one. */
        const int64_t width = output->rank < 2 ? 1 : dims[output->rank - 1];
        int64_t lines = output->rank == 1 ? dims[0] : 1;
        for (i = 0; i + 1 < output->rank; ++i) lines *= dims[i];
        lathe_aot_print_rows(outputs[0], output->dtype, lines, width, o.logits);
        if (fflush(stdout) != 0 || ferror(stdout))
            lathe_aot_fail(exit_bad_input, "standard output: %s", strerror(errno));
    }
    return exit_ok;
}
