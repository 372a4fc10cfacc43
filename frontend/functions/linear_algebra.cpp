#include "frontend/functions/linear_algebra.h"

#include "frontend/functions/axis_arguments.h"
#include "frontend/functions/movement.h"
#include "frontend/tensor/record.h"
#include "ir/functions/linear_algebra.h"
#include "ir/ops/ops.h"

namespace lathe {

// What functions over ops find beside a tensor.
static std::vector<Tensor> results_of(const ir::OpDef& op, const Tensor& x, ir::Attributes attributes = {}) {
    const detail::NodeRef operand = detail::operand(x.node());
    std::vector<Tensor> results;
    for (detail::NodeRef& r : detail::record_results(op, {&operand, 1}, std::move(attributes), {}))
        results.emplace_back(std::move(r));
    return results;
}

namespace {

namespace f = ir::functions;
namespace ops = ir::ops;
using detail::blaming;
using detail::LocScope;
using detail::refuse;
using detail::value_of;

// What the ops ask for as well; functions that begin otherwise ask first.
Tensor matrices(std::string_view function, const Tensor& x) {
    f::require_dtype(function, "operand 0", ir::rules::wide_floats, x);
    if (x.rank() < 2) refuse(function, "wants matrices, of two dimensions or more", {});
    return value_of(x);
}
Tensor square(std::string_view function, const Tensor& x) {
    Tensor value = matrices(function, x);
    if (!f::may_be_equal(f::rows_of(x.type().shape), f::columns_of(x.type().shape)))
        refuse(function, "the matrices are not square", {});
    return value;
}
void require_dtypes(std::string_view function, const Tensor& a, const Tensor& b) {
    matrices(function, a);
    f::require_same_dtype(function, a, b);
}
void require_sides(std::string_view function, const Tensor& a, const Tensor& b) {
    require_dtypes(function, a, b);
    if (b.rank() == 0) f::refuse(function, "wants matrices", a, b);
}

Tensor order_of(std::string_view function, const LuFactors& factors) {
    const Shape& shape = factors.lu.type().shape;
    const bool fits =
        factors.order.dtype() == Dtype::i64 &&
        f::may_be_equal(factors.order.type().shape, Shape(std::vector<Dim>(shape.begin(), shape.end() - 1)));
    if (!fits) refuse(function, "wants the order of the rows as lu_factor gives it", {});
    return value_of(factors.order);
}

std::int64_t last(const Tensor& x) { return static_cast<std::int64_t>(x.rank()) - 1; }

}  // namespace

// ---- decompositions

Tensor cholesky(const Tensor& x, CholeskyOptions options, Where where) {
    const LocScope scope(where, "cholesky", x);
    return blaming(where, "cholesky", [&] {
        const Tensor lower = ops::cholesky(square("cholesky", x));
        return options.upper ? f::transposed(lower) : lower;
    });
}

LuFactors lu_factor(const Tensor& x, Where where) {
    const LocScope scope(where, "lu_factor", x);
    return blaming(where, "lu_factor", [&]() -> LuFactors {
        f::Lu<Tensor> parts = f::lu_factors(matrices("lu_factor", x));
        return {parts.packed, parts.order, parts.sign};
    });
}
PluMatrices lu_unpack(const LuFactors& factors, Where where) {
    const LocScope scope(where, "lu_unpack", factors.lu, factors.order);
    return blaming(where, "lu_unpack", [&]() -> PluMatrices {
        const Tensor packed = matrices("lu_unpack", factors.lu);
        const Tensor order = order_of("lu_unpack", factors);
        return {f::permutation_matrix(order, packed), f::lower_of(packed), f::upper_of(packed)};
    });
}
PluMatrices lu(const Tensor& x, Where where) {
    const LocScope scope(where, "lu", x);
    return lu_unpack(lu_factor(x, where), where);
}

QrMatrices qr(const Tensor& x, QrOptions options, Where where) {
    const LocScope scope(where, "qr", x);
    return blaming(where, "qr", [&]() -> QrMatrices {
        const auto parts = results_of(options.complete ? ops::complete_qr : ops::qr, matrices("qr", x));
        return {parts[0], parts[1]};
    });
}

EighResult eigh(const Tensor& x, Where where) {
    const LocScope scope(where, "eigh", x);
    return blaming(where, "eigh", [&]() -> EighResult {
        const auto parts = results_of(ops::eigh, square("eigh", x));
        return {parts[0], parts[1]};
    });
}
Tensor eigvalsh(const Tensor& x, Where where) {
    const LocScope scope(where, "eigvalsh", x);
    return eigh(x, where).values;
}

EigResult eig(const Tensor& x, Where where) {
    const LocScope scope(where, "eig", x);
    return blaming(where, "eig", [&]() -> EigResult {
        const auto parts = results_of(ops::eig, square("eig", x));
        return {parts[0], parts[1]};
    });
}
Tensor eigvals(const Tensor& x, Where where) {
    const LocScope scope(where, "eigvals", x);
    return eig(x, where).values;
}

// Columns behind the first complete a basis: those of a complete q of it.
static Tensor completed(const Tensor& columns) {
    const Dim n = f::rows_of(columns.type().shape), k = f::columns_of(columns.type().shape);
    if (n == k) return columns;
    const Tensor q = results_of(ops::complete_qr, columns)[0];
    return f::concat(std::vector{columns, f::some_columns(q, k, n - k)}, last(q));
}
SvdResult svd(const Tensor& x, SvdOptions options, Where where) {
    const LocScope scope(where, "svd", x);
    return blaming(where, "svd", [&]() -> SvdResult {
        const auto parts = results_of(ops::svd, matrices("svd", x));
        if (!options.complete) return {parts[0], parts[1], parts[2]};
        return {completed(parts[0]), parts[1], f::transposed(completed(f::transposed(parts[2])))};
    });
}
Tensor svdvals(const Tensor& x, Where where) {
    const LocScope scope(where, "svdvals", x);
    return svd(x, {}, where).s;
}

namespace {

f::Reflections<Tensor> reflections(std::string_view function, const Tensor& columns, const Tensor& tau) {
    const Tensor x = matrices(function, columns);
    f::require_same_dtype(function, columns, tau);
    const Shape &shape = x.type().shape, &factors = tau.type().shape;
    const bool fits = tau.rank() + 1 == columns.rank() &&
                      f::may_be_equal(Shape(std::vector<Dim>(factors.begin(), factors.end() - 1)), f::batch_of(shape));
    if (!fits) refuse(function, "wants a factor for each reflection, a vector for each matrix", {});
    const Dim more = f::columns_of(shape) - factors[factors.rank() - 1],
              wide = f::rows_of(shape) - f::columns_of(shape);
    for (const Dim d : {more, wide})
        if (d.is_constant() && d.constant() < 0)
            refuse(function, "wants no more columns than rows, and no more factors than columns", {});
    return f::reflections_of(x, value_of(tau));
}

}  // namespace

Tensor householder_product(const Tensor& columns, const Tensor& tau, Where where) {
    const LocScope scope(where, "householder_product", columns, tau);
    return blaming(where, "householder_product", [&]() -> Tensor {
        const auto [v, t] = reflections("householder_product", columns, tau);
        const Shape& shape = columns.type().shape;
        const Dim n = f::columns_of(shape);
        const Tensor ones = f::indicator(f::compare_positions(v, ops::eq, f::rows_of(shape), n, 0), v);
        return ops::sub(f::broadcast_to(ones, shape), f::matmul(v, f::matmul(t, f::transposed(f::some_rows(v, 0, n)))));
    });
}
Tensor ormqr(const Tensor& columns, const Tensor& tau, const Tensor& other, ReflectionOptions options, Where where) {
    const LocScope scope(where, "ormqr", columns, other);
    return blaming(where, "ormqr", [&]() -> Tensor {
        const auto [v, t] = reflections("ormqr", columns, tau);
        const Tensor x = matrices("ormqr", other), inner = options.transposed ? f::transposed(t) : t;
        f::require_same_dtype("ormqr", columns, other);
        const Shape &shape = x.type().shape, &reflected = columns.type().shape;
        if (!f::may_be_equal(options.left ? f::rows_of(shape) : f::columns_of(shape), f::rows_of(reflected)))
            refuse("ormqr", "the matrices do not fit", where);
        if (options.left) return ops::sub(x, f::matmul(v, f::matmul(inner, f::matmul(f::transposed(v), x))));
        return ops::sub(x, f::matmul(f::matmul(f::matmul(x, v), inner), f::transposed(v)));
    });
}

PolarMatrices matrix_polar(const Tensor& x, Where where) {
    const LocScope scope(where, "matrix_polar", x);
    return blaming(where, "matrix_polar", [&]() -> PolarMatrices {
        const auto parts = results_of(ops::svd, matrices("matrix_polar", x));
        const Tensor scaled = ops::mul(f::unsqueeze(parts[1], {last(x)}), parts[2]);
        return {f::matmul(parts[0], parts[2]), f::matmul(f::transposed(parts[2]), scaled)};
    });
}

// ---- equations

Tensor solve(const Tensor& a, const Tensor& b, SolveOptions options, Where where) {
    const LocScope scope(where, "solve", a, b);
    return blaming(where, "solve", [&] {
        require_sides("solve", a, b);
        const Tensor matrix = square("solve", a);
        const auto from_left = [&](const Tensor& columns, bool transposed) {
            return f::solve(matrix, columns, transposed);
        };
        return options.left ? from_left(value_of(b), options.transposed)
                            : f::from_right(value_of(b), options.transposed, from_left);
    });
}
Tensor lu_solve(const LuFactors& factors, const Tensor& b, SolveOptions options, Where where) {
    const LocScope scope(where, "lu_solve", factors.lu, b);
    return blaming(where, "lu_solve", [&] {
        require_sides("lu_solve", factors.lu, b);
        const Tensor packed = square("lu_solve", factors.lu), order = order_of("lu_solve", factors);
        const auto from_left = [&](const Tensor& columns, bool transposed) {
            return f::lu_solve(packed, order, columns, transposed);
        };
        return options.left ? from_left(value_of(b), options.transposed)
                            : f::from_right(value_of(b), options.transposed, from_left);
    });
}

namespace {

Dim elements_of(const Shape& shape, std::size_t first, std::size_t behind) {
    Dim count = 1;
    for (std::size_t i = first; i < behind; ++i) count *= shape[i];
    return count;
}

}  // namespace

Tensor tensorsolve(const Tensor& a, const Tensor& b, const Axes& axes, Where where) {
    const LocScope scope(where, "tensorsolve", a, b);
    return blaming(where, "tensorsolve", [&] {
        if (!ir::rules::wide_floats.contains(a.dtype()))
            refuse("tensorsolve", "wants f32 or f64; convert() makes them of others", where);
        f::require_same_dtype("tensorsolve", a, b);
        Tensor map = value_of(a);
        if (!axes.values().empty()) {
            const auto rank = static_cast<std::int64_t>(a.rank()),
                       count = static_cast<std::int64_t>(axes.values().size());
            std::vector<std::int64_t> behind;
            for (std::int64_t i = rank - count; i < rank; ++i) behind.push_back(i);
            map = movedim(map, axes, behind, where);
        }
        const Shape& shape = map.type().shape;
        const std::size_t rows = b.rank();
        if (rows > a.rank() ||
            !f::may_be_equal(Shape(std::vector<Dim>(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(rows))),
                             b.type().shape))
            refuse("tensorsolve", "the first axes of a are not those of b", where);
        const Dim m = elements_of(shape, 0, rows), n = elements_of(shape, rows, shape.rank());
        if (!f::may_be_equal(m, n)) refuse("tensorsolve", "there are not as many unknowns as equations", where);
        const Tensor x = f::solve(f::reshape(map, Shape{m, n}), f::reshape(value_of(b), Shape{m}), false);
        return f::reshape(x, Shape(std::vector<Dim>(shape.begin() + static_cast<std::ptrdiff_t>(rows), shape.end())));
    });
}
Tensor tensorinv(const Tensor& x, std::int64_t leading, Where where) {
    const LocScope scope(where, "tensorinv", x);
    return blaming(where, "tensorinv", [&] {
        if (!ir::rules::wide_floats.contains(x.dtype()))
            refuse("tensorinv", "wants f32 or f64; convert() makes them of others", where);
        if (leading <= 0 || leading > static_cast<std::int64_t>(x.rank()))
            refuse("tensorinv", "wants one leading axis or more, of those that there are", where);
        const Shape& shape = x.type().shape;
        const auto first = static_cast<std::size_t>(leading);
        const Dim m = elements_of(shape, 0, first), n = elements_of(shape, first, shape.rank());
        if (!f::may_be_equal(m, n))
            refuse("tensorinv", "the first axes do not hold as many elements as the others", where);
        std::vector<Dim> extents(shape.begin() + leading, shape.end());
        extents.insert(extents.end(), shape.begin(), shape.begin() + leading);
        return f::reshape(f::inverse(f::reshape(value_of(x), Shape{m, n})), Shape(extents));
    });
}
Tensor triangular_solve(const Tensor& a, const Tensor& b, TriangularOptions options, Where where) {
    const LocScope scope(where, "triangular_solve", a, b);
    return blaming(where, "triangular_solve", [&] {
        require_dtypes("triangular_solve", a, b);
        const auto [t, y] = f::with_common_batch("triangular_solve", square("triangular_solve", a), value_of(b));
        const f::Triangle triangle{options.upper, options.transposed, options.unit_diagonal};
        return options.left ? f::solve_triangle(t, y, triangle) : f::solve_triangle_from_right(t, y, triangle);
    });
}
Tensor cholesky_solve(const Tensor& b, const Tensor& factor, CholeskyOptions options, Where where) {
    const LocScope scope(where, "cholesky_solve", b, factor);
    return blaming(where, "cholesky_solve", [&] {
        require_dtypes("cholesky_solve", factor, b);
        const Tensor triangle = square("cholesky_solve", factor), columns = matrices("cholesky_solve", b);
        if (!f::may_be_equal(f::columns_of(triangle.type().shape), f::rows_of(columns.type().shape)))
            refuse("cholesky_solve", "the matrices have different numbers of rows", where);
        return f::cholesky_solve(columns, triangle, options.upper);
    });
}
Tensor lstsq(const Tensor& a, const Tensor& b, std::optional<double> tolerance, Where where) {
    const LocScope scope(where, "lstsq", a, b);
    return blaming(where, "lstsq", [&] {
        require_dtypes("lstsq", a, b);
        return f::with_columns("lstsq", value_of(a), value_of(b), [&](const Tensor& x, const Tensor& y) {
            return f::matmul(f::pseudo_inverse(x, tolerance), y);
        });
    });
}

// ---- functions of matrices

Tensor inv(const Tensor& x, Where where) {
    const LocScope scope(where, "inv", x);
    return blaming(where, "inv", [&] { return f::inverse(square("inv", x)); });
}
Tensor pinv(const Tensor& x, std::optional<double> tolerance, Where where) {
    const LocScope scope(where, "pinv", x);
    return blaming(where, "pinv", [&] { return f::pseudo_inverse(matrices("pinv", x), tolerance); });
}
Tensor matrix_power(const Tensor& x, std::int64_t exponent, Where where) {
    const LocScope scope(where, "matrix_power", x);
    return blaming(where, "matrix_power", [&] { return f::matrix_power(square("matrix_power", x), exponent); });
}
Tensor matrix_exp(const Tensor& x, Where where) {
    const LocScope scope(where, "matrix_exp", x);
    return blaming(where, "matrix_exp", [&]() -> Tensor { return ops::matrix_exp(square("matrix_exp", x)); });
}

Tensor matrix_sqrth(const Tensor& x, Where where) {
    const LocScope scope(where, "matrix_sqrth", x);
    return blaming(where, "matrix_sqrth", [&] {
        const auto parts = results_of(ops::eigh, square("matrix_sqrth", x));
        const Tensor roots = f::unsqueeze(Tensor(ops::sqrt(parts[0])), {last(parts[0])});
        return f::matmul(Tensor(ops::mul(parts[1], roots)), f::transposed(parts[1]));
    });
}

// ---- numbers for matrices

Tensor det(const Tensor& x, Where where) {
    const LocScope scope(where, "det", x);
    return blaming(where, "det", [&] { return Tensor(ops::det(square("det", x))); });
}
std::pair<Tensor, Tensor> slogdet(const Tensor& x, Where where) {
    const LocScope scope(where, "slogdet", x);
    return blaming(where, "slogdet", [&] { return f::log_determinant(square("slogdet", x)); });
}
Tensor logdet(const Tensor& x, Where where) {
    const LocScope scope(where, "logdet", x);
    return blaming(where, "logdet", [&]() -> Tensor {
        const auto [sign, size] = f::log_determinant(square("logdet", x));
        const Tensor none = f::number(size, std::numeric_limits<double>::quiet_NaN());
        return ops::select(ops::lt(sign, f::number(sign, 0)), none, size);
    });
}

namespace {

Tensor norm_of(const Tensor& x, MatrixNorm norm) {
    const std::int64_t columns = last(x), rows = columns - 1;
    const auto greatest = [](const Tensor& v, std::int64_t axis) {
        return ops::reduce_max.with({ir::Integers{axis}}, v);
    };
    const auto least = [](const Tensor& v, std::int64_t axis) { return ops::reduce_min.with({ir::Integers{axis}}, v); };
    const auto sums = [&](std::int64_t axis) { return f::sum(Tensor(ops::abs(x)), {axis}); };
    switch (norm) {
        case MatrixNorm::frobenius:
            return f::norm(x, {rows, columns}, 2);
        case MatrixNorm::one:
            return greatest(sums(rows), rows);
        case MatrixNorm::infinity:
            return greatest(sums(columns), rows);
        case MatrixNorm::minus_one:
            return least(sums(rows), rows);
        case MatrixNorm::minus_infinity:
            return least(sums(columns), rows);
        default:
            break;
    }
    const Tensor values = f::singular_values(x);
    if (norm == MatrixNorm::nuclear) return f::sum(values, {rows});
    return norm == MatrixNorm::two ? greatest(values, rows) : least(values, rows);
}

}  // namespace

Tensor matrix_norm(const Tensor& x, MatrixNorm norm, Where where) {
    const LocScope scope(where, "matrix_norm", x);
    return blaming(where, "matrix_norm", [&] { return norm_of(matrices("matrix_norm", x), norm); });
}
Tensor cond(const Tensor& x, MatrixNorm norm, Where where) {
    const LocScope scope(where, "cond", x);
    return blaming(where, "cond", [&]() -> Tensor {
        const bool by_values = norm == MatrixNorm::two || norm == MatrixNorm::minus_two;
        const Tensor value = by_values ? matrices("cond", x) : square("cond", x);
        if (!by_values) return ops::mul(norm_of(value, norm), norm_of(f::inverse(value), norm));
        const Tensor greatest = norm_of(value, MatrixNorm::two), least = norm_of(value, MatrixNorm::minus_two);
        return norm == MatrixNorm::two ? ops::div(greatest, least) : ops::div(least, greatest);
    });
}
Tensor matrix_rank(const Tensor& x, std::optional<double> tolerance, Where where) {
    const LocScope scope(where, "matrix_rank", x);
    return blaming(where, "matrix_rank", [&]() -> Tensor {
        const Tensor values = f::singular_values(matrices("matrix_rank", x));
        const std::int64_t axis = last(values);
        const Tensor factor = tolerance ? f::number(values, *tolerance) : f::rank_tolerance(value_of(x));
        const Tensor greatest =
            f::expand_dims(Tensor(ops::reduce_max.with({ir::Integers{axis}}, values)), values.type().shape, {axis});
        return f::sum(Tensor(ops::gt(values, ops::mul(greatest, factor))), {axis});
    });
}

}  // namespace lathe
