// Derivatives of decompositions by all of their results, and of functions that are made of them, against finite
// differences; their own derivatives likewise. Then what is said of them where values are equal.
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/linear_algebra.h"
#include "lathe.h"

namespace lathe {
namespace {

using Function = std::function<std::vector<Tensor>(const Tensor&)>;

Tensor t(const Tensor& x) { return swapaxes(x, -1, -2); }
// Data, so that no program has to be compiled with a generator of random numbers in it.
Tensor number(std::uint64_t seed, const Shape& shape) {
    std::mt19937_64 random(seed);
    std::vector<double> values(static_cast<std::size_t>(shape.element_count().constant()));
    for (double& v : values) v = std::normal_distribution<>()(random);
    std::vector<std::int64_t> extents;
    for (const Dim d : shape) extents.push_back(d.constant());
    return Tensor::from(values, extents);
}
Shape shape_of(const Tensor& x) {
    const std::vector<std::int64_t> extents = x.shape();
    return Shape(std::vector<Dim>(extents.begin(), extents.end()));
}

// All results, each element with a weight of its own.
Tensor weighed(const std::vector<Tensor>& results) {
    Tensor total = full({}, 0, Dtype::f64);
    for (std::size_t i = 0; i < results.size(); ++i)
        total = total + sum(results[i] * number(100 + i, shape_of(results[i])));
    return total;
}

void expect_derivative(const std::function<Tensor(const Tensor&)>& f, const Tensor& derivative, const Tensor& x,
                       double tolerance, const std::string& what) {
    const std::vector<double> actual = derivative.to_vector<double>(), at = x.to_vector<double>();
    constexpr double step = 1e-5;
    for (std::size_t i = 0; i < at.size(); ++i) {
        const auto moved = [&](double by) {
            std::vector<double> values = at;
            values[i] += by;
            return f(Tensor::from(values, x.shape())).item<double>();
        };
        const double expected = (moved(step) - moved(-step)) / (2 * step);
        EXPECT_NEAR(actual[i], expected, tolerance * (1 + std::abs(expected))) << what << " " << i;
    }
}

// First and second derivatives, forward mode and compiled code.
void expect_derivatives(const std::string& what, const Function& f, const Tensor& x) {
    const auto loss = [&](const Tensor& v) { return weighed(f(v)); };
    const Tensor weights = number(50, shape_of(x));
    const auto along = [&](const Tensor& v) { return sum(grad(loss)(v) * weights); };
    // As one program, in which they share what they have in common: most of the time goes into compiling.
    const Tensor first = grad(loss)(x), second = grad(along)(x), forward = jvp(loss, x, weights).second;
    eval(std::vector{first, second, forward});
    expect_derivative(loss, first, x, 1e-6, what);
    expect_derivative(along, second, x, 1e-5, what + ", twice");
    const double reverse = along(x).item<double>();
    EXPECT_NEAR(forward.item<double>(), reverse, 1e-9 * (1 + std::abs(reverse))) << what;
    const Tensor compiled = jit([&](const Tensor& v) { return grad(loss)(v); })(x);
    EXPECT_EQ(compiled.to_array(), first.to_array()) << what;
}

// With singular values and eigenvalues that are apart.
Tensor apart(const Shape& shape) {
    const std::int64_t n = shape[shape.rank() - 1].constant(), m = shape[shape.rank() - 2].constant();
    return number(7, shape) * 0.5 + eye(m, n, 0, Dtype::f64) * (convert(arange(n), Dtype::f64) + 1.0) * 3.0;
}
const Shape squares[] = {{3, 3}, {2, 2, 2}};
const Shape shapes[] = {{3, 3}, {3, 2}, {2, 3}};

TEST(LinearAlgebraDerivatives, OfDecompositions) {
    for (const Shape& shape : squares) {
        const Tensor x = apart(shape);
        expect_derivatives("cholesky", [](const Tensor& v) { return std::vector{cholesky(v)}; }, x);
        expect_derivatives(
            "eigh",
            [](const Tensor& v) {
                const auto [w, vectors] = eigh(v);
                return std::vector{w, vectors};
            },
            x);
        expect_derivatives("matrix_exp", [](const Tensor& v) { return std::vector{matrix_exp(v * 0.1)}; }, x);
    }
    for (const Shape& shape : shapes) {
        const Tensor x = apart(shape);
        expect_derivatives(
            "lu",
            [](const Tensor& v) {
                const auto [p, l, u] = lu(v);
                return std::vector{l, u};
            },
            x);
        expect_derivatives(
            "qr",
            [](const Tensor& v) {
                const auto [q, r] = qr(v);
                return std::vector{q, r};
            },
            x);
        expect_derivatives("r of qr", [](const Tensor& v) { return std::vector{qr(v).r}; }, x);
        expect_derivatives(
            "svd",
            [](const Tensor& v) {
                const auto [u, s, vt] = svd(v);
                return std::vector{u, s, vt};
            },
            x);
        expect_derivatives("svdvals", [](const Tensor& v) { return std::vector{svdvals(v)}; }, x);
        expect_derivatives("pinv", [](const Tensor& v) { return std::vector{pinv(v)}; }, x);
        expect_derivatives(
            "matrix_polar",
            [](const Tensor& v) {
                const auto [q, p] = matrix_polar(v);
                return std::vector{q, p};
            },
            x);
    }
}

TEST(LinearAlgebraDerivatives, OfWhatIsMadeOfThem) {
    for (const Shape& shape : squares) {
        const Tensor x = apart(shape);
        const Tensor b = number(8, {shape[shape.rank() - 1], 2});
        expect_derivatives(
            "solve",
            [&](const Tensor& v) { return std::vector{solve(v, b), solve(x, v), solve(v, b, {.transposed = true})}; },
            x);
        expect_derivatives("inv", [](const Tensor& v) { return std::vector{inv(v)}; }, x);
        expect_derivatives(
            "lu_solve",
            [&](const Tensor& v) {
                LuFactors factors = lu_factor(x);
                const Tensor given = lu_solve(factors, v);
                factors.lu = v;
                return std::vector{given, lu_solve(factors, b), lu_solve(factors, b, {.transposed = true})};
            },
            x);
        expect_derivatives("matrix_sqrth", [](const Tensor& v) { return std::vector{matrix_sqrth(v)}; }, x);
        expect_derivatives("det", [](const Tensor& v) { return std::vector{det(v) * 0.01}; }, x);
        expect_derivatives("slogdet", [](const Tensor& v) { return std::vector{slogdet(v).second}; }, x);
        expect_derivatives("lstsq", [&](const Tensor& v) { return std::vector{lstsq(v, b)}; }, x);
        expect_derivatives(
            "matrix_power", [](const Tensor& v) { return std::vector{matrix_power(v, 3) * 0.01, matrix_power(v, -2)}; },
            x);
        expect_derivatives(
            "cholesky_solve", [&](const Tensor& v) { return std::vector{cholesky_solve(v, cholesky(v))}; }, x);
        if (shape != Shape{3, 3}) continue;
        for (const MatrixNorm norm : {MatrixNorm::frobenius, MatrixNorm::nuclear, MatrixNorm::two, MatrixNorm::one})
            expect_derivatives("matrix_norm", [&](const Tensor& v) { return std::vector{matrix_norm(v, norm)}; }, x);
        for (const int flags : {0, 3, 5, 10, 14}) {
            const TriangularOptions options{(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0};
            expect_derivatives(
                "triangular_solve",
                [&](const Tensor& v) {
                    return std::vector{triangular_solve(v, x, options), triangular_solve(x, v, options)};
                },
                x);
        }
    }
}

TEST(LinearAlgebraDerivatives, AtEqualValues) {
    const Tensor one = eye(3, Dtype::f64) * 2.0;
    // Values alone have derivatives; vectors have none, and no number is made up for them.
    const auto nuclear = [](const Tensor& x) { return matrix_norm(x, MatrixNorm::nuclear); };
    EXPECT_EQ(grad(nuclear)(one).to_array(), eye(3, Dtype::f64).to_array());
    EXPECT_EQ(grad([](const Tensor& x) { return sum(eigvalsh(x)); })(one).to_array(), eye(3, Dtype::f64).to_array());
    const auto logarithm = [](const Tensor& x) {
        const auto [w, v] = eigh(x);
        return sum(matmul(v * unsqueeze(log(w), {-2}), t(v)));
    };
    for (const double d : grad(logarithm)(one).to_vector<double>()) EXPECT_FALSE(std::isfinite(d));
    // A matrix whose rank is not full has a pseudo-inverse with a derivative among matrices of its rank.
    const Tensor low = Tensor::from({1.0, 2.0, 2.0, 4.0}, {2, 2});
    for (const double d : grad([](const Tensor& x) { return sum(pinv(x)); })(low).to_vector<double>())
        EXPECT_TRUE(std::isfinite(d));
    // Those of singular matrices are not finite, as documented.
    for (const double d : grad([](const Tensor& x) { return det(x); })(low).to_vector<double>())
        EXPECT_FALSE(std::isfinite(d));
}

}  // namespace
}  // namespace lathe
