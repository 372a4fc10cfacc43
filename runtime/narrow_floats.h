/* f16 and bf16 as numbers: what no type of C11 holds. Plain C, no dependencies. */
#ifndef LATHE_RUNTIME_NARROW_FLOATS_H
#define LATHE_RUNTIME_NARROW_FLOATS_H

#include <stdint.h>

/* bits / 2^count, to nearest even. */
static inline uint32_t lathe_shift_right_even(uint32_t bits, unsigned count) {
    const uint32_t half = (1u << (count - 1)) - 1;
    return (bits + half + (bits >> count & 1)) >> count;
}

static inline uint16_t lathe_bf16_of(float value) {
    uint32_t bits, magnitude;
    __builtin_memcpy(&bits, &value, sizeof bits);
    magnitude = bits & 0x7fffffffu;
    magnitude = magnitude > 0x7f800000u ? magnitude >> 16 | 0x40u : lathe_shift_right_even(magnitude, 16);
    return (uint16_t)((bits >> 16 & 0x8000u) | magnitude);
}

static inline uint16_t lathe_f16_of(float value) {
    uint32_t bits, magnitude, out = 0;
    __builtin_memcpy(&bits, &value, sizeof bits);
    magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        out = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    else if (magnitude >= 0x47800000u) /* 2^16 and above */
        out = 0x7c00u;
    else if (magnitude >= 0x38800000u) /* normal: a carry out of the mantissa rightly bumps the exponent */
        out = lathe_shift_right_even(magnitude - 0x38000000u, 13);
    else if (magnitude >= 0x33000000u) /* denormal: 2^-25 and above */
        out = lathe_shift_right_even((magnitude & 0x7fffffu) | 0x800000u, 126 - (magnitude >> 23));
    return (uint16_t)((bits >> 16 & 0x8000u) | out);
}

static inline float lathe_float_of_bf16(uint16_t narrow) {
    const uint32_t bits = (uint32_t)narrow << 16;
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float lathe_float_of_f16(uint16_t narrow) {
    const uint32_t exponent = narrow >> 10 & 0x1f, mantissa = narrow & 0x3ff, sign = (uint32_t)(narrow & 0x8000) << 16;
    uint32_t bits;
    float value;
    if (exponent == 0x1f) {
        bits = sign | 0x7f800000u | mantissa << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        value = (float)mantissa * 0x1p-24f;
        __builtin_memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
