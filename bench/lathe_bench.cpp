// Lathe alone: what its own calls cost.
#include <benchmark/benchmark.h>

#include "codegen/kernels.h"
#include "lathe.h"
#include "runtime/parallel.h"

namespace {

using namespace lathe;

// Threads share the inputs.
void lazy_add(benchmark::State& state) {
    static const Tensor a = random_uniform(1, {10}).eval();
    static const Tensor b = random_uniform(2, {10}).eval();
    for (auto _ : state) (a + b).eval();
}
BENCHMARK(lazy_add)->ThreadRange(1, 2)->UseRealTime();

void lazy_chain(benchmark::State& state) {
    const Tensor a = random_uniform(1, {10}).eval();
    for (auto _ : state) {
        Tensor x = a;
        for (int i = 0; i < 1000; ++i) x = x + a;
        x.eval();
    }
    state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(lazy_chain);

// Two kernels of 10 elements: a product of matrices cannot fuse with what reduces its result.
void compiled_call(benchmark::State& state) {
    const Model model = trace([](const Tensor& x) { return sum(x * 2.0) * x; }, {{"x", Dtype::f32, {10}}});
    const CompiledModel compiled = model.compile();
    const std::vector<std::int64_t> shape{10};
    const BoundModel bound = compiled.bind(std::span(&shape, 1));
    const Tensor x = random_uniform(1, {10}).eval();
    const void* in = x.node()->elements();
    float out[16];
    void* outputs = out;
    for (auto _ : state) {
        bound(&in, &outputs);
        benchmark::ClobberMemory();
    }
    state.counters["kernels"] = static_cast<double>(compiled.executable().plan.steps.size());
}
BENCHMARK(compiled_call);

// GEMM of one thread, in GFLOP/s, and the peak of fused multiply-adds measured by the same compiler: a product whose
// operands stay in the first-level cache.
void gemm(benchmark::State& state) {
    const runtime::ThreadLimit one(1);
    const std::int64_t n = state.range(0);
    const Model model = trace([](const Tensor& a, const Tensor& b) { return matmul(a, b); },
                              {{"a", Dtype::f32, {"m", "k"}}, {"b", Dtype::f32, {"k", "n"}}});
    const std::vector<std::vector<std::int64_t>> shapes{{n, n}, {n, n}};
    const BoundModel bound = model.compile().bind(shapes);
    const Tensor a = random_uniform(1, {n, n}).eval();
    const Tensor b = random_uniform(2, {n, n}).eval();
    const void* in[] = {a.node()->elements(), b.node()->elements()};
    const runtime::Buffer out = runtime::allocate(static_cast<std::size_t>(n * n) * sizeof(float));
    void* outputs = out.data();
    for (auto _ : state) bound(in, &outputs);
    state.counters["GFLOP/s"] =
        benchmark::Counter(2e-9 * static_cast<double>(n * n * n), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(gemm)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->Arg(1024);

// Independent chains of fused multiply-adds in registers, all written out: what the processor can do at best.
#if defined(__x86_64__)
void fma_peak_512(benchmark::State& state) {
    if (!codegen::target_named("avx512").runs_here) {
        state.SkipWithError("no AVX-512 here");
        return;
    }
    for (auto _ : state) {
        std::int64_t rounds = 1000;
        asm volatile(
            "vpxord %%zmm30, %%zmm30, %%zmm30\n vpxord %%zmm31, %%zmm31, %%zmm31\n"
            "1:\n"
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n"
            "vfmadd231ps %%zmm31, %%zmm30, %%zmm\\n\n"
            ".endr\n"
            "dec %0\n jnz 1b\n vzeroupper\n"
            : "+r"(rounds)
            :
            : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
              "xmm12", "xmm13", "xmm14", "xmm15");
    }
    state.counters["GFLOP/s"] =
        benchmark::Counter(2e-9 * 16 * 24 * 1000, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(fma_peak_512);
#endif

}  // namespace

BENCHMARK_MAIN();
