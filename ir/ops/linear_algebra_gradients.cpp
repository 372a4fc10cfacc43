// Derivatives of decompositions, as what cotangents become.
//
// Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
// (2008), for the solution of equations; I. Murray, "Differentiation of the Cholesky decomposition" (2016); M. Seeger
// et al., "Auto-differentiating linear algebra" (2017), for QR, eigenvalues and singular values. That of LU follows
// from dL = L tril(L^-1 dA U^-1, -1) and dU = triu(L^-1 dA U^-1) U.
#include "ir/ops/arithmetic.h"
#include "ir/ops/linear_algebra.h"

namespace lathe::ir::ops {

namespace f = functions;

// With p = L^T g, of which the lower triangle counts and half of the diagonal: L^-T p L^-1, made symmetric.
Value cholesky_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    const Value l = g.y[0];
    const Value p = f::scaled_diagonal(f::tril(f::matmul(f::transposed(l), f::tril(ct[0], 0)), 0), 0.5);
    const Value left = f::solve_triangle(l, p, {.transposed = true});
    return f::symmetric_part(f::solve_triangle_from_right(l, left, {}));
}

// The square part of x in its new order is L U; rows below it are L' U, columns behind it L U'. What those receive goes
// on to L and U.
Value lu_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    if (!ct[0]) return {};
    constexpr f::Triangle lower_transposed{.transposed = true, .unit = true},
        upper_transposed{.upper = true, .transposed = true};
    const Shape& shape = f::shape_of(g.x[0]);
    const Dim m = f::rows_of(shape), n = f::columns_of(shape), k = ir::min(m, n);
    const auto block = [&](const Value& v, bool below, bool behind) {
        const Value rows = below ? f::some_rows(v, k, m - k) : f::some_rows(v, 0, k);
        return behind ? f::some_columns(rows, k, n - k) : f::some_columns(rows, 0, k);
    };
    const Value square = block(g.y[0], false, false), given = block(ct[0], false, false);
    const Value l = add(f::tril(square, -1), f::identity_like(square, f::batch_of(shape), k)), u = f::triu(square, 0);
    const Value behind = f::solve_triangle(square, block(ct[0], false, true), lower_transposed);
    const Value below = f::solve_triangle_from_right(square, block(ct[0], true, false), upper_transposed);
    const Value to_l = sub(given, f::matmul(behind, f::transposed(block(g.y[0], false, true))));
    const Value to_u = sub(given, f::matmul(f::transposed(block(g.y[0], true, false)), below));
    const Value inner = add(f::tril(f::matmul(f::transposed(l), f::tril(to_l, -1)), -1),
                            f::triu(f::matmul(f::triu(to_u, 0), f::transposed(u)), 0));
    const Value first =
        f::solve_triangle_from_right(square, f::solve_triangle(square, inner, lower_transposed), upper_transposed);
    const auto rank = static_cast<std::int64_t>(shape.rank());
    const Value nothing = f::full_like(first, f::with_matrix(f::batch_of(shape), m - k, n - k), 0);
    const Value top = f::concat(std::vector{first, behind}, rank - 1);
    const Value bottom = f::concat(std::vector{below, nothing}, rank - 1);
    return f::permuted_rows(f::concat(std::vector{top, bottom}, rank - 2), f::inverse_order(g.y[1]));
}

Value triangular_solve_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    const Attributes& a = g.node.attributes;
    const f::Triangle t{solve_upper(a), solve_transposed(a), solve_unit(a)};
    const Value to_b = f::solve_triangle(g.x[0], ct[0], {t.upper, !t.transposed, t.unit});
    if (operand == 1) return to_b;
    const Value full = t.transposed ? f::matmul(g.y[0], f::transposed(to_b)) : f::matmul(to_b, f::transposed(g.y[0]));
    const std::int64_t offset = t.unit ? 1 : 0;
    return neg(t.upper ? f::triu(full, offset) : f::tril(full, -offset));
}

// With y = x in its order, where a[order] = l u: what y receives goes to b, and -that y^T to l u, of which l receives
// what lies below the diagonal and u the rest. For the transpose (l u)^T y = b, and x is y in the inverse order.
Value lu_solve_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    if (operand == 1) return {};
    const bool is_transposed = solves_transposed(g.node.attributes);
    const Value packed = g.x[0];
    const Value to_b = lu_solve.with({!is_transposed}, packed, g.x[1], ct[0]);
    if (operand == 2) return to_b;
    const Value order = f::inverse_order(f::inverse_order(g.x[1]));  // a permutation, whatever it was
    const Value to_product = neg(is_transposed ? f::matmul(f::permuted_rows(g.y[0], order), f::transposed(to_b))
                                               : f::matmul(f::permuted_rows(to_b, order), f::transposed(g.y[0])));
    const Value to_l = f::matmul(to_product, f::transposed(f::triu(packed, 0)));
    const Value to_u = f::matmul(f::transposed(f::lower_of(packed)), to_product);
    return add(f::tril(to_l, -1), f::triu(to_u, 0));
}

// det times the inverse, transposed.
Value det_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    const Value x = g.x[0];
    const Shape& shape = f::shape_of(x);
    const Value scale = mul(ct[0], g.y[0]);
    const auto rank = static_cast<std::int64_t>(shape.rank());
    const Value inverse = solve.with({true}, x, f::identity_like(x, f::batch_of(shape), f::rows_of(shape)));
    return mul(f::unsqueeze(scale, {rank - 2, rank - 1}), inverse);
}

namespace {

Value times(const Value& a, const Value& b) { return f::matmul(a, b); }
Value minus_transposed(const Value& x) { return sub(x, f::transposed(x)); }

// As the diagonal of matrices, from both sides: x times diag(s), and diag(s) times x.
Value row_of(const Value& s) { return f::unsqueeze(s, {static_cast<std::int64_t>(f::shape_of(s).rank()) - 1}); }
Value column_of(const Value& s) { return f::unsqueeze(s, {static_cast<std::int64_t>(f::shape_of(s).rank())}); }

// 1 / (s_k - s_i), and 0 on the diagonal.
Value inverse_differences(const Value& s) {
    const Value differences = sub(row_of(s), column_of(s));
    const Dim n = f::columns_of(f::shape_of(differences));
    const Value is_diagonal = f::compare_positions(s, eq, n, n, 0);
    return select(is_diagonal, f::number(s, 0),
                  div(f::number(s, 1), select(is_diagonal, f::number(s, 1), differences)));
}

}  // namespace

// With x = [a b], where a is not wide: a = q r1, b = q r2. r2 is q^T b, through which q receives more; then
// [g_q + q m] r1^-T for a, with m the lower triangle of r1 g_r^T - g_q^T q, mirrored at the diagonal.
Value qr_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    const Value x = g.x[0], q = g.y[0];
    const Shape& shape = f::shape_of(x);
    const Dim n = f::columns_of(shape), k = f::columns_of(f::shape_of(q));
    const Value r1 = f::some_columns(g.y[1], 0, k);
    Value to_q = ct[0], to_b, m;
    if (ct[1]) {
        const Value to_r1 = f::triu(f::some_columns(ct[1], 0, k), 0), to_r2 = f::some_columns(ct[1], k, n - k);
        to_b = times(q, to_r2);
        const Value more = times(f::some_columns(x, k, n - k), f::transposed(to_r2));
        to_q = to_q ? add(to_q, more) : more;
        m = sub(times(r1, f::transposed(to_r1)), times(f::transposed(to_q), q));
    } else {
        to_b = f::full_like(x, f::shape_of(f::some_columns(x, k, n - k)), 0);
        m = neg(times(f::transposed(to_q), q));
    }
    const Value mirrored = add(f::tril(m, 0), f::transposed(f::tril(m, -1)));
    const Value to_a =
        f::solve_triangle_from_right(r1, add(to_q, times(q, mirrored)), {.upper = true, .transposed = true});
    return f::concat(std::vector{to_a, to_b}, static_cast<std::int64_t>(shape.rank()) - 1);
}

// v (diag(g_w) + (v^T g_v) / (w_k - w_i)) v^T.
Value eigh_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    const Value w = g.y[0], v = g.y[1];
    Value inner;
    if (ct[0]) inner = f::diag_embed(ct[0], 0);
    if (ct[1]) {
        const Value turned = mul(times(f::transposed(v), ct[1]), inverse_differences(w));
        inner = inner ? add(inner, turned) : turned;
    }
    return f::symmetric_part(times(times(v, inner), f::transposed(v)));
}

// u (diag(g_s) + skew(u^T g_u) / e s + s skew(v^T g_v) / e) v^T, with e = s_k^2 - s_i^2; and what g_u and g_v have
// outside of the spaces that u and v span.
Value svd_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    const Value u = g.y[0], s = g.y[1], vt = g.y[2];
    const auto outside = [](const Value& basis, const Value& x) {
        return sub(x, times(basis, times(f::transposed(basis), x)));
    };
    const Value inverse = inverse_differences(mul(s, s));
    Value inner, sum;
    const auto accumulate = [](Value& to, const Value& x) { to = to ? add(to, x) : x; };
    if (ct[1]) accumulate(inner, f::diag_embed(ct[1], 0));
    if (ct[0]) accumulate(inner, mul(mul(minus_transposed(times(f::transposed(u), ct[0])), inverse), row_of(s)));
    if (ct[2]) accumulate(inner, mul(mul(minus_transposed(times(vt, f::transposed(ct[2]))), inverse), column_of(s)));
    accumulate(sum, times(times(u, inner), vt));
    if (ct[0]) accumulate(sum, times(outside(u, div(ct[0], row_of(s))), vt));
    if (ct[2]) {
        const Value to_v = div(f::transposed(ct[2]), row_of(s));
        accumulate(sum, times(u, f::transposed(outside(f::transposed(vt), to_v))));
    }
    return sum;
}

Value matrix_exp_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t) {
    return matrix_exp_tangent(f::transposed(g.x[0]), ct[0]);
}

namespace {

// [a b; c d] of square blocks.
Value of_blocks(const Value& a, const Value& b, const Value& c, const Value& d) {
    const auto last = static_cast<std::int64_t>(f::shape_of(a).rank()) - 1;
    return f::concat(std::vector{f::concat(std::vector{a, b}, last), f::concat(std::vector{c, d}, last)}, last - 1);
}
Value block_of(const Value& x, bool below, bool right) {
    const Dim n = floordiv(f::rows_of(f::shape_of(x)), 2);
    return f::some_columns(f::some_rows(x, below ? n : Dim(0), n), right ? n : Dim(0), n);
}

}  // namespace

Values matrix_exp_tangent_expansion(const ExpandContext& c) {
    const Value x = c.x[0], zeros = f::full_like(x, f::shape_of(x), 0);
    return {block_of(matrix_exp(of_blocks(x, c.x[1], zeros, x)), false, true)};
}

// By x it is the derivative of the block matrix, on whose diagonal x stands twice.
Value matrix_exp_tangent_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    const Value x = g.x[0], xt = f::transposed(x);
    if (operand == 1) return matrix_exp_tangent(xt, ct[0]);
    const Value zeros = f::full_like(x, f::shape_of(x), 0);
    const Value all =
        matrix_exp_tangent(of_blocks(xt, zeros, f::transposed(g.x[1]), xt), of_blocks(zeros, ct[0], zeros, zeros));
    return add(block_of(all, false, false), block_of(all, true, true));
}

Values solve_expansion(const ExpandContext& c) {
    const std::vector<Value> parts = f::results_of(lu, c.x[0]);
    return {lu_solve.with({solves_transposed(c.node.attributes)}, parts[0], parts[1], c.x[1])};
}

Value solve_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    const bool is_transposed = solves_transposed(g.node.attributes);
    const Value to_b = solve.with({!is_transposed}, g.x[0], ct[0]);
    if (operand == 1) return to_b;
    return neg(is_transposed ? times(g.y[0], f::transposed(to_b)) : times(to_b, f::transposed(g.y[0])));
}

Values pinv_expansion(const ExpandContext& c) {
    const std::vector<Value> usv = f::results_of(svd, c.x[0]);
    const Value s = usv[1];
    const Shape& shape = f::shape_of(c.x[0]);
    const auto axis = static_cast<std::int64_t>(f::shape_of(s).rank()) - 1;
    // The first is the greatest; a sum is that of nothing, too.
    const Value greatest =
        f::sum(f::narrow(s, axis, 0, ir::min(f::columns_of(shape), ir::min(f::rows_of(shape), 1))), {axis});
    const Value least = mul(mul(c.x[1], f::rank_tolerance(c.x[0])), f::expand_dims(greatest, f::shape_of(s), {axis}));
    const Value inverse = select(gt(s, least), div(f::number(s, 1), s), select(ne(s, s), s, f::number(s, 0)));
    return {times(mul(f::transposed(usv[2]), row_of(inverse)), f::transposed(usv[0]))};
}

// G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973):
// dp = -p dx p + p p^T dx^T (1 - x p) + (1 - p x) dx^T p^T p.
Value pinv_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand) {
    if (operand == 1) return {};
    const Value x = g.x[0], p = g.y[0], pt = f::transposed(p), t = f::transposed(ct[0]);
    const Value first = neg(times(pt, times(ct[0], pt)));
    const Value tp = times(t, times(p, pt)), second = sub(tp, times(times(x, p), tp));
    const Value pp = times(times(pt, p), t), third = sub(pp, times(pp, times(p, x)));
    return add(first, add(second, third));
}

}  // namespace lathe::ir::ops
