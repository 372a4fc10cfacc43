// Products of matrices against the peak of fused multiply-adds and, with --blas, against a library that offers
// cblas_sgemm (OpenBLAS, MKL), in turns in one process.
//
//   gemm [--target avx2|avx512|host] [--threads N] [--blas libopenblas.so.0] [--only TEXT] [--quick] ["NT MxKxN" ...]
//
// The peak is measured around each product: where both agree, the core was quiet. Results are checked against sums in
// double precision.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/counted_time.h"
#include "codegen/compile.h"
#include "ir/functions/matmul.h"
#include "ir/graph/graph.h"
#include "runtime/parallel.h"

namespace {

using namespace lathe;

struct Options {
    std::string target = "host", blas, only;
    int threads = 1;
    bool quick = false;
} options;

double now() { return bench::counted_seconds(options.threads); }
double seconds_since(double start) { return now() - start; }

// Independent chains of fused multiply-adds in registers: GFLOP/s of one core.
double fma_peak(int vector_bytes) {
    constexpr std::int64_t rounds = 200'000;
    double best = 0;
    for (int i = 0; i < 3; ++i) {
        std::int64_t n = rounds;
        const double start = now();
        if (vector_bytes == 64)
            asm volatile(
                "vpxord %%zmm30, %%zmm30, %%zmm30\n vpxord %%zmm31, %%zmm31, %%zmm31\n"
                "1:\n"
                ".irp n,0,1,2,3,4,5,6,7,8,9,10,11\n"
                "vfmadd231ps %%zmm31, %%zmm30, %%zmm\\n\n"
                ".endr\n"
                "dec %0\n jnz 1b\n vzeroupper\n"
                : "+r"(n)
                :
                : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                  "xmm11");
        else
            asm volatile(
                "vxorps %%ymm14, %%ymm14, %%ymm14\n vxorps %%ymm15, %%ymm15, %%ymm15\n"
                "1:\n"
                ".irp n,0,1,2,3,4,5,6,7,8,9,10,11\n"
                "vfmadd231ps %%ymm15, %%ymm14, %%ymm\\n\n"
                ".endr\n"
                "dec %0\n jnz 1b\n vzeroupper\n"
                : "+r"(n)
                :
                : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                  "xmm11", "xmm14", "xmm15");
        best = std::max(best, 2e-9 * vector_bytes / 4 * 12 * rounds / seconds_since(start));
    }
    return best;
}

using Sgemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float* a,
                       int lda, const float* b, int ldb, float beta, float* c, int ldc);
Sgemm load_blas() {
    if (options.blas.empty()) return nullptr;
    const std::string count = std::to_string(options.threads);
    for (const char* const name : {"OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"})
        setenv(name, count.c_str(), 1);
    void* const library = dlopen(options.blas.c_str(), RTLD_NOW | RTLD_GLOBAL);
    void* const found = library == nullptr ? nullptr : dlsym(library, "cblas_sgemm");
    if (found == nullptr) fmt::print(stderr, "{} has no cblas_sgemm\n", options.blas);
    return reinterpret_cast<Sgemm>(found);
}

struct Product {
    std::int64_t m, k, n;
    const char*
        form;  // NN, NT: the second operand is stored transposed, TN: the first one is, NP: the second in panels
    bool transposes_first() const { return form[0] == 'T'; }
    bool transposes_second() const { return form[1] == 'T'; }
    bool has_panels() const { return form[1] == 'P'; }
    std::string name() const { return fmt::format("{} {}x{}x{}", form, m, k, n); }
};

std::optional<Product> parse_product(const char* text) {
    for (const char* const form : {"NN", "NT", "TN", "NP"}) {
        Product p{0, 0, 0, form};
        if (std::string_view(text).starts_with(form) && std::sscanf(text + 2, " %ldx%ldx%ld", &p.m, &p.k, &p.n) == 3 &&
            std::min({p.m, p.k, p.n}) > 0)
            return p;
    }
    return std::nullopt;
}

std::shared_ptr<const codegen::Executable> compile(const Product& p) {
    ir::Graph graph;
    codegen::CompileOptions compile;
    // Extents are symbols, but for the columns of the second operand: features, usually, that a program knows.
    const auto parameter = [&](const char* name, std::int64_t rows, std::int64_t columns, bool transposed) {
        ir::Shape shape;
        for (const bool first : {true, false}) {
            const std::int64_t e = first != transposed ? rows : columns;
            if (name[0] == 'b' && first == transposed) {
                shape.push_back(e);
                continue;
            }
            compile.pipeline.typical_symbols.push_back(e);
            const auto s = static_cast<ir::Symbol>(graph.symbols.size());
            graph.symbols.push_back(fmt::format("{}{}", name, e));
            shape.push_back(ir::Dim::symbol(s));
        }
        return graph.add_parameter(name, ir::Type{ir::Dtype::f32, shape});
    };
    const ir::Value a = parameter("a", p.m, p.k, p.transposes_first());
    const ir::Value b = p.has_panels() ? graph.add_parameter("b", {ir::Dtype::f32, {p.k, p.n}}, {}, true)
                                       : parameter("b", p.k, p.n, p.transposes_second());
    const auto plain = [](ir::Value v, bool transposed) {
        return transposed ? ir::functions::transpose(v, {1, 0}) : v;
    };
    graph.add_output("c", ir::functions::matmul(plain(a, p.transposes_first()), plain(b, p.transposes_second())));
    compile.target = codegen::target_named(options.target);
    compile.prepares = true;
    return codegen::compile(graph, compile);
}

// What a program keeps of its steady second operand.
runtime::Buffer prepare(const codegen::Preparation& preparation, const void* b) {
    const runtime::Binding bound = runtime::bind_plan(preparation.executable.plan, {});
    const runtime::Buffer out = runtime::allocate(static_cast<std::size_t>(bound->output_bytes[0]));
    const runtime::Buffer workspace = runtime::allocate(bound->workspace_bytes(1) + 1);
    void* const to = out.data();
    runtime::run(*bound, &b, &to, workspace.data(), 1);
    return out;
}

double worst_difference(const Product& p, const float* a, const float* b, const float* c) {
    double worst = 0;
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
        const auto row = static_cast<std::int64_t>(random()) % p.m, column = static_cast<std::int64_t>(random()) % p.n;
        double sum = 0;
        for (std::int64_t k = 0; k < p.k; ++k)
            sum += double{p.transposes_first() ? a[k * p.m + row] : a[row * p.k + k]} *
                   double{p.transposes_second() ? b[column * p.k + k] : b[k * p.n + column]};
        worst = std::max(worst, std::abs(sum - double{c[row * p.n + column]}));
    }
    return worst;
}

double median(std::vector<double> x) {
    std::ranges::nth_element(x, x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2));
    return x[x.size() / 2];
}

void measure(const Product& p, Sgemm sgemm) {
    if (!options.only.empty() && p.name().find(options.only) == std::string::npos) return;
    const double first = now();
    const auto executable = compile(p);
    const double compile_milliseconds = seconds_since(first) * 1e3;
    const std::int64_t extents[] = {p.transposes_first() ? p.k : p.m, p.transposes_first() ? p.m : p.k, p.k};
    const runtime::Binding bound =
        runtime::bind_plan(executable->plan, std::span(extents).first(p.has_panels() ? 2 : 3));
    const auto floats = [](std::int64_t count) {
        return runtime::allocate(static_cast<std::size_t>(count) * sizeof(float));
    };
    const runtime::Buffer a = floats(p.m * p.k), b = floats(p.k * p.n), c = floats(p.m * p.n), d = floats(p.m * p.n);
    std::mt19937 engine(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (const auto& [buffer, count] : {std::pair{&a, p.m * p.k}, {&b, p.k * p.n}})
        std::generate_n(reinterpret_cast<float*>(buffer->data()), count, [&] { return uniform(engine); });
    const runtime::Buffer workspace = runtime::allocate(bound->workspace_bytes(options.threads) + 1);
    const runtime::Buffer panels = p.has_panels() ? prepare(*executable->preparation, b.data()) : b;
    const void* in[] = {a.data(), b.data(), panels.data()};
    void* out[] = {c.data()};
    const auto as_floats = [](const runtime::Buffer& x) { return reinterpret_cast<float*>(x.data()); };
    const auto ours = [&] { runtime::run(*bound, in, out, workspace.data(), options.threads); };
    const auto theirs = [&] {
        const bool ta = p.transposes_first(), tb = p.transposes_second();
        sgemm(101, ta ? 112 : 111, tb ? 112 : 111, static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k),
              1, as_floats(a), static_cast<int>(ta ? p.m : p.k), as_floats(b), static_cast<int>(tb ? p.k : p.n), 0,
              as_floats(d), static_cast<int>(p.n));
    };
    const double flops = 2e-9 * static_cast<double>(p.m) * static_cast<double>(p.k) * static_cast<double>(p.n);
    const auto rate = [&](const auto& f) {
        f();
        const double start = now();
        std::int64_t runs = 0;
        do {
            f();
            ++runs;
        } while (seconds_since(start) < (options.quick ? 0.01 : 0.04));
        return flops * static_cast<double>(runs) / seconds_since(start);
    };
    const int vector_bytes = codegen::target_named(options.target).vector_bytes;
    std::vector<double> of_peak, us, them;
    for (int i = 0; i < (options.quick ? 3 : 7); ++i) {
        const double before = fma_peak(vector_bytes);
        us.push_back(rate(ours));
        of_peak.push_back(us.back() / options.threads / std::max(before, fma_peak(vector_bytes)));
        if (sgemm != nullptr) them.push_back(rate(theirs));
    }
    const double wrong = worst_difference(p, as_floats(a), as_floats(b), as_floats(c));
    fmt::print("{:20} {:7.1f} GF/s {:5.1f} % of peak", p.name(), median(us), 100 * median(of_peak));
    if (sgemm != nullptr) fmt::print("   BLAS {:7.1f}   ratio {:.2f}", median(them), median(us) / median(them));
    fmt::print("   compiled in {:.1f} ms, error {:.1e}\n", compile_milliseconds, wrong);
    std::fflush(stdout);
}

std::vector<Product> usual_products() {
    std::vector<Product> out;
    for (const std::int64_t n : {32, 64, 100, 128, 256, 512, 1000, 1024, 2048}) out.push_back({n, n, n, "NN"});
    for (const auto& [m, k, n] : {std::tuple{32, 768, 3072},
                                  {128, 768, 3072},
                                  {128, 3072, 768},
                                  {32, 784, 128},
                                  {128, 784, 10},
                                  {1, 784, 128},
                                  {8, 768, 768}})
        out.push_back({m, k, n, "NN"});
    for (const char* const form : {"NT", "TN", "NP"})
        for (const std::int64_t n : {64, 256, 512, 1024}) out.push_back({n, n, n, form});
    for (const auto& [m, k, n] :
         {std::tuple{1, 768, 3072}, {32, 768, 3072}, {128, 768, 3072}, {128, 3072, 768}, {128, 784, 10}})
        out.push_back({m, k, n, "NP"});
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Product> products;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--quick") {
            options.quick = true;
        } else if (i + 1 < argc && word == "--target") {
            options.target = argv[++i];
        } else if (i + 1 < argc && word == "--threads") {
            options.threads = std::atoi(argv[++i]);
        } else if (i + 1 < argc && word == "--blas") {
            options.blas = argv[++i];
        } else if (i + 1 < argc && word == "--only") {
            options.only = argv[++i];
        } else if (const auto product = parse_product(argv[i])) {
            products.push_back(*product);
        } else {
            fmt::print(stderr, "unknown argument {}; see the top of bench/gemm.cpp\n", word);
            return 2;
        }
    }
    if (products.empty()) products = usual_products();
    const Sgemm sgemm = load_blas();
    for (const Product& p : products) measure(p, sgemm);
}
