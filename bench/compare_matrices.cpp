// Decompositions of matrices, equations, and Fourier transforms of both sides.
#include <fmt/format.h>

#include "bench/comparison.h"

namespace comparison {
namespace {

struct Decomposition {
    const char* name;
    Tensor (*function)(const Tensor& x);  // what does not depend on the choice of signs
    bool symmetric = false;
};
const Decomposition decompositions[] = {
    {"cholesky", [](const Tensor& x) { return cholesky(x); }, true},
    {"solve", [](const Tensor& x) { return solve(x, x + 1.0); }},
    {"inv", [](const Tensor& x) { return inv(x); }},
    {"det", [](const Tensor& x) { return det(x); }},
    {"qr", [](const Tensor& x) { return qr(x).r; }},
    {"eigh", [](const Tensor& x) { return eigh(x).values; }, true},
    {"svd", [](const Tensor& x) { return svd(x).s; }},
};

// Random matrices with a heavy diagonal, and symmetric ones.
Floats matrices(std::int64_t count, std::int64_t n, bool symmetric) {
    Floats x = random_floats(static_cast<std::size_t>(count * n * n), 51);
    for (std::int64_t m = 0; m < count; ++m)
        for (std::int64_t i = 0; i < n; ++i) {
            float* const matrix = x.data() + m * n * n;
            for (std::int64_t j = 0; symmetric && j < i; ++j) matrix[i * n + j] = matrix[j * n + i];
            matrix[i * n + i] += static_cast<float>(n);
        }
    return x;
}

}  // namespace

void matrices(Comparison& c) {
    struct Size {
        std::int64_t count, n;
    };
    for (const Size& s : {Size{1, 4}, Size{1, 8}, Size{1, 16}, Size{1, 64}, Size{1000, 8}}) {
        for (const Decomposition& d : decompositions) {
            const Floats x = matrices(s.count, s.n, d.symmetric);
            std::vector<std::int64_t> shape{s.n, s.n};
            if (s.count > 1) shape.insert(shape.begin(), s.count);
            const std::string size =
                s.count > 1 ? fmt::format("{} of {}x{}", s.count, s.n, s.n) : fmt::format("{}x{}", s.n, s.n);
            c.row(fmt::format("{} {}", d.name, size), "compiled", compiled(d.function, {{x, shape}}),
                  peer::decomposition(d.name, x, s.count, s.n), 1e-2F);
        }
        c.summarize(fmt::format("decompositions of {} matrices of {}", s.count, s.n));
    }
    for (const auto& [lines, length] :
         {std::pair<std::int64_t, std::int64_t>{1024, 1024}, {64, 1000}, {1, 1 << 20}, {100, 997}}) {
        const Floats x = random_floats(static_cast<std::size_t>(2 * lines * length), 52);
        const std::string size = fmt::format("{} of {}", lines, length);
        c.row("fft " + size, "compiled", compiled([](const Tensor& z) { return fft(z); }, {{x, {lines, length, 2}}}),
              peer::fft(x, lines, length), 1e-2F);
        const Floats real = random_floats(static_cast<std::size_t>(lines * length), 53);
        c.row("rfft " + size, "compiled", compiled([](const Tensor& r) { return rfft(r); }, {{real, {lines, length}}}),
              peer::rfft(real, lines, length), 1e-2F);
    }
    c.summarize("Fourier transforms");
}

}  // namespace comparison
