// Matrices, the last two dimensions of tensors; those before them are batches.
#pragma once

#include <optional>
#include <utility>

#include "ir/functions/folds.h"
#include "ir/functions/matmul.h"
#include "ir/functions/movement.h"

namespace lathe::ir::ops {
extern const OpDef cholesky, lu, triangular_solve, lu_solve, det, qr, complete_qr, eigh, eig, svd, matrix_exp, solve,
    pinv;
}  // namespace lathe::ir::ops

namespace lathe::ir::functions {

inline Dim rows_of(const Shape& shape) { return shape[shape.rank() - 2]; }
inline Dim columns_of(const Shape& shape) { return shape[shape.rank() - 1]; }
inline Shape batch_of(const Shape& shape) { return Shape(std::vector<Dim>(shape.begin(), shape.end() - 2)); }
inline Shape with_matrix(Shape batch, Dim rows, Dim columns) {
    batch.push_back(rows);
    batch.push_back(columns);
    return batch;
}

// All results of an op. What else stands for a value has such a function beside it, as tensors have.
inline std::vector<Value> results_of(const OpDef& op, const Value& x, Attributes attributes = {}) {
    const Node* const node = op.with(std::move(attributes), x).node;
    std::vector<Value> results;
    for (std::uint32_t i = 0; i < node->results.size(); ++i) results.push_back({node, i});
    return results;
}
template <Operand T>
T transposed(const T& x) {
    Integers order = all_axes(shape_of(x).rank());
    std::swap(order[order.size() - 2], order[order.size() - 1]);
    return transpose(x, std::move(order));
}
// `size` rows, or columns, from `start` on.
template <Operand T>
T some_rows(const T& x, Dim start, Dim size) {
    return narrow(x, static_cast<std::int64_t>(shape_of(x).rank()) - 2, start, size);
}
template <Operand T>
T some_columns(const T& x, Dim start, Dim size) {
    return narrow(x, static_cast<std::int64_t>(shape_of(x).rank()) - 1, start, size);
}
template <Operand T>
T diagonal_of(const T& x) {
    const auto rank = static_cast<std::int64_t>(shape_of(x).rank());
    return ops::diagonal.with({rank - 2, rank - 1, std::int64_t{0}}, x);
}
// x, but `factor` times its diagonal.
template <Operand T>
T scaled_diagonal(const T& x, double factor) {
    const T is_diagonal = compare_positions(x, ops::eq, rows_of(shape_of(x)), columns_of(shape_of(x)), 0);
    return ops::select(is_diagonal, ops::mul(x, number(x, factor)), x);
}
template <Operand T>
T symmetric_part(const T& x) {
    return ops::mul(ops::add(x, transposed(x)), number(x, 0.5));
}
// Ones on the diagonals of n x n matrices, one for each of a batch.
template <Operand T>
T identity_like(const T& x, const Shape& batch, Dim n) {
    const T one = indicator(compare_positions(x, ops::eq, n, n, 0), x);
    return broadcast_to(one, with_matrix(batch, n, n));
}

struct Triangle {
    bool upper = false, transposed = false, unit = false;
    Attributes attributes() const { return {upper, transposed, unit}; }
};

// x with t x = b for a triangle of a, of the same batch.
template <Operand T>
T solve_triangle(const T& a, const T& b, Triangle t) {
    return ops::triangular_solve.with(t.attributes(), a, b);
}
// x with x t = b.
template <Operand T>
T solve_triangle_from_right(const T& a, const T& b, Triangle t) {
    t.transposed = !t.transposed;
    return transposed(solve_triangle(a, transposed(b), t));
}

// The rows in another order: row i is row order[i] of x.
template <Operand T>
T permuted_rows(const T& x, const T& order) {
    const auto rank = static_cast<std::int64_t>(shape_of(x).rank());
    return ops::take_along_axis.with({rank - 2}, x, broadcast_to(unsqueeze(order, {rank - 1}), shape_of(x)));
}
// That of the other way round.
template <Operand T>
T inverse_order(const T& order) {
    return results_of(ops::sort, order, {static_cast<std::int64_t>(shape_of(order).rank()) - 1, false})[1];
}

// ---- functions of users. Matrices are square where they have to be: the ops refuse others

// Both with the batch that they broadcast to.
template <Operand T>
std::pair<T, T> with_common_batch(std::string_view function, const T& a, const T& b) {
    const Shape &x = shape_of(a), &y = shape_of(b);
    if (x.rank() < 2 || y.rank() < 2) refuse(function, "wants matrices", a, b);
    const std::size_t batches = std::max(x.rank(), y.rank()) - 2;
    Shape batch;
    for (std::size_t i = 0; i < batches; ++i) {
        const Dim p = i + x.rank() >= batches + 2 ? x[i + x.rank() - batches - 2] : Dim(1);
        const Dim q = i + y.rank() >= batches + 2 ? y[i + y.rank() - batches - 2] : Dim(1);
        if (p != Dim(1) && q != Dim(1) && !may_be_equal(p, q)) refuse(function, "the batches do not broadcast", a, b);
        batch.push_back(p == Dim(1) || (q.is_constant() && q != Dim(1)) ? q : p);
    }
    return {broadcast_to(a, with_matrix(batch, rows_of(x), columns_of(x))),
            broadcast_to(b, with_matrix(batch, rows_of(y), columns_of(y)))};
}

// f(a, b) of matrices. A b of rank 1 is a vector for all of them, and so is each result, as in numpy.linalg.solve.
template <Operand T, class F>
T with_columns(std::string_view function, const T& a, const T& b, const F& f) {
    if (shape_of(b).rank() != 1) {
        const auto [p, q] = with_common_batch(function, a, b);
        return f(p, q);
    }
    const auto [p, q] = with_common_batch(function, a, unsqueeze(b, {1}));
    const T result = f(p, q);
    const Shape& shape = shape_of(result);
    return reshape(result, Shape(std::vector<Dim>(shape.begin(), shape.end() - 1)));
}

template <Operand T>
T solve(const T& a, const T& b, bool is_transposed) {
    return with_columns("solve", a, b, [&](const T& x, const T& y) { return ops::solve.with({is_transposed}, x, y); });
}
// For what lu gives of a.
template <Operand T>
T lu_solve(const T& packed, const T& order, const T& b, bool is_transposed) {
    return with_columns("lu_solve", packed, b, [&](const T& x, const T& y) {
        Shape rows = batch_of(shape_of(x));
        rows.push_back(rows_of(shape_of(x)));
        return ops::lu_solve.with({is_transposed}, x, broadcast_to(order, rows), y);
    });
}
// Equations from the right, x a = b, by solve(b, transposed) of those from the left: rows for columns. A vector is
// both.
template <Operand T, class Solve>
T from_right(const T& b, bool is_transposed, const Solve& solve) {
    if (shape_of(b).rank() == 1) return solve(b, !is_transposed);
    return transposed(solve(transposed(b), !is_transposed));
}
template <Operand T>
T inverse(const T& x) {
    return ops::solve.with({false}, x, identity_like(x, batch_of(shape_of(x)), rows_of(shape_of(x))));
}
// x with l l^T x = b, or with u^T u.
template <Operand T>
T cholesky_solve(const T& b, const T& factor, bool upper) {
    const auto [t, y] = with_common_batch("cholesky_solve", factor, b);
    return solve_triangle(t, solve_triangle(t, y, {.upper = upper, .transposed = upper}),
                          {.upper = upper, .transposed = !upper});
}

template <Operand T>
struct Lu {
    T packed, order, sign;
};
template <Operand T>
Lu<T> lu_factors(const T& x) {
    const std::vector<T> parts = results_of(ops::lu, x);
    return {parts[0], parts[1], parts[2]};
}
template <Operand T>
T lower_of(const T& packed) {
    const Shape& shape = shape_of(packed);
    const Dim k = min(rows_of(shape), columns_of(shape));
    const T below = tril(some_columns(packed, 0, k), -1);
    return ops::add(below, indicator(compare_positions(packed, ops::eq, rows_of(shape), k, 0), packed));
}
template <Operand T>
T upper_of(const T& packed) {
    const Shape& shape = shape_of(packed);
    return triu(some_rows(packed, 0, min(rows_of(shape), columns_of(shape))), 0);
}
// The matrix p with p y = x for y = permuted_rows(x, order), in the dtype of `like`.
template <Operand T>
T permutation_matrix(const T& order, const T& like) {
    const Shape& shape = shape_of(order);
    const auto rank = static_cast<std::int64_t>(shape.rank());
    const Dim n = shape[shape.rank() - 1];
    const T places = reshape(count_up(like, n, Dtype::i64), Shape{n, 1});
    return indicator(ops::eq(places, unsqueeze(order, {rank - 1})), like);
}

// Householder's reflections h = 1 - tau v v^T, as qr leaves them in LAPACK: v in columns below a diagonal of ones.
// Their product is 1 - v t v^T, where t is upper triangular: its inverse has 1 / tau on the diagonal and v^T v above
// (C. Puglisi, "Modification of the Householder method based on the compact WY representation", 1992).
template <Operand T>
struct Reflections {
    T v, t;
};
template <Operand T>
Reflections<T> reflections_of(const T& columns, const T& tau) {
    const auto rank = static_cast<std::int64_t>(shape_of(columns).rank());
    const Dim k = shape_of(tau)[shape_of(tau).rank() - 1];
    const T v = lower_of(some_columns(columns, 0, k));
    const T products = triu(matmul(transposed(v), v), 1), scale = unsqueeze(tau, {rank - 1});
    return {v, solve_triangle(T(ops::mul(products, scale)), diag_embed(tau, 0), {.upper = true, .unit = true})};
}

template <Operand T>
T product_of_last(const T& x) {
    return prod(x, {static_cast<std::int64_t>(shape_of(x).rank()) - 1});
}
// The sign of the determinant, and the logarithm of what it is without that.
template <Operand T>
std::pair<T, T> log_determinant(const T& x) {
    const Lu<T> parts = lu_factors(x);
    const T diagonal = diagonal_of(parts.packed);
    const auto last = static_cast<std::int64_t>(shape_of(diagonal).rank()) - 1;
    return {ops::mul(parts.sign, product_of_last(T(ops::sign(diagonal)))),
            sum(T(ops::log(ops::abs(diagonal))), {last})};
}

template <Operand T>
T matrix_power(const T& x, std::int64_t exponent) {
    const Shape& shape = shape_of(x);
    if (exponent == 0) return identity_like(x, batch_of(shape), rows_of(shape));
    T square = exponent < 0 ? inverse(x) : x;
    std::optional<T> result;
    for (auto left = exponent < 0 ? -static_cast<std::uint64_t>(exponent) : static_cast<std::uint64_t>(exponent);;) {
        if (left & 1U) result = result ? matmul(*result, square) : square;
        left >>= 1U;
        if (left == 0) return *result;
        square = matmul(square, square);
    }
}

// max(rows, columns) times the difference from 1 to the next number: what singular values are commonly compared with.
template <Operand T>
T rank_tolerance(const T& x) {
    const Shape& shape = shape_of(x);
    const double epsilon = dtype_of(x) == Dtype::f64 ? 0x1p-52 : 0x1p-23;
    return ops::mul(extent_value(x, max(rows_of(shape), columns_of(shape)), dtype_of(x)), number(x, epsilon));
}
// Singular values of not more than `tolerance` times the greatest count as 0; by default that of their ranks.
template <Operand T>
T pseudo_inverse(const T& x, std::optional<double> tolerance) {
    const T units = tolerance ? ops::div(number(x, *tolerance), rank_tolerance(x)) : number(x, 1);
    return ops::pinv(x, units);
}
template <Operand T>
T singular_values(const T& x) {
    return results_of(ops::svd, x)[1];
}

}  // namespace lathe::ir::functions
