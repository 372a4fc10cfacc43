// Lathe alone: what its own calls cost.
#include <benchmark/benchmark.h>

#include "codegen/compile.h"
#include "lathe.h"
#include "runtime/buffer.h"

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
    const void* in = x.data<float>().data();
    float out[16];
    void* outputs = out;
    for (auto _ : state) {
        bound(&in, &outputs);
        benchmark::ClobberMemory();
    }
    state.counters["kernels"] = static_cast<double>(compiled.executable().plan.steps.size());
}
BENCHMARK(compiled_call);

// The same as users call them: results are new tensors.
void model_call(benchmark::State& state) {
    const Model model = trace([](const Tensor& x) { return sum(x * 2.0) * x; }, {{"x", Dtype::f32, {10}}});
    const Tensor x = random_uniform(1, {10}).eval();
    for (auto _ : state) benchmark::DoNotOptimize(model(x));
}
BENCHMARK(model_call);
void jit_call(benchmark::State& state) {
    const auto f = jit([](const Tensor& x) { return sum(x * 2.0) * x; });
    const Tensor x = random_uniform(1, {10}).eval();
    for (auto _ : state) benchmark::DoNotOptimize(f(x));
}
BENCHMARK(jit_call);

// A step of training of a network of so many layers of 8 units: all but what the kernels take.
void small_step(benchmark::State& state) {
    const runtime::ThreadLimit one(1);
    nn::Generator random(3);
    std::vector<nn::Linear> layers;
    std::vector<Tensor> parameters;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        layers.emplace_back(8, 8, random);
        for (const Tensor& p : layers.back().parameters()) parameters.push_back(p);
    }
    optim::Sgd optimizer(parameters, {.learning_rate = 1e-3});
    const auto step = jit([&](const Tensor& x) {
        Tensor y = x;
        for (const nn::Linear& layer : layers) y = layer(y);
        Tensor loss = sum(y);
        loss.backward();
        optimizer.step();
        return loss;
    });
    const Tensor x = random_uniform(1, {2, 8}).eval();
    step(x);
    for (auto _ : state) benchmark::DoNotOptimize(step(x));
}
BENCHMARK(small_step)->Arg(1)->Arg(30);

// A step of Adam over so many parameters of so many elements, on so many threads: many parameters should cost what one
// of as many elements does.
void adam(benchmark::State& state) {
    const runtime::ThreadLimit limit(static_cast<int>(state.range(2)));
    std::vector<Tensor> parameters;
    std::vector<Tensor> gradients;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        parameters.push_back(variable(random_uniform(1, {state.range(1)})));
        gradients.push_back(random_uniform(2, {state.range(1)}).eval());
    }
    optim::Adam optimizer(parameters, {.learning_rate = 1e-3});
    const auto step = jit([&](const std::vector<Tensor>& g) {
        Tensor loss = sum(parameters[0] * g[0]);
        for (std::size_t i = 1; i < g.size(); ++i) loss = loss + sum(parameters[i] * g[i]);
        loss.backward();
        optimizer.step();
        return std::vector<Tensor>{};
    });
    step(gradients);
    for (auto _ : state) step(gradients);
    state.counters["elements/s"] = benchmark::Counter(static_cast<double>(state.range(0) * state.range(1)),
                                                      benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(adam)
    ->Args({1, 1 << 20, 1})
    ->Args({100, 10486, 1})
    ->Args({1, 1 << 20, 2})
    ->Args({100, 10486, 2})
    ->UseRealTime();

// A compiled function of one output, run again and again on one thread; the output has so many elements of 4 bytes.
void run_model(benchmark::State& state, const Model& model, const std::vector<Tensor>& inputs, std::size_t elements) {
    const runtime::ThreadLimit one(1);
    std::vector<std::vector<std::int64_t>> shapes;
    std::vector<const void*> in;
    for (const Tensor& x : inputs) {
        shapes.push_back(x.shape());
        in.push_back(x.bytes().data());
    }
    const BoundModel bound = model.compile().bind(shapes);
    const runtime::Buffer out = runtime::allocate(elements * sizeof(float));
    void* outputs = out.data();
    for (auto _ : state) bound(in.data(), &outputs);
}

// An RNN of 64 hidden units over 100 steps of a batch of 32, and the cell alone: a step of the loop should cost what
// the cell does, less what a call costs.
Tensor rnn_cell(const Tensor& h, const Tensor& x, const Tensor& w, const Tensor& u) {
    return tanh(matmul(x, w) + matmul(h, u));
}
constexpr std::int64_t steps = 100, rows = 32, hidden = 64;
void rnn_one_cell(benchmark::State& state) {
    const Model model = trace(rnn_cell, {{"h", Dtype::f32, {"n", hidden}},
                                         {"x", Dtype::f32, {"n", hidden}},
                                         {"w", Dtype::f32, {hidden, hidden}},
                                         {"u", Dtype::f32, {hidden, hidden}}});
    run_model(state, model,
              {random_uniform(1, {rows, hidden}).eval(), random_uniform(2, {rows, hidden}).eval(),
               random_uniform(3, {hidden, hidden}).eval(), random_uniform(4, {hidden, hidden}).eval()},
              rows * hidden);
}
BENCHMARK(rnn_one_cell);
void rnn_scan(benchmark::State& state) {
    const Model model = trace(
        [](const Tensor& h0, const Tensor& xs, const Tensor& w, const Tensor& u) {
            return scan([&](const Tensor& h,
                            const Tensor& x) { return std::pair(rnn_cell(h, x, w, u), std::tuple<>()); },
                        h0, xs)
                .first;
        },
        {{"h", Dtype::f32, {"n", hidden}},
         {"xs", Dtype::f32, {"t", "n", hidden}},
         {"w", Dtype::f32, {hidden, hidden}},
         {"u", Dtype::f32, {hidden, hidden}}});
    run_model(state, model,
              {random_uniform(1, {rows, hidden}).eval(), random_uniform(2, {steps, rows, hidden}).eval(),
               random_uniform(3, {hidden, hidden}).eval(), random_uniform(4, {hidden, hidden}).eval()},
              rows * hidden);
    state.SetItemsProcessed(state.iterations() * steps);
}
BENCHMARK(rnn_scan);

// 1000 steps of a kernel of 16 elements, which reads a slice where `sliced`: the time of a step is the walker's and the
// kernel's, of which compiled_call shows what the latter takes.
void scan_steps(benchmark::State& state) {
    constexpr std::int64_t many = 1000, elements = 16;
    const bool sliced = state.range(0) != 0;
    const Model model = trace(
        [&](const Tensor& h0, const Tensor& xs) {
            const auto slices = [](const Tensor& h, const Tensor& x) { return std::pair(h + x, std::tuple<>()); };
            const auto none = [&](const Tensor& h, const std::tuple<>&) { return std::pair(h + h0, std::tuple<>()); };
            return sliced ? scan(slices, h0, xs).first
                          : scan(none, h0, std::tuple<>(), {.length = xs.type().shape[0]}).first;
        },
        {{"h", Dtype::f32, {elements}}, {"xs", Dtype::f32, {"t", elements}}});
    run_model(state, model, {random_uniform(1, {elements}).eval(), random_uniform(2, {many, elements}).eval()},
              elements);
    state.SetItemsProcessed(state.iterations() * many);
}
BENCHMARK(scan_steps)->Arg(0)->Arg(1);

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
    const void* in[] = {a.data<float>().data(), b.data<float>().data()};
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
