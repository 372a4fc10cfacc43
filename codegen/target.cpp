#include "codegen/target.h"

#include "ir/error.h"
#include "runtime/cpu.h"

namespace lathe::codegen {

namespace {

struct Level {
    runtime::CpuLevel needed;
    const char *name, *cpu, *features;
    int vector_bytes, vector_registers;
};
constexpr Level levels[] = {
    // best first
    {runtime::CpuLevel::vnni, "vnni", "x86-64-v4", "+avx512vnni", 64, 32},
    {runtime::CpuLevel::avx512, "avx512", "x86-64-v4", "", 64, 32},
    {runtime::CpuLevel::avx2, "avx2", "x86-64-v3", "", 32, 16},
};

Target make(const Level& l) {
    return {l.name,
            l.cpu,
            l.features,
            l.vector_bytes,
            l.vector_registers,
            static_cast<int>(l.needed),
            runtime::cpu().level >= l.needed};
}

}  // namespace

Target host_target() {
    for (const Level& l : levels)
        if (Target t = make(l); t.runs_here) return t;
    throw UserError("this processor lacks " + runtime::cpu().missing + ", which compiled kernels need");
}

Target target_named(std::string_view name) {
    if (name == "host") return host_target();
    for (const Level& l : levels)
        if (name == l.name) return make(l);
    throw UserError("unknown target '" + std::string(name) + "'; there are avx2, avx512, vnni and host");
}

Target without_features(const Target& target) {
    for (const Level& l : levels)
        if (l.cpu == target.cpu && *l.features == 0) return make(l);
    return target;
}

}  // namespace lathe::codegen
