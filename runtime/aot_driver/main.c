#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    const char** files; /* by input */
    const char* output;
    int logits;
} options;

/* The input of extents whose element an input stands for, or null. */
static const lathe_sized_input* sized_at(const lathe_model_info* info, int32_t input) {
    int32_t k;
    for (k = 0; k < info->sized_count; ++k)
        if (input >= info->sized[k].first && input < info->sized[k].first + info->sized[k].count)
            return &info->sized[k];
    return NULL;
}

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

/* Whether an output says how much of others there is. */
static int is_count(const lathe_model_info* info, int32_t output) {
    int32_t k;
    for (k = 0; k < info->output_count; ++k)
        if (output > 0 && info->outputs[k].counted_by == output) return 1;
    return 0;
}

static void print_tensors(const char* title, const lathe_model_info* info, const lathe_model_tensor* tensors,
                          int32_t count) {
    char type[512];
    int32_t i;
    printf("%s:\n", title);
    for (i = 0; i < count; ++i) {
        const lathe_sized_input* const sized = tensors == info->inputs ? sized_at(info, i) : NULL;
        const lathe_model_tensor* const tensor = sized ? &sized->tensor : &tensors[i];
        if (tensors == info->outputs && is_count(info, i)) continue;
        if (sized && i > sized->first) continue;
        write_type(info, tensor, type, sizeof type);
        printf("  %-18s %s\n", tensor->name, type);
    }
    printf("\n");
}

static void print_help(const lathe_model_info* info) {
    const int is_single = info->input_count == 1;
    printf("usage: %s [--logits] [--output PATH] %s\nRuns the model '%s', and prints its %s.\n%s\n\n", program,
           is_single ? "INPUT" : "--input NAME=FILE ...", info->name,
           info->output_count == 1 ? "output" : "first output",
           info->outputs[0].rank < 2
               ? "One line for each number."
               : "One line for each row of the last axis, in order: the index of the row's largest number.");
    print_tensors("inputs", info, info->inputs, info->input_count);
    print_tensors("outputs", info, info->outputs, info->output_count);
    if (is_single) printf("  INPUT              the file of the one input; - for standard input\n");
    printf(
        "  --input NAME=FILE  a .npy file, or a .csv file whose rows are the elements along the first axis\n"
        "  --logits           print all numbers of each row, with commas between\n"
        "  --output FILE.npy  write the first output to a file and print nothing\n"
        "  --output FOLDER    write every output to a file FOLDER/NAME.npy and print nothing\n"
        "  --help             print this\n"
        "\n"
        "example: %s ",
        program);
    if (is_single)
        printf("--logits rows.csv\n");
    else
        printf("--input %s=%s.npy ... --output results\n", info->inputs[0].name, info->inputs[0].name);
    printf("exit status: 0 done, 1 bad input, 2 wrong usage, 3 a processor without %s\n", info->features);
}

/* Of NAME=FILE. A name may hold an equals sign itself. */
static void take_input(const char* argument, const lathe_model_info* info, options* o) {
    int32_t i, k;
    for (i = 0; i < info->input_count; ++i) {
        const lathe_sized_input* const sized = sized_at(info, i);
        const char* const name = sized ? sized->tensor.name : info->inputs[i].name;
        const size_t length = strlen(name);
        if (strncmp(argument, name, length) != 0 || argument[length] != '=') continue;
        if (o->files[i]) lathe_aot_fail(exit_bad_usage, "the input '%s' is given twice, see --help", name);
        for (k = 0; k < (sized ? sized->count : 1); ++k) o->files[i + k] = argument + length + 1;
        return;
    }
    lathe_aot_fail(exit_bad_usage, "'%s' is no NAME=FILE of an input, see --help", argument);
}

static options parse_arguments(int count, char** arguments, const lathe_model_info* info) {
    options o = {NULL, NULL, 0};
    int i, only_paths = 0;
    o.files = lathe_aot_allocate((uint64_t)info->input_count * sizeof *o.files);
    for (i = 0; i < info->input_count; ++i) o.files[i] = NULL;
    for (i = 1; i < count; ++i) {
        const char* const argument = arguments[i];
        if (only_paths || argument[0] != '-' || argument[1] == '\0') {
            if (info->input_count != 1)
                lathe_aot_fail(exit_bad_usage, "the model has %d inputs: --input NAME=FILE gives each, see --help",
                               info->input_count);
            if (o.files[0]) lathe_aot_fail(exit_bad_usage, "one INPUT is expected, see --help");
            o.files[0] = argument;
        } else if (strcmp(argument, "--") == 0) {
            only_paths = 1;
        } else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            print_help(info);
            exit(exit_ok);
        } else if (strcmp(argument, "--logits") == 0) {
            o.logits = 1;
        } else if (strcmp(argument, "--input") == 0) {
            if (++i == count) lathe_aot_fail(exit_bad_usage, "--input needs NAME=FILE, see --help");
            take_input(arguments[i], info, &o);
        } else if (strcmp(argument, "--output") == 0) {
            if (++i == count) lathe_aot_fail(exit_bad_usage, "--output needs a file or a folder, see --help");
            o.output = arguments[i];
        } else {
            lathe_aot_fail(exit_bad_usage, "'%s' is no option, see --help", argument);
        }
    }
    for (i = 0; i < info->input_count; ++i)
        if (!o.files[i]) {
            if (info->input_count == 1) lathe_aot_fail(exit_bad_usage, "an INPUT is expected, see --help");
            lathe_aot_fail(exit_bad_usage, "the input '%s' is missing, see --help",
                           sized_at(info, i) ? sized_at(info, i)->tensor.name : info->inputs[i].name);
        }
    return o;
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

/* What the extents of an input say of the model's sizes. */
static void take_sizes(const char* file, const lathe_model_info* info, const lathe_model_tensor* input,
                       const int64_t* dims, int64_t* symbols) {
    int32_t i;
    for (i = 0; i < input->rank; ++i) {
        int64_t* symbol;
        if (input->dims[i] >= 0) continue;
        symbol = &symbols[-1 - input->dims[i]];
        if (*symbol >= 0 && *symbol != dims[i])
            lathe_aot_fail(exit_bad_input, "%s: dimension %d is %lld, but '%s' is %lld elsewhere", file, i,
                           (long long)dims[i], info->symbols[-1 - input->dims[i]], (long long)*symbol);
        *symbol = dims[i];
    }
}

/* FOLDER/NAME.npy. A name may not lead out of the folder. */
static void write_to_folder(const char* folder, const lathe_model_tensor* output, const void* data,
                            const int64_t* dims) {
    const size_t length = strlen(folder) + strlen(output->name) + 16;
    char* const path = lathe_aot_allocate(length);
    char* at = path + snprintf(path, length, "%s/", folder);
    const char* name;
    const char* const start = at;
    for (name = output->name; *name; ++name) {
        const unsigned char c = (unsigned char)*name;
        const int plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                          c == '-' || (c == '.' && at > start);
        *at++ = plain ? (char)c : '_';
    }
    strcpy(at, at == start ? "output.npy" : ".npy"); /* the path has room for it */
    lathe_aot_write_npy(path, data, output->dtype, dims, output->rank);
    free(path);
}

/* Leaves of an output what there is: the blocks behind the counted axis move together. */
static void cut(const lathe_model_tensor* output, int64_t count, void* data, int64_t* dims) {
    const int32_t axis = output->counted_axis;
    uint64_t before = 1, after = lathe_aot_element_types[output->dtype].size, i;
    int32_t k;
    if (count < 0 || count > dims[axis]) return; /* a model of which the file says so wrongly */
    for (k = 0; k < axis; ++k) before *= (uint64_t)dims[k];
    for (k = axis + 1; k < output->rank; ++k) after *= (uint64_t)dims[k];
    for (i = 0; i < before; ++i)
        memmove((char*)data + i * (uint64_t)count * after, (char*)data + i * (uint64_t)dims[axis] * after,
                (uint64_t)count * after);
    dims[axis] = count;
}

/* Whether a path stands for a folder: it ends in .npy where it does not, nor does what is there already and is none. */
static int is_folder(const char* path) {
    const size_t length = strlen(path);
    struct stat there;
    if (length >= 4 && strcmp(path + length - 4, ".npy") == 0) return 0;
    return stat(path, &there) != 0 || S_ISDIR(there.st_mode);
}

int main(int count, char** arguments) {
    const lathe_model_info* const info = lathe_aot_model_info();
    const lathe_model_tensor* output;
    const void** inputs;
    const char* first;
    void** outputs;
    void *plan, *workspace;
    int64_t(*dims)[LATHE_MAX_RANK];
    int64_t *symbols, workspace_bytes;
    options o;
    lathe_fault fault;
    int32_t i, k;
    int status;

    if (count > 0 && arguments[0]) {
        const char* const slash = strrchr(arguments[0], '/');
        program = slash ? slash + 1 : arguments[0];
    }
    require_cpu(info);
    o = parse_arguments(count, arguments, info);
    first = info->input_count > 0 ? o.files[0] : info->name; /* whom sizes are blamed on */

    symbols = lathe_aot_allocate((uint64_t)info->symbol_count * sizeof *symbols);
    for (k = 0; k < info->symbol_count; ++k) symbols[k] = -1;
    inputs = lathe_aot_allocate((uint64_t)info->input_count * sizeof *inputs);
    for (k = 0; k < info->input_count; ++k) {
        const lathe_sized_input* const sized = sized_at(info, k);
        int64_t read[LATHE_MAX_RANK];
        if (sized) {
            const void* const sizes = lathe_aot_read_input(o.files[k], &sized->tensor, read);
            for (i = 0; i < sized->count; ++i) {
                const int64_t size =
                    sized->tensor.dtype == LATHE_I64 ? ((const int64_t*)sizes)[i] : ((const int32_t*)sizes)[i];
                const int64_t element[] = {size, 0};
                if (size < 0) lathe_aot_fail(exit_bad_input, "%s: %lld is no size", o.files[k], (long long)size);
                take_sizes(o.files[k], info, &info->inputs[k + i], element, symbols);
                inputs[k + i] = sizes;
            }
            k += sized->count - 1;
            continue;
        }
        inputs[k] = lathe_aot_read_input(o.files[k], &info->inputs[k], read);
        take_sizes(o.files[k], info, &info->inputs[k], read, symbols);
    }
    plan = lathe_aot_allocate((uint64_t)lathe_aot_model_plan_size()); /* the processor fits */
    status = lathe_aot_model_bind(symbols, plan);
    workspace_bytes = status == LATHE_STATUS_OK ? lathe_aot_model_workspace_size(plan, 1) : -1;
    if (workspace_bytes < 0) lathe_aot_fail(exit_bad_input, "%s: the model does not take these sizes", first);
    workspace = lathe_aot_allocate((uint64_t)workspace_bytes);
    outputs = lathe_aot_allocate((uint64_t)info->output_count * sizeof *outputs);
    dims = lathe_aot_allocate((uint64_t)info->output_count * sizeof *dims);
    for (k = 0; k < info->output_count; ++k) {
        uint64_t bytes = lathe_aot_element_types[info->outputs[k].dtype].size;
        if (lathe_aot_model_output_dims(plan, k, dims[k]) != LATHE_STATUS_OK)
            lathe_aot_fail(exit_bad_input, "%s: the model does not take these sizes", first);
        for (i = 0; i < info->outputs[k].rank; ++i)
            if (__builtin_mul_overflow(bytes, (uint64_t)dims[k][i], &bytes))
                lathe_aot_fail(exit_bad_input, "the sizes do not fit 64 bits");
        outputs[k] = lathe_aot_allocate(bytes);
    }
    status = lathe_aot_model_run(plan, inputs, outputs, workspace, NULL, &fault);
    if (status == LATHE_STATUS_INDEX) fail_for_index(first, info, &fault);
    if (status != LATHE_STATUS_OK) lathe_aot_fail(exit_bad_input, "%s: the model failed with status %d", first, status);

    for (k = 0; k < info->output_count; ++k)
        if (info->outputs[k].counted_by > 0)
            cut(&info->outputs[k], *(const int64_t*)outputs[info->outputs[k].counted_by], outputs[k], dims[k]);
    output = info->outputs;
    if (o.output && !is_folder(o.output)) {
        lathe_aot_write_npy(o.output, outputs[0], output->dtype, dims[0], output->rank);
    } else if (o.output) {
        if (mkdir(o.output, 0777) != 0 && errno != EEXIST)
            lathe_aot_fail(exit_bad_input, "%s: %s", o.output, strerror(errno));
        for (k = 0; k < info->output_count; ++k)
            if (!is_count(info, k)) write_to_folder(o.output, &info->outputs[k], outputs[k], dims[k]);
    } else {
        /* A row is what the last axis holds; with fewer than two axes, every number is one. */
        const int64_t width = output->rank < 2 ? 1 : dims[0][output->rank - 1];
        int64_t lines = output->rank == 1 ? dims[0][0] : 1;
        for (i = 0; i + 1 < output->rank; ++i) lines *= dims[0][i];
        lathe_aot_print_rows(outputs[0], output->dtype, lines, width, o.logits);
        if (fflush(stdout) != 0 || ferror(stdout))
            lathe_aot_fail(exit_bad_input, "standard output: %s", strerror(errno));
    }
    return exit_ok;
}
