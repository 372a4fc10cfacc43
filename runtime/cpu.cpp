#include "runtime/cpu.h"

#include "runtime/cpu_features.h"

namespace lathe::runtime {
namespace {

Cpu detect() {
    Cpu c;
    const std::uint32_t present = lathe_cpu_present();
    const auto has_level = [&](int level) {
        const std::uint32_t needed = lathe_cpu_needed(level);
        return (present & needed) == needed;
    };
    for (int level = 0; level <= static_cast<int>(CpuLevel::vnni) && has_level(level); ++level)
        c.level = static_cast<CpuLevel>(level);
    for (int k = 0; k < lathe_cpu_feature_count; ++k) {
        const lathe_cpu_feature& feature = lathe_cpu_features[k];
        const bool there = (present >> k & 1) != 0;
        if (feature.level == 1 && !there) c.missing += (c.missing.empty() ? "" : ", ") + std::string(feature.name);
    }
    unsigned a = 0, b = 0, cx = 0, d = 0;
    c.avx512_bf16 = c.level >= CpuLevel::avx512 && __get_cpuid_count(7, 1, &a, &b, &cx, &d) && (a >> 5 & 1) != 0;
    std::int64_t caches[3];
    lathe_cache_bytes(caches);
    c.l1_data = caches[0];
    c.l2 = caches[1];
    c.l3 = caches[2];
    return c;
}

}  // namespace

const Cpu& cpu() {
    static const Cpu& found = *new Cpu(detect());  // never destroyed
    return found;
}

}  // namespace lathe::runtime
