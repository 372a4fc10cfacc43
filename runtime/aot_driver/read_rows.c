#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/aot_driver/driver.h"

typedef struct file_bytes {
    char* data; /* with a 0 after the last byte */
    size_t size;
} file_bytes;

static file_bytes read_file(const char* path) {
    const int standard = strcmp(path, "-") == 0;
    FILE* const file = standard ? stdin : fopen(path, "rb");
    file_bytes bytes = {NULL, 0};
    size_t capacity = 1 << 16;
    if (!file) lathe_aot_fail(exit_bad_input, "%s: %s", path, strerror(errno));
    bytes.data = malloc(capacity);
    while (bytes.data) {
        bytes.size += fread(bytes.data + bytes.size, 1, capacity - 1 - bytes.size, file);
        if (bytes.size < capacity - 1) break;
        {
            char* const larger = capacity > SIZE_MAX / 2 ? NULL : realloc(bytes.data, capacity * 2);
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

/* Finds 'key' in the header's dictionary and returns what follows its colon, or null. */
static const char* header_value(const char* header, const char* key) {
    const char* at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    while (*at == ' ') ++at;
    if (*at++ != ':') return NULL;
    while (*at == ' ') ++at;
    return at;
}

static row_table read_npy(const char* path, file_bytes bytes, int32_t dtype, const int64_t* dims, int32_t rank) {
    const element_type* const element = &lathe_aot_element_types[dtype];
    const unsigned char* const raw = (const unsigned char*)bytes.data;
    size_t start, header_bytes, data_bytes;
    uint64_t expected = element->size;
    const char *header, *value;
    row_table table = {NULL, 0};
    int64_t read[LATHE_MAX_RANK + 1];
    int32_t i, count = 0;
    char* copy;

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

    value = header_value(header, "'descr'");
    if (!value || (*value != '\'' && *value != '"'))
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the header names no plain dtype", path, start);
    ++value;
    if (!element->descr || strncmp(value + 1, element->descr + 1, 2) != 0 || (value[3] != '\'' && value[3] != '"') ||
        (*value != '<' && *value != '|' && *value != '='))
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the dtype is '%.*s', the model takes %s", path,
                       start + (size_t)(value - header), (int)strcspn(value, "'\""), value, element->name);
    value = header_value(header, "'fortran_order'");
    if (!value || strncmp(value, "False", 5) != 0)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the array is not in C order", path,
                       start + (value ? (size_t)(value - header) : 0));
    value = header_value(header, "'shape'");
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
        value = end;
    }
    if (count != rank + 1)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: the array has rank %d, the model takes %d", path,
                       start + (size_t)(value - header), count, rank + 1);
    for (i = 0; i < rank; ++i)
        if (read[i + 1] != dims[i])
            lathe_aot_fail(exit_bad_input, "%s: byte %zu: dimension %d is %lld, the model takes %lld", path,
                           start + (size_t)(value - header), i + 1, (long long)read[i + 1], (long long)dims[i]);
    for (i = 0; i < count; ++i)
        if (__builtin_mul_overflow(expected, (uint64_t)read[i], &expected))
            lathe_aot_fail(exit_bad_input, "%s: byte %zu: the shape is too large", path,
                           start + (size_t)(value - header));
    data_bytes = bytes.size - start - header_bytes;
    if (data_bytes != expected)
        lathe_aot_fail(exit_bad_input, "%s: byte %zu: %zu bytes of data, the shape needs %llu", path,
                       start + header_bytes, data_bytes, (unsigned long long)expected);
    table.rows = read[0];
    table.data = lathe_aot_allocate(expected);
    memcpy(table.data, bytes.data + start + header_bytes, data_bytes);
    if (dtype == LATHE_BOOL) {
        size_t k;
        for (k = 0; k < data_bytes; ++k)
            if (((const unsigned char*)table.data)[k] > 1)
                lathe_aot_fail(exit_bad_input, "%s: byte %zu: a boolean is neither 0 nor 1", path,
                               start + header_bytes + k);
    }
    free(copy);
    return table;
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

static row_table read_csv(const char* path, file_bytes bytes, int32_t dtype, int64_t columns) {
    const size_t size = lathe_aot_element_types[dtype].size;
    char *at = bytes.data, *const end = bytes.data + bytes.size;
    row_table table = {NULL, 0};
    uint64_t lines = 0, row = 0, total;
    char text[shown_length + 1];
    char *line, *to;
    for (line = at; line < end; ++lines) {
        char* const newline = memchr(line, '\n', (size_t)(end - line));
        line = newline ? newline + 1 : end;
    }
    if (__builtin_mul_overflow(lines, (uint64_t)columns * size, &total))
        lathe_aot_fail(exit_bad_input, "%s: has too many rows", path);
    table.data = to = lathe_aot_allocate(total + sizeof(long long)); /* cells are stored 8 bytes at a time at most */
    while (at < end) {
        char* stop = memchr(at, '\n', (size_t)(end - at));
        char* const next = stop ? stop + 1 : end;
        int64_t column = 0;
        if (!stop) stop = end;
        if (stop > at && stop[-1] == '\r') --stop;
        ++row;
        if (next == end && at + strspn(at, " \t\r\n") >= stop) break; /* a last line that is blank */
        for (;;) {
            char *cell = at, *cell_end = memchr(at, ',', (size_t)(stop - at));
            char* const comma = cell_end;
            if (!cell_end) cell_end = stop;
            at = cell_end;
            while (cell < cell_end && (*cell == ' ' || *cell == '\t')) ++cell;
            while (cell < cell_end && (cell_end[-1] == ' ' || cell_end[-1] == '\t')) --cell_end;
            if (column < columns) {
                if (!store_cell(cell, (size_t)(cell_end - cell), dtype, to))
                    lathe_aot_fail(exit_bad_input, "%s: row %llu, column %lld: '%s' is not a number of type %s", path,
                                   (unsigned long long)row, (long long)column + 1,
                                   shown(cell, (size_t)(cell_end - cell), text), lathe_aot_element_types[dtype].name);
                to += size;
            }
            ++column;
            if (!comma) break;
            at = comma + 1;
        }
        if (column != columns)
            lathe_aot_fail(exit_bad_input, "%s: row %llu has %lld columns, the model takes %lld", path,
                           (unsigned long long)row, (long long)column, (long long)columns);
        ++table.rows;
        at = next;
    }
    if (table.rows == 0) lathe_aot_fail(exit_bad_input, "%s: has no rows", path);
    return table;
}

row_table lathe_aot_read_rows(const char* path, int32_t dtype, const int64_t* dims, int32_t rank) {
    const file_bytes bytes = read_file(path);
    row_table table;
    int64_t columns = 1;
    int32_t i;
    for (i = 0; i < rank; ++i) columns *= dims[i];
    if (bytes.size == 0) lathe_aot_fail(exit_bad_input, "%s: is empty", path);
    if (bytes.size >= 6 && memcmp(bytes.data, "\x93NUMPY", 6) == 0) {
        table = read_npy(path, bytes, dtype, dims, rank);
    } else {
        table = read_csv(path, bytes, dtype, columns);
    }
    free(bytes.data);
    return table;
}
