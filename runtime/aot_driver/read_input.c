#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/aot_driver/driver.h"
#include "runtime/memory_room.h"

typedef struct file_bytes {
    char* data; /* with a 0 after the last byte */
    size_t size;
} file_bytes;

static file_bytes read_file(const char* path) {
    const int standard = strcmp(path, "-") == 0;
    FILE* const file = standard ? stdin : fopen(path, "rb");
    file_bytes bytes = {NULL, 0};
    size_t capacity = 1 << 16;
    struct stat status;
    if (!file) lathe_aot_fail(exit_bad_input, "%s: %s", path, strerror(errno));
    if (!standard && fstat(fileno(file), &status) == 0) {
        if (S_ISDIR(status.st_mode)) lathe_aot_fail(exit_bad_input, "%s: is a folder, not a file", path);
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
            lathe_aot_fail(exit_bad_input, "%s: is a device, not a file", path);
    }
    bytes.data = malloc(capacity);
    while (bytes.data) {
        bytes.size += fread(bytes.data + bytes.size, 1, capacity - 1 - bytes.size, file);
        if (bytes.size < capacity - 1) break;
        {
            const int none = capacity > SIZE_MAX / 4 ||
                             (capacity >= lathe_large_memory && 2 * (uint64_t)capacity > lathe_memory_room(""));
            char* const larger = none ? NULL : realloc(bytes.data, capacity * 2);
            if (!larger) free(bytes.data);
            bytes.data = larger;
            capacity *= 2;
        }
    }
    if (!bytes.data) lathe_aot_fail(exit_bad_input, "%s: there is no memory to read it", path);
    if (ferror(file)) lathe_aot_fail(exit_bad_input, "%s: %s", path, strerror(errno));
    if (!standard) fclose(file);
    bytes.data[bytes.size] = '\0';
    return bytes;
}

/* ---- .npy ---- */

/* Finds the quoted key in the header's dictionary and returns what follows its colon, or null. */
static const char* header_value(const char* header, const char* key) {
    const size_t length = strlen(key);
    const char* at = strstr(header, key);
    while (at && (at == header || (at[-1] != '\'' && at[-1] != '"') || at[length] != at[-1])) at = strstr(at + 1, key);
    if (!at) return NULL;
    at += length + 1;
    while (*at == ' ') ++at;
    if (*at++ != ':') return NULL;
    while (*at == ' ') ++at;
    return at;
}

static void swap_bytes(char* data, uint64_t bytes, size_t size) {
    uint64_t at;
    size_t i;
    for (at = 0; at < bytes; at += size)
        for (i = 0; i < size / 2; ++i) {
            const char low = data[at + i];
            data[at + i] = data[at + size - 1 - i];
            data[at + size - 1 - i] = low;
        }
}

/* From the order in which the first index runs fastest to the order in which the last does. */
static void copy_fortran(char* to, const char* from, const int64_t* dims, int32_t rank, size_t size, uint64_t bytes) {
    int64_t index[LATHE_MAX_RANK + 1] = {0};
    uint64_t at;
    for (at = 0; at < bytes; at += size) {
        uint64_t offset = 0;
        int32_t axis;
        for (axis = rank; axis-- > 0;) offset = offset * (uint64_t)dims[axis] + (uint64_t)index[axis];
        memcpy(to + at, from + offset * size, size);
        for (axis = rank; axis-- > 0;) {
            if (++index[axis] < dims[axis]) break;
            index[axis] = 0;
        }
    }
}

static void* read_npy(const char* path, file_bytes bytes, const lathe_model_tensor* input, int64_t* dims) {
    const element_type* const element = &lathe_aot_element_types[input->dtype];
    const unsigned char* const raw = (const unsigned char*)bytes.data;
    size_t start, header_bytes, data_bytes;
    uint64_t expected = element->size;
    const char *header, *value;
    int64_t read[LATHE_MAX_RANK + 1];
    int32_t i, count = 0, fortran, swapped;
    char *copy, *data;

    if (bytes.size < 10) lathe_aot_fail(exit_bad_input, "%s: byte %zu: the file ends in its header", path, bytes.size);
    if (raw[6] < 1 || raw[6] > 3)
        lathe_aot_fail(exit_bad_input, "%s: byte 6: version %d of .npy is not known", path, raw[6]);
    if (raw[6] > 1 && bytes.size < 12)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the file ends in its header", path, bytes.size);
    start = raw[6] == 1 ? 10 : 12;
    header_bytes = raw[8] | (size_t)raw[9] << 8;
    if (raw[6] > 1) header_bytes |= (size_t)raw[10] << 16 | (size_t)raw[11] << 24;
    if (header_bytes > bytes.size - start)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the file ends in its header", path, bytes.size);
    copy = lathe_aot_allocate(header_bytes + 1);
    memcpy(copy, bytes.data + start, header_bytes);
    copy[header_bytes] = '\0';
    header = copy;

    value = header_value(header, "descr");
    if (!value || (*value != '\'' && *value != '"'))
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the header names no plain dtype", path, start);
    ++value;
    if (!element->descr || strncmp(value + 1, element->descr + 1, 2) != 0 || (value[3] != '\'' && value[3] != '"') ||
        (*value != '<' && *value != '>' && *value != '|' && *value != '='))
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the dtype is '%.*s', the model takes %s", path,
                       start + (size_t)(value - header), (int)strcspn(value, "'\""), value, element->name);
    swapped = *value == '>';
    value = header_value(header, "fortran_order");
    fortran = value && strncmp(value, "True", 4) == 0;
    if (!fortran && (!value || strncmp(value, "False", 5) != 0))
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: fortran_order is neither True nor False", path,
                       start + (value ? (size_t)(value - header) : 0));
    value = header_value(header, "shape");
    if (!value || *value != '(') lathe_aot_fail(exit_bad_input, "%s: byte %zu: the header has no shape", path, start);
    ++value;
    for (;;) {
        char* end;
        while (*value == ' ' || *value == ',') ++value;
        if (*value == ')') break;
        errno = 0;
        if (*value < '0' || *value > '9' || count > LATHE_MAX_RANK)
            lathe_aot_fail(exit_bad_input, "%s: byte %zu: the shape is malformed", path,
                           start + (size_t)(value - header));
        read[count] = strtoll(value, &end, 10);
        if (errno != 0)
            lathe_aot_fail(exit_bad_input, "%s: byte %zu: an extent is too large", path,
                           start + (size_t)(value - header));
        ++count;
        value = end + (*end == 'L'); /* Python 2 wrote long integers so */
    }
    if (count != input->rank)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the array has rank %d, the model takes %d", path,
                       start + (size_t)(value - header), count, input->rank);
    for (i = 0; i < count; ++i)
        if (input->dims[i] >= 0 && read[i] != input->dims[i])
            lathe_aot_fail(exit_bad_input, "%s: byte %zu: dimension %d is %lld, the model takes %lld", path,
                           start + (size_t)(value - header), i, (long long)read[i], (long long)input->dims[i]);
    for (i = 0; i < count; ++i)
        if (__builtin_mul_overflow(expected, (uint64_t)read[i], &expected))
            lathe_aot_fail(exit_bad_input, "%s: byte %zu: the shape is too large", path,
                           start + (size_t)(value - header));
    data_bytes = bytes.size - start - header_bytes;
    if (data_bytes != expected)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: %zu bytes of data, the shape needs %llu", path,
                       start + header_bytes, data_bytes, (unsigned long long)expected);
    memcpy(dims, read, (size_t)count * sizeof *dims);
    data = lathe_aot_allocate(expected);
    if (fortran)
        copy_fortran(data, bytes.data + start + header_bytes, read, count, element->size, data_bytes);
    else
        memcpy(data, bytes.data + start + header_bytes, data_bytes);
    if (swapped) swap_bytes(data, data_bytes, element->size);
    if (input->dtype == LATHE_BOOL) {
        size_t k;
        for (k = 0; k < data_bytes; ++k)
            if (((const unsigned char*)data)[k] > 1)
                lathe_aot_fail(exit_bad_input, "%s: byte %zu: a boolean is neither 0 nor 1", path,
                               start + header_bytes + k);
    }
    free(copy);
    return data;
}

/* ---- CSV ---- */

/* Whether the text is a decimal number, inf or nan; strtod alone would take hexadecimal and leading blanks too. */
static int parse_float(const char* text, size_t length, double* value) {
    char* end;
    size_t i;
    if (length == 0) return 0;
    for (i = 0; i < length; ++i)
        if (!strchr("+-.0123456789eEinfatyINFATY", text[i])) return 0;
    *value = strtod(text, &end);
    return end == text + length;
}

enum { shown_length = 40 };

/* A cell in a message: its beginning, without what would not print. */
static const char* shown(const char* cell, size_t length, char text[shown_length + 1]) {
    size_t i;
    if (length > shown_length) length = shown_length;
    for (i = 0; i < length; ++i) text[i] = (unsigned char)cell[i] < ' ' || cell[i] == 127 ? '?' : cell[i];
    text[length] = '\0';
    return text;
}

/* Stores the number of a cell as an element; false where it is none of that type. */
static int store_cell(char* text, size_t length, int32_t dtype, void* to) {
    const size_t size = lathe_aot_element_types[dtype].size;
    const char after = text[length];
    int good = 0;
    text[length] = '\0';
    errno = 0;
    if (dtype >= LATHE_F64 && dtype <= LATHE_BF16) {
        double value = 0;
        good = parse_float(text, length, &value);
        if (dtype == LATHE_F64) {
            memcpy(to, &value, sizeof value);
        } else {
            const float narrow = good ? strtof(text, NULL) : 0; /* rounds once */
            const uint16_t narrower = lathe_aot_narrow(narrow, dtype);
            value = dtype == LATHE_F32 ? narrow : lathe_aot_widen(narrower, dtype);
            memcpy(to, dtype == LATHE_F32 ? (const void*)&narrow : &narrower, size);
        }
        if (isinf(value) && !strpbrk(text, "nN")) good = 0; /* too large; what is too small is nearest to zero */
    } else if (length > 0 && strspn(text, "+-0123456789") == length) {
        const int is_signed = dtype >= LATHE_I64 && dtype <= LATHE_I8;
        const int bits = dtype == LATHE_BOOL ? 1 : (int)size * 8;
        char* end;
        if (is_signed) {
            const long long value = strtoll(text, &end, 10);
            good = bits == 64 || (value >= -(1ll << (bits - 1)) && value < 1ll << (bits - 1));
            memcpy(to, &value, size); /* little-endian */
        } else {
            const unsigned long long value = strtoull(text, &end, 10);
            good = text[0] != '-' && (bits == 64 || value < 1ull << bits);
            memcpy(to, &value, size);
        }
        good = good && end == text + length && errno == 0;
    }
    text[length] = after;
    return good;
}

/* The comma behind a cell, or `stop`; within quotes there are none. */
static char* end_of_cell(char* at, char* stop) {
    int quoted = 0;
    for (; at < stop && (quoted || *at != ','); ++at) quoted ^= *at == '"';
    return at;
}

static void trim(char** begin, char** end) {
    while (*begin < *end && (**begin == ' ' || **begin == '\t')) ++*begin;
    while (*begin < *end && ((*end)[-1] == ' ' || (*end)[-1] == '\t')) --*end;
}

static void* read_csv(const char* path, file_bytes bytes, int32_t dtype, int64_t columns, int64_t* rows) {
    const size_t size = lathe_aot_element_types[dtype].size;
    char *at = bytes.data, *const end = bytes.data + bytes.size;
    uint64_t lines = 0, row = 0, total;
    char text[shown_length + 1];
    char *line, *to, *data;
    *rows = 0;
    if (bytes.size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3; /* the mark of UTF-8 */
    if (bytes.size >= 2 && (memcmp(at, "\xff\xfe", 2) == 0 || memcmp(at, "\xfe\xff", 2) == 0))
        lathe_aot_fail(exit_bad_input, "%s: is text in UTF-16; UTF-8 or ASCII is expected", path);
    for (line = at; line < end; ++lines) {
        char* const newline = memchr(line, '\n', (size_t)(end - line));
        line = newline ? newline + 1 : end;
    }
    if (__builtin_mul_overflow(lines, (uint64_t)columns * size, &total))
        lathe_aot_fail(exit_bad_input, "%s: has too many rows", path);
    data = to = lathe_aot_allocate(total + sizeof(long long)); /* cells are stored 8 bytes at a time at most */
    while (at < end) {
        char* stop = memchr(at, '\n', (size_t)(end - at));
        char* const next = stop ? stop + 1 : end;
        int64_t column = 0;
        if (!stop) stop = end;
        if (stop > at && stop[-1] == '\r') --stop;
        ++row;
        if (at + strspn(at, " \t\r\n") >= end) break; /* nothing but blank lines follows */
        for (;;) {
            char *cell = at, *cell_end = end_of_cell(at, stop);
            char* const comma = cell_end < stop ? cell_end : NULL;
            at = cell_end;
            trim(&cell, &cell_end);
            if (cell_end - cell > 1 && *cell == '"' && cell_end[-1] == '"') { /* a number in quotes */
                ++cell;
                --cell_end;
                trim(&cell, &cell_end);
            }
            if (column < columns) {
                if (!store_cell(cell, (size_t)(cell_end - cell), dtype, to))
                    lathe_aot_fail(exit_bad_input, "%s: row %llu, column %lld: '%s' is not a number of type %s%s", path,
                                   (unsigned long long)row, (long long)column + 1,
                                   shown(cell, (size_t)(cell_end - cell), text), lathe_aot_element_types[dtype].name,
                                   memchr(cell, ';', (size_t)(cell_end - cell))
                                       ? " (commas separate columns, not semicolons)"
                                       : "");
                to += size;
            }
            ++column;
            if (!comma) break;
            at = comma + 1;
        }
        if (column != columns)
            lathe_aot_fail(exit_bad_input, "%s: row %llu has %lld columns, the model takes %lld", path,
                           (unsigned long long)row, (long long)column, (long long)columns);
        ++*rows;
        at = next;
    }
    if (*rows == 0) lathe_aot_fail(exit_bad_input, "%s: has no rows", path);
    return data;
}

void* lathe_aot_read_input(const char* path, const lathe_model_tensor* input, int64_t* dims) {
    const file_bytes bytes = read_file(path);
    int64_t columns = 1, rows = 0;
    void* data;
    int32_t i;
    if (bytes.size == 0) lathe_aot_fail(exit_bad_input, "%s: is empty", path);
    if (bytes.size >= 6 && memcmp(bytes.data, "\x93NUMPY", 6) == 0) {
        data = read_npy(path, bytes, input, dims);
    } else {
        for (i = 1; i < input->rank; ++i) {
            if (input->dims[i] < 0)
                lathe_aot_fail(exit_bad_input, "%s: is no .npy file, and rows of '%s' have no fixed length", path,
                               input->name);
            if (__builtin_mul_overflow(columns, input->dims[i], &columns))
                lathe_aot_fail(exit_bad_input, "the sizes do not fit 64 bits");
            dims[i] = input->dims[i];
        }
        data = read_csv(path, bytes, input->dtype, columns, &rows);
        if (input->rank == 0 && rows != 1)
            lathe_aot_fail(exit_bad_input, "%s: has %lld rows, the model takes a single number", path, (long long)rows);
        if (input->rank > 0 && input->dims[0] >= 0 && rows != input->dims[0])
            lathe_aot_fail(exit_bad_input, "%s: has %lld rows, the model takes %lld", path, (long long)rows,
                           (long long)input->dims[0]);
        if (input->rank > 0) dims[0] = rows;
    }
    free(bytes.data);
    return data;
}
