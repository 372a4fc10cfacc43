// What the processor offers, as far as the compiler and the run time care.
#pragma once

#include <cstdint>
#include <string>

namespace lathe::runtime {

enum class CpuLevel : std::uint8_t {
    baseline,  // less than Lathe's kernels need
    avx2,      // x86-64-v3: AVX2, FMA, F16C, BMI
    avx512,    // x86-64-v4: AVX-512 F, BW, CD, DQ, VL, with the operating system saving the registers
    vnni,      // and AVX-512 VNNI, which multiplies and adds bytes
};

struct Cpu {
    CpuLevel level = CpuLevel::baseline;
    bool avx512_bf16 = false;
    std::int64_t l1_data = 32 << 10, l2 = 1 << 20, l3 = 0;  // bytes; of one core, one core, and all of it
    std::string missing;  // features that x86-64-v3 asks for and this processor or system lacks, by name
};

const Cpu& cpu();  // asked once

}  // namespace lathe::runtime
