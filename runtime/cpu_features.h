/* Which of the processor levels that Lathe compiles for this processor and system offer, and its caches. Plain C, no
   dependencies: shared by the run time and the programs that are compiled ahead of time. */
#ifndef LATHE_RUNTIME_CPU_FEATURES_H
#define LATHE_RUNTIME_CPU_FEATURES_H

#include <cpuid.h>
#include <stdint.h>

typedef struct lathe_cpu_feature {
    const char* name;
    uint32_t leaf; /* of CPUID, subleaf 0 */
    uint32_t word; /* 0: eax, 1: ebx, 2: ecx, 3: edx */
    uint32_t bit;
    uint32_t state; /* bits of XCR0: registers that the system must save */
    int level;      /* 1: needed for x86-64-v3, 2: for x86-64-v4 too, 3: beyond that */
} lathe_cpu_feature;

enum { lathe_cpu_feature_count = 16 };

static const lathe_cpu_feature lathe_cpu_features[lathe_cpu_feature_count] = {
    {"SSE4.2", 1, 2, 20, 0, 1},         {"POPCNT", 1, 2, 23, 0, 1},      {"AVX", 1, 2, 28, 0x6, 1},
    {"F16C", 1, 2, 29, 0x6, 1},         {"FMA", 1, 2, 12, 0x6, 1},       {"MOVBE", 1, 2, 22, 0, 1},
    {"LZCNT", 0x80000001u, 2, 5, 0, 1}, {"BMI1", 7, 1, 3, 0, 1},         {"BMI2", 7, 1, 8, 0, 1},
    {"AVX2", 7, 1, 5, 0x6, 1},          {"AVX512F", 7, 1, 16, 0xe6, 2},  {"AVX512DQ", 7, 1, 17, 0xe6, 2},
    {"AVX512CD", 7, 1, 28, 0xe6, 2},    {"AVX512BW", 7, 1, 30, 0xe6, 2}, {"AVX512VL", 7, 1, 31, 0xe6, 2},
    {"AVX512VNNI", 7, 2, 11, 0xe6, 3},
};

/* Bit k is set if feature k of the table is there. */
static inline uint32_t lathe_cpu_present(void) {
    uint32_t present = 0, saved = 0, registers[4];
    int k;
    if (__get_cpuid_count(1, 0, &registers[0], &registers[1], &registers[2], &registers[3]) &&
        (registers[2] >> 27 & 1)) {
        uint32_t high;
        __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    }
    for (k = 0; k < lathe_cpu_feature_count; ++k) {
        const lathe_cpu_feature* feature = &lathe_cpu_features[k];
        if (!__get_cpuid_count(feature->leaf, 0, &registers[0], &registers[1], &registers[2], &registers[3])) continue;
        if ((registers[feature->word] >> feature->bit & 1) && (saved & feature->state) == feature->state)
            present |= UINT32_C(1) << k;
    }
    return present;
}

/* The features that a level consists of, as bits. */
static inline uint32_t lathe_cpu_needed(int level) {
    uint32_t needed = 0;
    int k;
    for (k = 0; k < lathe_cpu_feature_count; ++k)
        if (lathe_cpu_features[k].level <= level) needed |= UINT32_C(1) << k;
    return needed;
}

/* Bytes of one core's first level data cache, one core's second level, and all of the third. CPUID may be slow where a
   hypervisor answers: the result is kept. */
static inline void lathe_cache_bytes(int64_t bytes[3]) {
    static int64_t known[3]; /* threads that race find the same */
    uint32_t a = 0, b = 0, c = 0, d = 0, leaf = 4, index;
    int64_t found[3] = {INT64_C(32) << 10, INT64_C(1) << 20, 0};
    bytes[0] = __atomic_load_n(&known[0], __ATOMIC_ACQUIRE); /* written last */
    bytes[1] = __atomic_load_n(&known[1], __ATOMIC_RELAXED);
    bytes[2] = __atomic_load_n(&known[2], __ATOMIC_RELAXED);
    if (bytes[0] != 0) return;
    /* The leaf of deterministic cache parameters; AMD has the same layout elsewhere. */
    if (__get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx) leaf = 0x8000001du;
    for (index = 0; index < 16; ++index) {
        uint32_t type, level;
        if (!__get_cpuid_count(leaf, index, &a, &b, &c, &d)) break;
        type = a & 31;
        level = a >> 5 & 7;
        if (type == 0) break;
        if (level >= 1 && level <= 3 && (level > 1 || type == 1))
            found[level - 1] = ((int64_t)(b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * ((int64_t)c + 1);
    }
    for (index = 3; index-- > 0;) {
        bytes[index] = found[index];
        __atomic_store_n(&known[index], found[index], __ATOMIC_RELEASE);
    }
}

#endif
