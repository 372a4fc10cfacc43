#include "runtime/cpu.h"

#include "runtime/cpu_features.h"

namespace lathe::runtime {
namespace {

void read_caches(Cpu& c) {
    unsigned a = 0, b = 0, cx = 0, d = 0;
    unsigned leaf = 4;  // deterministic cache parameters; AMD has the same layout elsewhere
    if (__get_cpuid(0, &a, &b, &cx, &d) && b == signature_AMD_ebx) leaf = 0x8000001D;
    for (unsigned index = 0; index < 16; ++index) {
        if (!__get_cpuid_count(leaf, index, &a, &b, &cx, &d)) return;
        const unsigned type = a & 31, level = a >> 5 & 7;
        if (type == 0) return;
        const std::int64_t size =
            (std::int64_t{b >> 22} + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * (std::int64_t{cx} + 1);
        if (level == 1 && type == 1) c.l1_data = size;
        if (level == 2) c.l2 = size;
        if (level == 3) c.l3 = size;
    }
}

Cpu detect() {
    Cpu c;
    const std::uint32_t present = lathe_cpu_present();
    const auto has_level = [&](int level) {
        const std::uint32_t needed = lathe_cpu_needed(level);
        return (present & needed) == needed;
    };
    c.level = has_level(2) ? CpuLevel::avx512 : has_level(1) ? CpuLevel::avx2 : CpuLevel::baseline;
    for (int k = 0; k < lathe_cpu_feature_count; ++k) {
        const lathe_cpu_feature& feature = lathe_cpu_features[k];
        const bool there = (present >> k & 1) != 0;
        if (feature.level == 3) c.avx512_vnni = there;
        if (feature.level == 1 && !there) c.missing += (c.missing.empty() ? "" : ", ") + std::string(feature.name);
    }
    unsigned a = 0, b = 0, cx = 0, d = 0;
    c.avx512_bf16 = c.level == CpuLevel::avx512 && __get_cpuid_count(7, 1, &a, &b, &cx, &d) && (a >> 5 & 1) != 0;
    read_caches(c);
    return c;
}

}  // namespace

const Cpu& cpu() {
    static const Cpu& found = *new Cpu(detect());  // never destroyed
    return found;
}

}  // namespace lathe::runtime
