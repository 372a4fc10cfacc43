/* How much more memory this process can get before the system ends it: of the machine, and of the control groups that
   it is in (versions 1 and 2, each with all above it). Plain C, no dependencies: shared by the run time and the
   programs that are compiled ahead of time. */
#ifndef LATHE_RUNTIME_MEMORY_ROOM_H
#define LATHE_RUNTIME_MEMORY_ROOM_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Requests from this size on are worth a look; it costs some tens of microseconds. */
enum { lathe_large_memory = 64 << 20 };

enum { lathe_path_bytes = 4096, lathe_small_file_bytes = 16384 };

/* A small file as text; empty where there is none. */
static inline void lathe_small_file(const char* folder, const char* name, char text[lathe_small_file_bytes]) {
    char path[lathe_path_bytes];
    size_t size = 0;
    int file;
    text[0] = '\0';
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    while (size + 1 < lathe_small_file_bytes) {
        const ssize_t got = read(file, text + size, lathe_small_file_bytes - 1 - size);
        if (got <= 0) break;
        size += (size_t)got;
    }
    text[size] = '\0';
    close(file);
}

/* The number behind a word at the start of a line, or with an empty word the first one; `none` where there is none. */
static inline uint64_t lathe_number_after(const char* text, const char* word, uint64_t none) {
    const size_t length = strlen(word);
    for (; *text; ++text) {
        if (strncmp(text, word, length) == 0 && (length == 0 || strchr(": \t", text[length]))) {
            uint64_t value = 0;
            text += length;
            while (*text == ':' || *text == ' ' || *text == '\t') ++text;
            if (*text < '0' || *text > '9') return none;
            for (; *text >= '0' && *text <= '9'; ++text)
                if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
                    return none;
            return value;
        }
        text = strchr(text, '\n');
        if (!text) break;
    }
    return none;
}

/* What one group leaves: its limit less what its processes use, where files that are only cached do not count. */
static inline uint64_t lathe_group_room(const char* folder, int version) {
    char text[lathe_small_file_bytes];
    uint64_t limit, used, cached;
    lathe_small_file(folder, version == 2 ? "memory.max" : "memory.limit_in_bytes", text);
    limit = lathe_number_after(text, "", UINT64_MAX);
    if (limit == UINT64_MAX) return UINT64_MAX;
    lathe_small_file(folder, version == 2 ? "memory.current" : "memory.usage_in_bytes", text);
    used = lathe_number_after(text, "", 0);
    lathe_small_file(folder, "memory.stat", text);
    cached = lathe_number_after(text, version == 2 ? "inactive_file" : "total_inactive_file", 0) +
             lathe_number_after(text, version == 2 ? "active_file" : "total_active_file", 0);
    used -= cached < used ? cached : used;
    return limit > used ? limit - used : 0;
}

/* The least of a group and all above it, up to the folder where the groups begin. Groups that are not to be seen from
   here (in a container) are passed over. */
static inline uint64_t lathe_groups_room(const char* root, const char* mount, const char* group, int version) {
    char folder[lathe_path_bytes];
    const int top = snprintf(folder, sizeof folder, "%s/%s", root, mount);
    uint64_t room = UINT64_MAX;
    if (top < 0 || top + strlen(group) + 1 > sizeof folder) return room;
    strcpy(folder + top, group);
    for (;;) {
        const uint64_t here = lathe_group_room(folder, version);
        char* const slash = strrchr(folder + top, '/');
        if (here < room) room = here;
        if (!slash) return room;
        *slash = '\0';
    }
}

/* Bytes; UINT64_MAX where nothing is known. `root` is "" but in tests, which lay out files of their own. */
static inline uint64_t lathe_memory_room(const char* root) {
    char folder[lathe_path_bytes], text[lathe_small_file_bytes];
    char *line, *end;
    uint64_t room, kilobytes;
    if (snprintf(folder, sizeof folder, "%s/proc", root) >= (int)sizeof folder) return UINT64_MAX;
    lathe_small_file(folder, "meminfo", text);
    kilobytes = lathe_number_after(text, "MemAvailable", UINT64_MAX);
    room = kilobytes > UINT64_MAX / 2048 ? UINT64_MAX : (kilobytes + lathe_number_after(text, "SwapFree", 0)) * 1024;
    lathe_small_file(folder, "self/cgroup", text); /* lines of NUMBER:CONTROLLERS:GROUP */
    for (line = text; *line; line = end) {
        char* const controllers = strchr(line, ':');
        char* const group = controllers ? strchr(controllers + 1, ':') : NULL;
        uint64_t here = UINT64_MAX;
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        else
            end = line + strlen(line);
        if (!group || group >= end) continue;
        *group = '\0';
        if (controllers[1] == '\0') { /* version 2, alone or beside version 1 */
            here = lathe_groups_room(root, "sys/fs/cgroup", group + 1, 2);
            if (here == UINT64_MAX) here = lathe_groups_room(root, "sys/fs/cgroup/unified", group + 1, 2);
        } else if (strstr(controllers + 1, "memory")) {
            here = lathe_groups_room(root, "sys/fs/cgroup/memory", group + 1, 1);
        }
        if (here < room) room = here;
    }
    return room == UINT64_MAX ? room : room - room / 32; /* something is left for all else */
}

#endif
