// Lathe alone: what its own calls cost.
#include <benchmark/benchmark.h>

#include "codegen/kernels.h"
#include "lathe.h"
#include "runtime/parallel.h"

namespace {

using namespace lathe;

void lazy_add(benchmark::State& state) {
    const Tensor a = random_uniform(1, {10}).eval();
    const Tensor b = random_uniform(2, {10}).eval();
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

// Independent chains of fused multiply-adds in registers: what the processor can do at best.
#if defined(__x86_64__)
__attribute__((target("avx512f"))) void fma_peak_512(benchmark::State& state) {
    using Vector [[gnu::vector_size(64)]] = float;
    Vector acc[24];
    for (int i = 0; i < 24; ++i) acc[i] = Vector{} + static_cast<float>(i);
    Vector x = Vector{} + 0.999F;
    for (auto _ : state)
        for (int k = 0; k < 1000; ++k) {
#pragma GCC unroll 24
            for (int i = 0; i < 24; ++i) asm("vfmadd213ps %2, %1, %0" : "+v"(acc[i]) : "v"(x), "v"(x));
        }
    for (auto& v : acc) benchmark::DoNotOptimize(v);
    state.counters["GFLOP/s"] =
        benchmark::Counter(2e-9 * 16 * 24 * 1000, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(fma_peak_512);
#endif

}  // namespace

BENCHMARK_MAIN();
