// Linear algebra: matrices are the last two axes, those before them are batches. f32 and f64; convert() makes them of
// other dtypes.
//
// Nothing is refused for its values, since what is lazy or compiled cannot look at them: where a decomposition does not
// exist, results are NaN, and where a matrix is singular, infinite or NaN. Of a NaN in a matrix comes NaN; of an
// infinity what arithmetic makes of it, or NaN where a decomposition is found by iteration. Bits depend on the matrix
// alone, not on its batch, on threads, or on the machine.
#pragma once

#include <optional>
#include <utility>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// ---- decompositions

struct CholeskyOptions {
    bool upper = false;  // the transpose of the lower triangle
};
// The lower triangle l with l l^T = (x + x^T) / 2, whose diagonal is positive; NaN where that is not positive definite.
// Both triangles of x count, half each: for a symmetric x this is numpy.linalg.cholesky.
Tensor cholesky(const Tensor& x, CholeskyOptions options = {}, Where where = Where::current());

struct LuFactors {
    Tensor lu;     // l below the diagonal, which is one of ones, and u: [.., rows, columns]
    Tensor order;  // i64 [.., rows]: l u = x with its rows in this order
    Tensor sign;   // [..]: of that permutation, 1 or -1
};
// Gaussian elimination with partial pivoting.
LuFactors lu_factor(const Tensor& x, Where where = Where::current());
struct PluMatrices {
    Tensor p, l, u;  // [.., rows, rows], [.., rows, k], [.., k, columns], where k is the lesser of both extents
};
// x = p l u, as torch.linalg.lu.
PluMatrices lu(const Tensor& x, Where where = Where::current());
// The matrices of what lu_factor gives.
PluMatrices lu_unpack(const LuFactors& factors, Where where = Where::current());

struct QrOptions {
    bool complete = false;  // q is square; it has no derivative then
};
struct QrMatrices {
    Tensor q, r;
};
// x = q r, with orthonormal columns in q and zeros below r's diagonal. As in LAPACK, an element on that diagonal has
// the sign that is not that of what was reflected onto it; it may be negative. Derivatives want an r that is not
// singular.
QrMatrices qr(const Tensor& x, QrOptions options = {}, Where where = Where::current());

// The first columns, as many as those of `reflections`, of a product of Householder's reflections: of h1 h2 .., where h
// is 1 - tau v v^T and v a column of `reflections` below the diagonal, with 1 there and 0 above. The rest of it is not
// read. tau is [.., k], for not more columns than there are: LAPACK's orgqr, torch.linalg.householder_product.
Tensor householder_product(const Tensor& reflections, const Tensor& tau, Where where = Where::current());
struct ReflectionOptions {
    bool left = true;         // else other q
    bool transposed = false;  // the transpose of q takes its place
};
// q other, where q is the square product of the reflections: LAPACK's ormqr.
Tensor ormqr(const Tensor& reflections, const Tensor& tau, const Tensor& other, ReflectionOptions options = {},
             Where where = Where::current());

struct PolarMatrices {
    Tensor q, p;  // [.., rows, columns], [.., columns, columns]
};
// x = q p, where p is symmetric and has no negative eigenvalue, and q has orthonormal columns, or rows if there are
// fewer: scipy.linalg.polar, torch.linalg.polar. From svd, u vt and vt^T diag(s) vt; derivatives as there.
// (polar() makes complex numbers.)
PolarMatrices matrix_polar(const Tensor& x, Where where = Where::current());

struct EighResult {
    Tensor values, vectors;  // [.., n] in ascending order, and [.., n, n], columns of length 1
};
// Of symmetric matrices: of (x + x^T) / 2. The signs of vectors are those that the algorithm gives. Derivatives by
// vectors of equal values are infinite or NaN.
EighResult eigh(const Tensor& x, Where where = Where::current());
Tensor eigvalsh(const Tensor& x, Where where = Where::current());

struct EigResult {
    Tensor values, vectors;  // [.., n, 2] and [.., n, n, 2], columns of length 1: real and imaginary parts
};
// Of any square matrices, complex; without a derivative. A vector's greatest element is real. Of a pair of values the
// one with the positive imaginary part comes first; else they come in the order in which they are found.
EigResult eig(const Tensor& x, Where where = Where::current());
Tensor eigvals(const Tensor& x, Where where = Where::current());

struct SvdOptions {
    bool complete = false;  // u and vt are square; what had to be completed to a basis has no derivative
};
struct SvdResult {
    Tensor u, s, vt;  // [.., rows, k], [.., k] in descending order, [.., k, columns], where k is the lesser extent
};
// x = u diag(s) vt, reduced. Derivatives by u and vt are infinite or NaN where singular values are equal, or 0.
SvdResult svd(const Tensor& x, SvdOptions options = {}, Where where = Where::current());
// The singular values alone.
Tensor svdvals(const Tensor& x, Where where = Where::current());

// ---- equations. b is columns for each matrix, or, where it has one axis, a vector for all of them, and so is each
// result: as in numpy.linalg.solve. Batches broadcast.

struct SolveOptions {
    bool transposed = false;  // the transpose of a takes its place
    bool left = true;         // else x a = b, and b is rows
};
// a x = b, by lu_factor.
Tensor solve(const Tensor& a, const Tensor& b, SolveOptions options = {}, Where where = Where::current());
// The same for what lu_factor gives of a: factored once, solved for as many b as there are. torch.linalg.lu_solve.
Tensor lu_solve(const LuFactors& factors, const Tensor& b, SolveOptions options = {}, Where where = Where::current());
// The x with tensordot(a, x, rank of x) = b: the first axes of a are those of b, the others those of x, which hold as
// many elements. Axes that are named go behind the others first. numpy.linalg.tensorsolve.
Tensor tensorsolve(const Tensor& a, const Tensor& b, const Axes& axes = {}, Where where = Where::current());
// The inverse of x as a map from its last axes to its first ones, of which there are `leading`: those change places.
Tensor tensorinv(const Tensor& x, std::int64_t leading = 2, Where where = Where::current());
struct TriangularOptions {
    bool upper = false, transposed = false;  // the upper triangle of a; the transpose of the triangle
    bool unit_diagonal = false;              // the diagonal counts as ones
    bool left = true;                        // else x t = b
};
// t x = b, where t is a triangle of a; the rest of a is not read. torch.linalg.solve_triangular. Here b is columns.
Tensor triangular_solve(const Tensor& a, const Tensor& b, TriangularOptions options = {},
                        Where where = Where::current());
// (l l^T) x = b for what cholesky gives; b is columns.
Tensor cholesky_solve(const Tensor& b, const Tensor& factor, CholeskyOptions options = {},
                      Where where = Where::current());
// The x of least length for which the length of a x - b is least: pinv(a, tolerance) b.
Tensor lstsq(const Tensor& a, const Tensor& b, std::optional<double> tolerance = {}, Where where = Where::current());

// ---- functions of matrices

Tensor inv(const Tensor& x, Where where = Where::current());
// Moore and Penrose's inverse. Singular values of not more than `tolerance` times the greatest count as 0: by default
// the greater extent times the difference from 1 to the next number.
Tensor pinv(const Tensor& x, std::optional<double> tolerance = {}, Where where = Where::current());
// x multiplied by itself so often; of a negative exponent, its inverse.
Tensor matrix_power(const Tensor& x, std::int64_t exponent, Where where = Where::current());
Tensor matrix_exp(const Tensor& x, Where where = Where::current());
// The root of a symmetric matrix, of its eigenvalues by eigh: NaN where one is negative. torch.linalg.matrix_sqrth.
// Derivatives as of eigh.
Tensor matrix_sqrth(const Tensor& x, Where where = Where::current());

// ---- numbers for matrices

// By lu_factor. The derivative at a singular matrix is NaN.
Tensor det(const Tensor& x, Where where = Where::current());
// The sign of the determinant, and the logarithm of its absolute value.
std::pair<Tensor, Tensor> slogdet(const Tensor& x, Where where = Where::current());
// NaN where the determinant is negative.
Tensor logdet(const Tensor& x, Where where = Where::current());

enum class MatrixNorm : std::uint8_t {
    frobenius,  // the root of the sum of squares
    nuclear,    // the sum of the singular values
    one,        // the greatest sum of absolute values of a column
    infinity,   // the same of a row
    two,        // the greatest singular value
    minus_one,  // the least of these instead
    minus_infinity,
    minus_two,
};
// By default the length of a matrix as a vector.
Tensor matrix_norm(const Tensor& x, MatrixNorm norm = MatrixNorm::frobenius, Where where = Where::current());
// How much solutions may change with the right side: the greatest singular value over the least, or the norm of x times
// that of its inverse.
Tensor cond(const Tensor& x, MatrixNorm norm = MatrixNorm::two, Where where = Where::current());
// How many singular values are greater than `tolerance` times the greatest, as i64; that of pinv by default.
Tensor matrix_rank(const Tensor& x, std::optional<double> tolerance = {}, Where where = Where::current());

}  // namespace lathe
