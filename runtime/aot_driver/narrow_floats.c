/* f16 and bf16 as numbers. */
#include "runtime/narrow_floats.h"

#include "runtime/aot_driver/driver.h"

uint16_t lathe_aot_narrow(float value, int32_t dtype) {
    return dtype == LATHE_BF16 ? lathe_bf16_of(value) : lathe_f16_of(value);
}

float lathe_aot_widen(uint16_t narrow, int32_t dtype) {
    return dtype == LATHE_BF16 ? lathe_float_of_bf16(narrow) : lathe_float_of_f16(narrow);
}
