// Decompositions and what is made of them: what defines them holds, up to rounding, for matrices of all shapes and
// conditions; and what users see of those for which there is no result.
#include "ir/ops/linear_algebra.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/linear_algebra.h"
#include "ir/graph/interpret.h"
#include "lathe.h"
#include "runtime/find_call.h"
#include "runtime/threads.h"
#include "tests/refusal.h"
#include "tools/fuzz/values.h"

namespace lathe {
namespace {

using testing_support::message_behind_line;

constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();

double epsilon(Dtype d) { return d == Dtype::f64 ? 0x1p-52 : 0x1p-23; }
Tensor t(const Tensor& x) { return swapaxes(x, -1, -2); }
std::int64_t rows(const Tensor& x) { return x.shape()[x.rank() - 2]; }
std::int64_t columns(const Tensor& x) { return x.shape()[x.rank() - 1]; }

bool is_empty(const Tensor& x) {
    const std::vector<std::int64_t> extents = x.shape();
    return std::ranges::find(extents, 0) != extents.end();
}

std::string text_of(const Shape& shape) { return ir::Type{Dtype::f32, shape}.to_string(); }

double greatest(const Tensor& x) {
    double greatest = 0;
    for (const double v : convert(x, Dtype::f64).to_vector<double>()) {
        if (std::isnan(v)) return nan;
        greatest = std::max(greatest, std::abs(v));
    }
    return greatest;
}
// Both are computed in f64.
void expect_near(const Tensor& a, const Tensor& b, double tolerance, const std::string& what) {
    ASSERT_EQ(a.shape(), b.shape()) << what;
    EXPECT_LE(greatest(convert(a, Dtype::f64) - convert(b, Dtype::f64)), tolerance) << what;
}
Tensor product(const Tensor& a, const Tensor& b) { return matmul(convert(a, Dtype::f64), convert(b, Dtype::f64)); }
Tensor identity(const Tensor& x, std::int64_t n) {
    std::vector<std::int64_t> extents = x.shape();
    extents[x.rank() - 2] = extents[x.rank() - 1] = n;
    std::vector<Dim> dims(extents.begin(), extents.end());
    return broadcast_to(eye(n, Dtype::f64), Shape(dims));
}
void expect_orthonormal(const Tensor& q, Dtype d, const std::string& what) {
    const auto n = static_cast<double>(rows(q) + 1);
    expect_near(product(t(q), q), identity(q, columns(q)), 10 * n * epsilon(d), what + ": orthonormal");
}

// Matrices of one shape: random, badly conditioned, of low rank, with equal rows, zero, and large or small throughout.
std::vector<std::pair<std::string, Tensor>> matrices(const Shape& shape, Dtype d, bool is_square = false) {
    std::vector<std::pair<std::string, Tensor>> all;
    const Tensor x = convert(random_normal(3, shape), d);
    all.emplace_back("random", x);
    if (is_empty(x)) return all;
    const std::int64_t n = columns(x), m = rows(x);
    const Tensor scales = exp2(convert(arange(n), d) * (d == Dtype::f64 ? -2.0 : -0.5));
    all.emplace_back("badly conditioned", x * scales);
    const Tensor first = narrow(x, static_cast<std::int64_t>(x.rank()) - 1, 0, 1);
    all.emplace_back("of rank 1", first * exp(scales));
    all.emplace_back("equal rows", broadcast_to(narrow(x, static_cast<std::int64_t>(x.rank()) - 2, 0, 1), shape));
    all.emplace_back("zero", x * 0.0);
    all.emplace_back("large", x * (d == Dtype::f64 ? 0x1p+900 : 0x1p+100));
    all.emplace_back("small", x * (d == Dtype::f64 ? 0x1p-900 : 0x1p-100));
    if (is_square) all.emplace_back("identity", convert(identity(x, m), d));
    return all;
}

const Shape square_shapes[] = {{1, 1},   {2, 2},   {3, 3}, {5, 5},    {8, 8},       {16, 16},    {17, 17},
                               {33, 33}, {70, 70}, {0, 0}, {3, 4, 4}, {2, 0, 3, 3}, {2, 3, 9, 9}};
const Shape other_shapes[] = {{1, 5},    {5, 1},    {7, 3}, {3, 7}, {40, 9},   {9, 40},
                              {100, 34}, {34, 100}, {0, 3}, {3, 0}, {2, 6, 4}, {2, 4, 6}};

class LinearAlgebra : public testing::TestWithParam<Dtype> {
protected:
    Dtype d = GetParam();
    // f of every matrix of every shape, with the rounding that its size allows.
    template <class F>
    void for_each(const F& f, bool also_others) {
        const auto run = [&](const Shape& shape, bool is_square) {
            for (const auto& [kind, x] : matrices(shape, d, is_square)) {
                const auto n = static_cast<double>(std::max(rows(x), columns(x)) + 1);
                f(x, 10 * n * epsilon(d) * greatest(x), kind + " " + text_of(shape));
            }
        };
        for (const Shape& shape : square_shapes) run(shape, true);
        if (also_others)
            for (const Shape& shape : other_shapes) run(shape, false);
    }
};

TEST_P(LinearAlgebra, CholeskyIsATriangleWhoseSquareIsTheMatrix) {
    for (const Shape& shape : square_shapes) {
        const Tensor x = convert(random_normal(5, shape), d);
        const Tensor definite = matmul(x, t(x)) + convert(identity(x, rows(x)), d);
        const Tensor l = cholesky(definite), u = cholesky(definite, {.upper = true});
        const double tolerance = 10 * static_cast<double>(rows(x) + 1) * epsilon(d) * greatest(definite);
        expect_near(product(l, t(l)), definite, tolerance, text_of(shape));
        EXPECT_EQ(triu(l, 1).to_array(), zeros_like(l).to_array());
        EXPECT_EQ(u.to_array(), t(l).to_array());
        const Tensor b = convert(random_normal(6, shape), d);
        const Tensor inverse = cholesky_solve(b, l), same = cholesky_solve(b, u, {.upper = true});
        expect_near(product(definite, inverse), b, 1000 * tolerance * (1 + greatest(inverse)), text_of(shape));
        expect_near(inverse, same, 1000 * tolerance * (1 + greatest(inverse)), text_of(shape));
    }
    // Both triangles count, half each.
    const Tensor x = convert(Tensor::from({4.0, 0.0, 2.0, 5.0}, {2, 2}), d);
    const Tensor l = cholesky(x);
    expect_near(product(l, t(l)), Tensor::from({4.0, 1.0, 1.0, 5.0}, {2, 2}), 100 * epsilon(d), "symmetric part");
}

TEST_P(LinearAlgebra, LuIsAPermutationOfTriangles) {
    for_each(
        [&](const Tensor& x, double tolerance, const std::string& what) {
            const auto [p, l, u] = lu(x);
            const std::int64_t k = std::min(rows(x), columns(x));
            EXPECT_EQ(columns(l), k);
            EXPECT_EQ(rows(u), k);
            expect_near(product(product(p, l), u), x, tolerance, what);
            EXPECT_LE(greatest(l), 1) << what;
            EXPECT_EQ(tril(u, -1).to_array(), zeros_like(u).to_array()) << what;
            const LuFactors factors = lu_factor(x);
            if (x.rank() != 2 || is_empty(x)) return;
            const auto order = factors.order.to_vector<std::int64_t>();
            int inversions = 0;
            for (std::size_t i = 0; i < order.size(); ++i)
                for (std::size_t j = i + 1; j < order.size(); ++j) inversions += order[i] > order[j] ? 1 : 0;
            EXPECT_EQ(convert(factors.sign, Dtype::f64).item<double>(), inversions % 2 == 0 ? 1 : -1) << what;
        },
        true);
}

TEST_P(LinearAlgebra, QrIsOrthonormalTimesATriangle) {
    for_each(
        [&](const Tensor& x, double tolerance, const std::string& what) {
            for (const bool complete : {false, true}) {
                const auto [q, r] = qr(x, {.complete = complete});
                const std::int64_t k = complete ? rows(x) : std::min(rows(x), columns(x));
                EXPECT_EQ(columns(q), k);
                EXPECT_EQ(rows(r), k);
                expect_orthonormal(q, d, what);
                expect_near(product(q, r), x, tolerance, what);
                EXPECT_EQ(tril(r, -1).to_array(), zeros_like(r).to_array()) << what;
            }
        },
        true);
}

TEST_P(LinearAlgebra, EighDiagonalizes) {
    for_each(
        [&](const Tensor& any, double tolerance, const std::string& what) {
            const Tensor x = any * 0.5 + t(any) * 0.5;
            const auto [w, v] = eigh(x);
            expect_orthonormal(v, d, what);
            const Tensor wide = convert(v, Dtype::f64);
            expect_near(product(x, v), wide * unsqueeze(convert(w, Dtype::f64), {-2}), tolerance, what);
            EXPECT_EQ(sort(w).to_array(), w.to_array()) << what;
            EXPECT_EQ(eigvalsh(x).to_array(), w.to_array()) << what;
        },
        false);
}

TEST_P(LinearAlgebra, EigGivesComplexValuesAndVectors) {
    for_each(
        [&](const Tensor& x, double tolerance, const std::string& what) {
            const auto [w, v] = eig(x);
            if (what.starts_with("large") || is_empty(x)) return;  // complex products leave the range
            const auto part = [](const Tensor& z, std::int64_t i) {
                return convert(Tensor(z[{ellipsis, i}]), Dtype::f64);
            };
            const Tensor re = unsqueeze(part(w, 0), {-2}), im = unsqueeze(part(w, 1), {-2});
            const Tensor a = part(v, 0), b = part(v, 1);
            expect_near(product(x, a), a * re - b * im, 10 * tolerance, what);
            expect_near(product(x, b), a * im + b * re, 10 * tolerance, what);
            const Tensor lengths = sum(a * a + b * b, -2);
            expect_near(lengths, ones_like(lengths), 100 * epsilon(d), what);
            EXPECT_EQ(eigvals(x).to_array(), w.to_array()) << what;
        },
        false);
}

TEST_P(LinearAlgebra, SvdGivesOrthonormalVectorsAndDescendingValues) {
    for_each(
        [&](const Tensor& x, double tolerance, const std::string& what) {
            const auto [u, s, vt] = svd(x);
            const std::int64_t k = std::min(rows(x), columns(x));
            EXPECT_EQ(columns(u), k);
            EXPECT_EQ(rows(vt), k);
            expect_orthonormal(u, d, what);
            expect_orthonormal(t(vt), d, what);
            expect_near(product(convert(u, Dtype::f64) * unsqueeze(convert(s, Dtype::f64), {-2}), vt), x, tolerance,
                        what);
            EXPECT_EQ(sort(s, -1, {.descending = true}).to_array(), s.to_array()) << what;
            EXPECT_EQ(relu(s).to_array(), s.to_array()) << what;
            EXPECT_EQ(svdvals(x).to_array(), s.to_array()) << what;
        },
        true);
}

TEST_P(LinearAlgebra, TrianglesAreSolvedFromBothSides) {
    for (const std::int64_t n : {1, 2, 5, 8, 17, 70})
        for (const std::int64_t m : {1, 3, 40})
            for (int flags = 0; flags < 16; ++flags) {
                const TriangularOptions options{(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0};
                const Tensor a = convert(random_normal(7, {2, n, n}), d) * 0.1 + convert(eye(n, Dtype::f64), d) * 3.0;
                const Tensor b = convert(random_normal(8, options.left ? Shape{n, m} : Shape{m, n}), d);
                Tensor triangle = options.upper ? triu(a) : tril(a);
                if (options.unit_diagonal)
                    triangle = (options.upper ? triu(a, 1) : tril(a, -1)) + convert(eye(n, Dtype::f64), d);
                if (options.transposed) triangle = t(triangle);
                const Tensor x = triangular_solve(a, b, options);
                const std::vector<std::int64_t> extents = x.shape();
                const Tensor back = options.left ? product(triangle, x) : product(x, triangle);
                expect_near(back, broadcast_to(b, Shape(std::vector<Dim>(extents.begin(), extents.end()))),
                            100 * static_cast<double>(n) * epsilon(d) * (1 + greatest(x)) * greatest(triangle),
                            std::to_string(n) + " " + std::to_string(flags));
            }
}

TEST_P(LinearAlgebra, EquationsAreSolved) {
    for (const std::int64_t n : {1, 2, 3, 8, 16, 33, 70}) {
        const Tensor a = convert(random_normal(9, {3, n, n}), d), b = convert(random_normal(10, {3, n, 2}), d);
        const double unit = 100 * static_cast<double>(n) * epsilon(d) * greatest(a);
        const Tensor x = solve(a, b), inverse = inv(a);
        expect_near(product(a, x), b, unit * (1 + greatest(x)), "solve");
        expect_near(product(a, inverse), identity(a, n), unit * (1 + greatest(inverse)), "inv");
        expect_near(product(t(a), solve(a, b, {.transposed = true})), b,
                    100 * unit * (1 + greatest(x)) * greatest(inverse), "transposed");
        // A vector for all.
        const Tensor one = b[{0, Range{}, 0}], as_column = solve(a, unsqueeze(one, {-1}))[{ellipsis, 0}];
        EXPECT_EQ(solve(a, one).to_array(), as_column.to_array());
        expect_near(lstsq(a, b), x, unit * unit / epsilon(d) * (1 + greatest(x)) * (1 + greatest(inverse)), "lstsq");
    }
    EXPECT_EQ(solve(zeros({0, 0}), zeros({0, 3})).shape(), (std::vector<std::int64_t>{0, 3}));
    EXPECT_EQ(inv(zeros({2, 0, 0})).shape(), (std::vector<std::int64_t>{2, 0, 0}));
}

TEST_P(LinearAlgebra, PseudoInversesAreThoseOfPenrose) {
    for_each(
        [&](const Tensor& x, double, const std::string& what) {
            if (what.starts_with("large") || what.starts_with("small") || what.starts_with("badly")) return;
            const Tensor p = pinv(x);
            ASSERT_EQ(rows(p), columns(x));
            const double unit = 200 * static_cast<double>(rows(x) + columns(x)) * epsilon(d) * (1 + greatest(x)) *
                                (1 + greatest(x)) * (1 + greatest(p)) * (1 + greatest(p));
            const Tensor xp = product(x, p), px = product(p, x);
            expect_near(product(xp, x), x, unit, what);
            expect_near(product(px, p), p, unit, what);
            expect_near(xp, t(xp), unit, what);
            expect_near(px, t(px), unit, what);
        },
        true);
    const Tensor x = convert(diag(Tensor::from({4.0, 2.0, 1e-3})), d);
    expect_near(pinv(x, 0.1), diag(Tensor::from({0.25, 0.5, 0.0})), 10 * epsilon(d), "with a tolerance");
    EXPECT_EQ(matrix_rank(x).item<std::int64_t>(), 3);
    EXPECT_EQ(matrix_rank(x, 0.1).item<std::int64_t>(), 2);
}

TEST_P(LinearAlgebra, DeterminantsAreThoseOfTriangles) {
    for (const std::int64_t n : {1, 2, 3, 6}) {
        const Tensor a = convert(random_normal(11, {4, n, n}), d), b = convert(random_normal(12, {4, n, n}), d);
        const Tensor da = det(a), db = det(b);
        expect_near(det(matmul(a, b)), da * db, 1000 * epsilon(d) * (1 + greatest(da) * greatest(db)), "product");
        const auto [sign, size] = slogdet(a);
        expect_near(sign * exp(size), da, 100 * epsilon(d) * (1 + greatest(da)), "slogdet");
    }
    EXPECT_EQ(det(convert(Tensor::from({1.0, 2.0, 3.0, 4.0}, {2, 2}), d)).dtype(), d);
    expect_near(det(Tensor::from({1.0, 2.0, 3.0, 4.0}, {2, 2})), Tensor::from({-2.0})[{0}], 1e-14, "2 x 2");
    EXPECT_EQ(det(zeros({0, 0}, d)).to_vector<double>(), std::vector<double>{1}) << "the product of nothing";
}

TEST_P(LinearAlgebra, ExponentialsUndoEachOther) {
    for (const std::int64_t n : {1, 2, 5, 20})
        for (const double size : {0.0, 0.01, 1.0, 4.0}) {
            const Tensor a = convert(random_normal(13, {2, n, n}), d) * (size / std::sqrt(static_cast<double>(n)));
            const Tensor y = matrix_exp(a), z = matrix_exp(-a);
            expect_near(product(y, z), identity(a, n),
                        1000 * static_cast<double>(n) * epsilon(d) * (1 + greatest(y)) * (1 + greatest(z)), "exp");
        }
    const Tensor turn = convert(Tensor::from({0.0, -1.0, 1.0, 0.0}, {2, 2}), d) * 2.0;
    expect_near(matrix_exp(turn), Tensor::from({std::cos(2), -std::sin(2), std::sin(2), std::cos(2)}, {2, 2}),
                20 * epsilon(d), "a rotation");
}

TEST_P(LinearAlgebra, PowersAndNorms) {
    const Tensor x = convert(Tensor::from({1.0, -2.0, 3.0, 4.0}, {2, 2}), d);
    expect_near(matrix_power(x, 3), product(x, product(x, x)), 1e-4, "cube");
    expect_near(product(matrix_power(x, -2), product(x, x)), identity(x, 2), 1e-4, "inverse square");
    EXPECT_EQ(matrix_power(x, 0).to_array(), convert(eye(2, Dtype::f64), d).to_array());
    const auto norm = [&](MatrixNorm n) { return convert(matrix_norm(x, n), Dtype::f64).item<double>(); };
    // Singular values: the roots of 15 +- 5 sqrt(5) ... of x^T x = [10 10; 10 20].
    const double s1 = std::sqrt(15 + std::sqrt(125.0)), s2 = std::sqrt(15 - std::sqrt(125.0)), near = 1e-5;
    EXPECT_NEAR(norm(MatrixNorm::frobenius), std::sqrt(30), near);
    EXPECT_NEAR(norm(MatrixNorm::nuclear), s1 + s2, near);
    EXPECT_NEAR(norm(MatrixNorm::one), 6, near);
    EXPECT_NEAR(norm(MatrixNorm::minus_one), 4, near);
    EXPECT_NEAR(norm(MatrixNorm::infinity), 7, near);
    EXPECT_NEAR(norm(MatrixNorm::minus_infinity), 3, near);
    EXPECT_NEAR(norm(MatrixNorm::two), s1, near);
    EXPECT_NEAR(norm(MatrixNorm::minus_two), s2, near);
    EXPECT_NEAR(convert(cond(x), Dtype::f64).item<double>(), s1 / s2, near);
    EXPECT_NEAR(convert(cond(x, MatrixNorm::one), Dtype::f64).item<double>(), 6 * 0.7, near);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, LinearAlgebra, testing::Values(Dtype::f32, Dtype::f64),
                         [](const auto& dtype) { return std::string(name(dtype.param)); });

// ---- where there is no result

TEST(LinearAlgebraEdges, WhatIsNotDefiniteHasNoCholesky) {
    const Tensor x = stack({eye(2), Tensor::from({1.0F, 2.0F, 2.0F, 1.0F}, {2, 2}), zeros({2, 2})});
    const std::vector<float> l = cholesky(x).to_vector<float>();
    EXPECT_EQ(std::vector<float>(l.begin(), l.begin() + 4), (std::vector<float>{1, 0, 0, 1}));
    for (const std::size_t first : {4, 8}) {
        EXPECT_TRUE(std::isnan(l[first]) && std::isnan(l[first + 2]) && std::isnan(l[first + 3]));
        EXPECT_EQ(l[first + 1], 0);
    }
}

TEST(LinearAlgebraEdges, SingularMatricesGiveWhatDivisionGives) {
    const Tensor x = Tensor::from({1.0, 2.0, 2.0, 4.0}, {2, 2});
    EXPECT_EQ(det(x).item<double>(), 0);
    const auto [sign, size] = slogdet(x);
    EXPECT_EQ(sign.item<double>(), 0);
    EXPECT_EQ(size.item<double>(), -infinity);
    for (const double v : inv(x).to_vector<double>()) EXPECT_FALSE(std::isfinite(v));
    EXPECT_TRUE(std::isnan(logdet(Tensor::from({0.0, 1.0, 1.0, 0.0}, {2, 2})).item<double>()));
    EXPECT_EQ(cond(zeros({2, 2}) + eye(2) * Tensor::from({1.0F, 0.0F})).item<float>(), infinity);
}

// Everything comes to an end, and what depends on the number is NaN.
TEST(LinearAlgebraEdges, NanAndInfinityEndInNan) {
    for (const double odd : {nan, infinity, -infinity})
        for (const Dtype d : {Dtype::f32, Dtype::f64})
            for (const std::int64_t n : {1, 2, 5, 16, 40}) {
                std::vector<double> values(static_cast<std::size_t>(n * n), 1.0);
                for (std::int64_t i = 0; i < n; ++i) values[static_cast<std::size_t>(i * n + i)] = 3.0;
                values[static_cast<std::size_t>((n - 1) * n)] = odd;
                const Tensor x = convert(Tensor::from(values, {n, n}), d);
                const auto [u, s, vt] = svd(x);
                const auto [w, v] = eigh(x);
                for (const Tensor& y : {u, s, vt, w, v, matrix_exp(x), pinv(x)})
                    for (const double e : convert(y, Dtype::f64).to_vector<double>()) EXPECT_TRUE(std::isnan(e));
                for (const Tensor& y : {cholesky(x), lu_factor(x).lu}) EXPECT_FALSE(std::isfinite(greatest(y)));
                for (const Tensor& y : {qr(x).r, solve(x, x), inv(x)})  // 1 / infinity is 0
                    EXPECT_TRUE(!std::isnan(odd) || std::isnan(greatest(y)));
            }
}

TEST(LinearAlgebraEdges, MistakesAreTheCallers) {
    const Tensor wide = zeros({2, 3}), square = zeros({3, 3}), line = zeros({3});
    EXPECT_EQ(message_behind_line([&] { cholesky(wide); }), "cholesky: the matrices are not square (f32[2, 3])");
    EXPECT_EQ(message_behind_line([&] { svd(line); }), "svd: wants matrices, of two dimensions or more (f32[3])");
    for (const Dtype d : {Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::boolean})
        EXPECT_EQ(message_behind_line([&] { qr(convert(square, d)); }),
                  "qr: operand 0 is " + std::string(name(d)) + ", not one of f64 f32; convert() makes it one (" +
                      std::string(name(d)) + "[3, 3])");
    EXPECT_EQ(message_behind_line([&] { solve(square, zeros({4})); }),
              "solve: the matrices have different numbers of rows: 3 is not 4 (f32[3, 3] and f32[4])");
    EXPECT_EQ(message_behind_line([&] { solve(square, zeros({3}, Dtype::f64)); }),
              "solve: the dtypes differ; convert() makes them the same (f32[3, 3] and f64[3])");
    EXPECT_EQ(message_behind_line([&] { solve(zeros({2, 3, 3}), zeros({5, 3, 1})); }),
              "solve: the batches do not broadcast (f32[2, 3, 3] and f32[5, 3, 1])");
    EXPECT_EQ(message_behind_line([&] { eigh(wide); }), "eigh: the matrices are not square (f32[2, 3])");
}

// ---- bits

std::vector<std::vector<std::byte>> bits_of(const Tensor& x) {
    const auto [u, s, vt] = svd(x);
    const auto [w, v] = eigh(x);
    const auto [q, r] = qr(x);
    const LuFactors factors = lu_factor(x);
    std::vector<std::vector<std::byte>> all;
    for (const Tensor& y :
         {u, s, vt, w, v, q, r, factors.lu, solve(x, x + 1.0), matrix_exp(x), det(x), cholesky(matmul(x, t(x)) + 1.0)})
        all.push_back(y.to_array().bytes);
    return all;
}

// A matrix has the same results alone, in any place of a batch, and on any number of threads.
TEST(LinearAlgebraBits, DoNotDependOnTheBatchOrOnThreads) {
    for (const Dtype d : {Dtype::f32, Dtype::f64})
        for (const std::int64_t n : {2, 3, 4, 7, 8, 11, 16, 31, 64}) {
            const std::int64_t count = n < 20 ? 67 : 9;
            const Tensor x = convert(random_normal(21, {count, n, n}), d);
            const auto together = bits_of(x);
            for (const std::int64_t i : {std::int64_t{0}, std::int64_t{5}, count - 1}) {
                const auto alone = bits_of(Tensor(Tensor::from(x.to_array())[{i}]));
                for (std::size_t r = 0; r < alone.size(); ++r) {
                    const std::size_t size = together[r].size() / static_cast<std::size_t>(count);
                    EXPECT_TRUE(std::equal(
                        alone[r].begin(), alone[r].end(),
                        together[r].begin() + static_cast<std::ptrdiff_t>(size * static_cast<std::size_t>(i))))
                        << n << " result " << r;
                }
            }
            const runtime::ThreadLimit one(1);
            EXPECT_TRUE(bits_of(x) == together) << n;
        }
}

TEST(LinearAlgebraBits, JitAndLazyAndVmapAgree) {
    const auto body = [](const Tensor& x) {
        const auto [w, v] = eigh(x);
        return std::vector<Tensor>{svd(x).u, w, v, solve(x, x * 2.0), inv(x), det(x), matrix_exp(x)};
    };
    const Tensor x = random_normal(23, {6, 5, 5});
    const std::vector<Tensor> lazy = body(x), jitted = jit(body)(x), mapped = vmap(body)(x),
                              interpreted = jit(body, {.compile = {.interpreted = true}})(x);
    for (std::size_t i = 0; i < lazy.size(); ++i) {
        EXPECT_EQ(jitted[i].to_array(), lazy[i].to_array()) << i;
        EXPECT_EQ(mapped[i].to_array(), lazy[i].to_array()) << i;
        EXPECT_EQ(interpreted[i].to_array(), lazy[i].to_array()) << i;
    }
}

// What rows say of the workspace is enough, and operands may lie anywhere.
TEST(LinearAlgebraBits, DoNotDependOnWhereOperandsLie) {
    testing_support::Random random(5);
    for (const ir::OpDef* op : ir::ops::linear_algebra) {
        if (op->lowering != ir::Lowering::opaque) continue;
        for (const Dtype d : {Dtype::f32, Dtype::f64})
            for (const ir::Sample& sample : op->samples(d))
                for (const std::int64_t n : {1, 4, 8, 9, 16, 17, 33, 65, 100, 150}) {
                    std::vector<ir::Type> types;
                    for (ir::Type type : sample.operands) {
                        const std::size_t own = type.dtype == Dtype::i64 ? 1 : 2;  // an order, or a matrix
                        for (std::size_t i = 0; i < type.shape.rank(); ++i)
                            type.shape[i] = type.shape[i].constant() * (i + own < type.shape.rank() ? 1 : n);
                        types.push_back(type);
                    }
                    ir::Graph graph;
                    std::vector<ir::Value> operands;
                    std::vector<ir::Literal> values;
                    for (const ir::Type& type : types) {
                        if (type.shape.element_count().constant() > 40000) break;
                        operands.push_back(graph.add_parameter("x", type));
                        values.push_back(testing_support::random_literal(type, random, false));
                    }
                    if (operands.size() < types.size()) continue;
                    const ir::Node& node = graph.add(*op, operands, sample.attributes);
                    const std::vector<ir::Literal> expected = ir::interpret_node(node, values);
                    const std::vector<bool> wanted(node.results.size(), true);
                    const ir::HostCall call = op->call({types, node.attributes, wanted});
                    // In memory that ends at a protected page, at addresses that are multiples of the elements' size.
                    std::vector<testing_support::GuardedMemory> memory;
                    std::vector<void*> slots;
                    std::vector<std::uint32_t> places;
                    const auto add = [&](std::size_t bytes) {
                        memory.emplace_back(bytes);
                        places.push_back(static_cast<std::uint32_t>(slots.size()));
                        slots.push_back(memory.back().data());
                    };
                    for (const ir::Literal& x : values) {
                        add(testing_support::elements_of(x).size());
                        std::ranges::copy(testing_support::elements_of(x), memory.back().data());
                    }
                    for (const ir::Literal& y : expected) add(testing_support::elements_of(y).size());
                    std::vector<std::int64_t> extents;
                    for (const ir::Dim e : call.extents) extents.push_back(e.constant());
                    const auto bytes = static_cast<std::size_t>((call.workspace.constant() + 63) / 64 * 64);
                    const testing_support::GuardedMemory workspace(bytes);
                    lathe_task task{{-1, 0, 0, 0, 0}, workspace.data()};
                    runtime::find_call(call.function)(slots.data(), places.data(), extents.data(), 0,
                                                      call.iterations.constant(), &task);
                    for (std::size_t r = 0; r < expected.size(); ++r) {
                        const auto& own = memory[values.size() + r];
                        const ir::Literal got = ir::make_literal(expected[r].type, std::span(own.data(), own.size()));
                        EXPECT_EQ(testing_support::difference(expected[r], got), std::nullopt)
                            << op->name << " " << types[0].to_string();
                    }
                }
    }
}

}  // namespace
}  // namespace lathe
