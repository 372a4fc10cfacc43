// Newton's method: x - H^-1 g, with the gradient and the Hessian of any function of a vector.
//
//   newton [--quick]
//
// One step is one compiled program: derivatives, the factors of the Hessian, the solution. It finds the minimum of
// Rosenbrock's function, and the weights of a logistic regression, where each step about doubles the digits that are
// right.
#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;

// The point that follows x, and the norm of the gradient at x.
template <class F>
auto newton(const F& f) {
    return jit([f](const Tensor& x) {
        const Tensor g = grad(f)(x);
        return std::pair(x - solve(hessian(f)(x), g), norm(g));
    });
}

// From `start` until the gradient is 0 but for rounding.
template <class F>
Tensor minimize(const char* name, const F& f, Tensor x) {
    const auto step = newton(f);
    for (int i = 0; i < 30; ++i) {
        const auto [next, slope] = step(x);
        fmt::print("{:11} step {:2}    f = {:<12.6g} |gradient| = {:.2e}\n", name, i, f(x).template item<double>(),
                   slope.template item<double>());
        if (slope.template item<double>() < 1e-10) return x;
        x = next;
    }
    throw UserError(std::string(name) + ": Newton's method does not converge from here");
}

// 0 at (1, .., 1), at the end of a curved valley. Rosenbrock, "An automatic method for finding the greatest or least
// value of a function", 1960.
Tensor rosenbrock(const Tensor& x) {
    const Tensor a = x[{Range{0, -1}}], b = x[{Range{1}}];
    return sum(100.0 * pow(b - a * a, 2) + pow(1.0 - a, 2));
}

int find_minima(const examples::Arguments& arguments) {
    const Tensor valley = minimize("Rosenbrock", rosenbrock, Tensor::from({-1.2, 1.0}));
    const double from_ones = max(abs(valley - 1.0)).item<double>();
    fmt::print("Rosenbrock             {:.1e} from (1, 1)\n\n", from_ones);

    // Labels that are likelier to be 1 on one side of a plane. The penalty keeps the minimum at a finite distance.
    const std::int64_t rows = arguments.quick ? 200 : 20000, inputs = 16;
    const Tensor keys = split_key(3, 3);
    const Tensor x = convert(random_normal(keys[{0}], {rows, inputs}), Dtype::f64).eval();
    const Tensor plane = convert(random_normal(keys[{1}], {inputs}), Dtype::f64).eval();
    const Tensor p = convert(sigmoid(matmul(x, plane)), Dtype::f32);
    const Tensor y = convert(random_bernoulli(keys[{2}], p), Dtype::f64).eval();
    const auto loss = [&](const Tensor& w) {
        return binary_cross_entropy_with_logits(matmul(x, w), y) + 0.5e-3 * sum(w * w);
    };
    const Tensor w = minimize("logistic", loss, zeros({inputs}, Dtype::f64));
    const double cosine = (sum(w * plane) / (norm(w) * norm(plane))).item<double>();
    fmt::print("logistic               cosine {:.4f} of the angle to the plane that made the labels\n", cosine);
    return from_ones < 1e-9 && cosine > (arguments.quick ? 0.8 : 0.99) ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("newton", count, words, find_minima); }
