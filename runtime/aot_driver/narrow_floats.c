/* f16 and bf16 as numbers: what no type of C11 holds. */
#include <string.h>

#include "runtime/aot_driver/driver.h"

static const uint32_t infinity = 0x7f800000u;

/* bits / 2^count, to nearest even. */
static uint32_t shift_right_even(uint32_t bits, unsigned count) {
    const uint32_t half = (1u << (count - 1)) - 1;
    return (bits + half + (bits >> count & 1)) >> count;
}

uint16_t lathe_aot_narrow(float value, int32_t dtype) {
    uint32_t bits, sign, magnitude, out = 0;
    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000u;
    magnitude = bits & 0x7fffffffu;
    if (dtype == LATHE_BF16)
        out = magnitude > infinity ? magnitude >> 16 | 0x40u : shift_right_even(magnitude, 16);
    else if (magnitude > infinity)
        out = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    else if (magnitude >= 0x47800000u) /* 2^16 and above */
        out = 0x7c00u;
    else if (magnitude >= 0x38800000u) /* normal: a carry out of the mantissa rightly bumps the exponent */
        out = shift_right_even(magnitude - 0x38000000u, 13);
    else if (magnitude >= 0x33000000u) /* denormal: 2^-25 and above */
        out = shift_right_even((magnitude & 0x7fffffu) | 0x800000u, 126 - (magnitude >> 23));
    return (uint16_t)(sign | out);
}

float lathe_aot_widen(uint16_t narrow, int32_t dtype) {
    const uint32_t exponent = narrow >> 10 & 0x1f, mantissa = narrow & 0x3ff, sign = (uint32_t)(narrow & 0x8000) << 16;
    uint32_t bits;
    float value;
    if (dtype == LATHE_BF16) {
        bits = (uint32_t)narrow << 16;
    } else if (exponent == 0x1f) {
        bits = sign | infinity | mantissa << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}
