// Functions that are made of decompositions: factors that are used again, products of reflections, maps between
// tensors.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/linear_algebra.h"
#include "lathe.h"

namespace lathe {
namespace {

Tensor t(const Tensor& x) { return swapaxes(x, -1, -2); }
double greatest(const Tensor& x) {
    double greatest = 0;
    for (const double v : convert(x, Dtype::f64).to_vector<double>())
        greatest = std::isnan(v) ? v : std::max(greatest, std::abs(v));
    return greatest;
}
void expect_near(const Tensor& a, const Tensor& b, const std::string& what) {
    ASSERT_EQ(a.shape(), b.shape()) << what;
    const double tolerance = a.dtype() == Dtype::f64 ? 1e-11 : 1e-3;
    EXPECT_LE(greatest(a - b), tolerance * (1 + greatest(b))) << what;
}
Tensor number(std::uint64_t seed, const Shape& shape, Dtype d) { return convert(random_normal(seed, shape), d); }
Tensor heavy(std::uint64_t seed, std::int64_t batch, std::int64_t n, Dtype d) {
    return number(seed, {batch, n, n}, d) + eye(n, d) * (2.0 + static_cast<double>(n));
}

class LinearAlgebraFunctions : public testing::TestWithParam<Dtype> {
protected:
    Dtype d = GetParam();
};

// Small matrices are computed in lanes, large ones by blocks; a solution has the same bits either way.
TEST_P(LinearAlgebraFunctions, FactorsSolveAsTheMatrixDoes) {
    for (const std::int64_t n : {1, 2, 3, 7, 8, 16, 17, 40})
        for (const std::int64_t columns : {1, 3, 8, 20})
            for (const bool transposed : {false, true}) {
                const Tensor a = heavy(1, 11, n, d), b = number(2, {11, n, columns}, d);
                const LuFactors factors = lu_factor(a);
                const Tensor x = lu_solve(factors, b, {.transposed = transposed});
                const std::string what = std::to_string(n) + " " + std::to_string(columns);
                EXPECT_EQ(x.to_array(), solve(a, b, {.transposed = transposed}).to_array()) << what;
                expect_near(matmul(transposed ? t(a) : a, x), b, what);
                const Tensor right = lu_solve(factors, t(b), {.transposed = transposed, .left = false});
                expect_near(matmul(right, transposed ? t(a) : a), t(b), what);
                EXPECT_EQ(solve(a, t(b), {.transposed = transposed, .left = false}).to_array(), right.to_array());
                // By itself: in no batch.
                const LuFactors one = lu_factor(a[{4}]);
                EXPECT_EQ(lu_solve(one, b[{4}], {.transposed = transposed}).to_array(), x[{4}].to_array()) << what;
            }
    const Tensor a = heavy(3, 1, 5, d)[{0}], v = number(4, {5}, d);
    EXPECT_EQ(lu_solve(lu_factor(a), v).to_array(), solve(a, v).to_array());
    EXPECT_EQ(solve(a, v, {.left = false}).to_array(), solve(a, v, {.transposed = true}).to_array());
    EXPECT_EQ(lu_solve(lu_factor(zeros({2, 0, 0}, d)), zeros({2, 0, 3}, d)).shape(),
              (std::vector<std::int64_t>{2, 0, 3}));
}

// No order leads out of memory: what is none is the order of its ranks.
TEST_P(LinearAlgebraFunctions, OrdersAreRanks) {
    for (const std::int64_t n : {3, 20}) {
        const Tensor a = heavy(5, 1, n, d)[{0}], b = number(6, {n, 2}, d);
        const LuFactors factors = lu_factor(a);
        LuFactors others = factors;
        others.order = factors.order * 1000 - 500;
        for (const bool transposed : {false, true})
            EXPECT_EQ(lu_solve(others, b, {.transposed = transposed}).to_array(),
                      lu_solve(factors, b, {.transposed = transposed}).to_array());
        others.order = zeros_like(factors.order);  // the order in which they stand
        LuFactors ascending = factors;
        ascending.order = arange(Dim(n));
        EXPECT_EQ(lu_solve(others, b).to_array(), lu_solve(ascending, b).to_array());
    }
}

TEST_P(LinearAlgebraFunctions, DeterminantsAreTheProductsOfTheirFactors) {
    for (const std::int64_t n : {0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 64, 65, 100}) {
        const Tensor a = number(7, {9, n, n}, d) * (n > 20 ? 0.1 : 1.0);
        const LuFactors factors = lu_factor(a);
        const Tensor expected = factors.sign * prod(diagonal(factors.lu, 0, -2, -1), -1);
        EXPECT_EQ(det(a).to_array(), expected.to_array()) << n;
    }
}

TEST_P(LinearAlgebraFunctions, ReflectionsMultiply) {
    for (const std::int64_t m : {4, 6})
        for (const std::int64_t k : {1, 3, 4}) {
            const std::int64_t n = 4;
            const Tensor a = number(8, {2, m, n}, d), tau = number(9, {2, k}, d);
            // One by one, as they are defined.
            Tensor q = broadcast_to(eye(m, d), {2, m, m});
            for (std::int64_t j = 0; j < k; ++j) {
                const Tensor places = unsqueeze(arange(Dim(m)), {-1}), column = narrow(a, -1, j, 1);
                const Tensor v = where(places > j, column, convert(places == j, d));
                q = q - matmul(matmul(q, v) * unsqueeze(narrow(tau, -1, j, 1), {-1}), t(v));
            }
            const std::string what = std::to_string(m) + " " + std::to_string(k);
            expect_near(householder_product(a, tau), narrow(q, -1, 0, n), what);
            const Tensor c = number(10, {2, m, 3}, d);
            expect_near(ormqr(a, tau, c), matmul(q, c), what);
            expect_near(ormqr(a, tau, c, {.transposed = true}), matmul(t(q), c), what);
            expect_near(ormqr(a, tau, t(c), {.left = false}), matmul(t(c), q), what);
        }
}

TEST_P(LinearAlgebraFunctions, PolarFactorsAndRoots) {
    for (const Shape& shape : {Shape{4, 4}, Shape{2, 5, 3}, Shape{3, 5}}) {
        const Tensor x = number(11, shape, d);
        const auto [q, p] = matrix_polar(x);
        expect_near(matmul(q, p), x, "product");
        expect_near(p, t(p), "symmetric");
        const std::int64_t m = x.shape()[x.rank() - 2], n = x.shape().back();
        const Tensor square = m >= n ? matmul(t(q), q) : matmul(q, t(q));
        expect_near(square,
                    broadcast_to(eye(std::min(m, n), d),
                                 Shape(std::vector<Dim>(square.type().shape.begin(), square.type().shape.end()))),
                    "orthonormal");
        const Tensor positive = matmul(x, t(x)), root = matrix_sqrth(positive);
        if (m <= n) expect_near(matmul(root, root), positive, "root");
    }
    EXPECT_TRUE(std::isnan(greatest(matrix_sqrth(eye(3, d) * -1.0))));
}

TEST_P(LinearAlgebraFunctions, BasesAreCompleted) {
    for (const Shape& shape : {Shape{5, 2}, Shape{2, 3, 6}, Shape{4, 4}, Shape{30, 3}}) {
        const Tensor x = number(12, shape, d);
        const auto [u, s, vt] = svd(x, {.complete = true});
        const auto reduced = svd(x);
        const std::int64_t m = x.shape()[x.rank() - 2], n = x.shape().back(), k = std::min(m, n);
        EXPECT_EQ(narrow(u, -1, 0, k).to_array(), reduced.u.to_array());
        EXPECT_EQ(narrow(vt, -2, 0, k).to_array(), reduced.vt.to_array());
        EXPECT_EQ(u.shape().back(), m);
        EXPECT_EQ(vt.shape()[x.rank() - 2], n);
        expect_near(matmul(t(u), u) - eye(m, d), zeros_like(u), "u");
        expect_near(matmul(vt, t(vt)) - eye(n, d), zeros_like(vt), "v");
    }
}

TEST_P(LinearAlgebraFunctions, MapsBetweenTensors) {
    const Tensor a = number(13, {2, 3, 6}, d), b = number(14, {2, 3}, d);
    expect_near(tensordot(a, tensorsolve(a, b), 1), b, "6 unknowns");
    const Tensor c = number(15, {2, 6, 3}, d);
    expect_near(tensorsolve(c, number(16, {6}, d), {0, 2}), tensorsolve(movedim(c, {0, 2}, {1, 2}), number(16, {6}, d)),
                "axes behind the others");
    const Tensor square = number(17, {4, 6, 8, 3}, d), inverse = tensorinv(square);
    EXPECT_EQ(inverse.shape(), (std::vector<std::int64_t>{8, 3, 4, 6}));
    expect_near(reshape(tensordot(inverse, square, 2), {24, 24}), eye(24, d), "inverse");
}

// Elements of a column whose squares are no numbers of the dtype, in lanes and in blocks; each column for itself.
TEST_P(LinearAlgebraFunctions, ColumnsOfAnySizeAreReflected) {
    const double exponent = d == Dtype::f32 ? 100 : 900;
    for (const Shape& shape : {Shape{3, 3}, Shape{9, 8, 8}, Shape{16, 5}, Shape{50, 40}}) {
        const Tensor x = number(18, shape, d);
        for (const double sign : {1.0, -1.0}) {
            const Tensor size = exp2(Tensor::from({sign * exponent})[{0}]);
            const auto [q, r] = qr(x * convert(size, d));
            expect_near(matmul(q, r * convert(1.0 / size, d)), x, "scaled");
            // Powers of two change no bits of what is found.
            EXPECT_EQ(q.to_array(), qr(x).q.to_array());
        }
        const std::int64_t n = shape[shape.rank() - 1].constant();
        const Tensor powers = convert(where(arange(Dim(n)) % 2 == 0, exponent, -exponent), Dtype::f64);
        const Tensor graded = x * convert(exp2(powers), d), q = qr(graded).q;
        expect_near(matmul(t(q), q), matmul(t(q), q) * 0.0 + eye(n, d), "orthonormal");
    }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, LinearAlgebraFunctions, testing::Values(Dtype::f32, Dtype::f64),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

}  // namespace
}  // namespace lathe
