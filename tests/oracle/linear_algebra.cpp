// Decompositions and what is made of them. Where a vector may point either way, what both ways have in common.
#include "frontend/functions/linear_algebra.h"

#include <algorithm>
#include <limits>

#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor t(const Tensor& x) { return swapaxes(x, -1, -2); }

// Where they are told that a matrix is symmetric, they read one triangle, and give both the derivative.
Tensor as_symmetric(const Tensor& x, bool upper) {
    const Tensor read = upper ? triu(x) + t(triu(x, 1)) : tril(x) + t(tril(x, -1)), both = (x + t(x)) * 0.5;
    return stop_gradient(read) + (both - stop_gradient(both));
}
Tensors choleskys(const Call& c) {
    c.expect_names({"upper"});
    return {cholesky(c.tensor(0), {.upper = c.flag(1, "upper")})};
}
// A second result says that all went well: zeros.
template <Tensors (*function)(const Call&)>
Tensors with_info(const Call& c) {
    Tensors results = function(c);
    const std::vector<std::int64_t> extents = c.tensor(0).shape();
    results.push_back(zeros(Shape(std::vector<Dim>(extents.begin(), extents.end() - 2)), Dtype::i32));
    return results;
}

template <Tensor (*function)(const Tensor&, Where)>
Tensors plain(const Call& c) {
    c.expect_names({"check_errors", "rcond"});
    return {function(c.tensor(0), Where::current())};
}

// Theirs says with which row each was exchanged, from the first on and counted from 1; ours, where each row was.
Tensor exchanged(const Tensor& x, std::int64_t i, const Tensor& j) {
    const Tensor places = arange(Dim(x.shape().back()));
    return where(places == j, narrow(x, -1, i, 1), where(places == i, take_along_axis(x, j, -1), x));
}
Tensor rows_in_order(const Tensor& like) {
    std::vector<std::int64_t> extents = like.shape();
    extents.pop_back();
    return broadcast_to(arange(Dim(extents.back())), Shape(std::vector<Dim>(extents.begin(), extents.end())));
}
LuFactors with_order(const Tensor& lu, const Tensor& exchanges) {
    Tensor order = rows_in_order(lu);
    for (std::int64_t i = 0; i < exchanges.shape().back(); ++i)
        order = exchanged(order, i, convert(narrow(exchanges, -1, i, 1), Dtype::i64) - 1);
    return {lu, order, Tensor()};
}
Tensors factors(const Call& c) {
    if (!c.flag(1, "pivot", true)) throw NotOurs("elimination without pivots");
    const LuFactors f = lu_factor(c.tensor(0));
    Tensor rows = rows_in_order(f.lu);
    std::vector<Tensor> exchanges;
    const std::vector<std::int64_t> shape = f.lu.shape();
    for (std::int64_t i = 0; i < std::min(shape.back(), shape[shape.size() - 2]); ++i) {
        const Tensor j = unsqueeze(argmax(convert(rows == narrow(f.order, -1, i, 1), Dtype::i64), -1), {-1});
        exchanges.push_back(convert(j + 1, Dtype::i32));
        rows = exchanged(rows, i, j);
    }
    if (exchanges.empty()) throw NotOurs("nothing to exchange");
    return {f.lu, concat(exchanges, -1)};
}

Tensors solutions(const Call& c) {
    c.expect_names({"left", "check_errors"});
    if (!c.flag(2, "left", true)) return {solve(c.tensor(0), c.tensor(1), {.left = false})};
    // Theirs takes vectors for each matrix, too.
    const Tensor a = c.tensor(0), b = c.tensor(1);
    if (b.rank() + 1 != a.rank()) return {solve(a, b)};
    return {squeeze(solve(a, unsqueeze(b, {-1})), {-1})};
}

Tensors pseudo_inverses(const Call& c) {
    c.expect_names({"rtol", "hermitian", "rcond"});
    if (c.variant() == "singular") return {pinv(matmul(c.tensor(0), t(c.tensor(1))))};
    if (c.variant() == "hermitian") throw NotOurs("the inverse of one triangle");
    return {pinv(c.tensor(0))};
}

MatrixNorm norm_of(const Json& order) {
    if (order.is_null() || order == "fro") return MatrixNorm::frobenius;
    if (order == "nuc") return MatrixNorm::nuclear;
    if (order.is_object()) return order["f"] == "inf" ? MatrixNorm::infinity : MatrixNorm::minus_infinity;
    if (order == 1) return MatrixNorm::one;
    if (order == -1) return MatrixNorm::minus_one;
    if (order == 2) return MatrixNorm::two;
    if (order == -2) return MatrixNorm::minus_two;
    throw NotOurs("an order of norms");
}
Tensors matrix_norms(const Call& c) {
    const Tensor x = c.tensor(0), norm = matrix_norm(x, norm_of(c.argument(1, "ord")));
    return {c.flag(3, "keepdim") ? unsqueeze(unsqueeze(norm, {-1}), {-1}) : norm};
}
Tensors norms(const Call& c) {
    const Json& axes = c.argument(2, "dim");
    const bool keep = c.flag(3, "keepdim"), is_vector = axes.is_number() || (axes.is_array() && axes.size() == 1);
    if (c.argument(1, "ord").is_null() && axes.is_null()) return {norm(c.tensor(0), {}, {.keep = keep})};
    if (c.tensor(0).rank() == 1 || is_vector) {
        const Json& order = c.argument(1, "ord");
        NormOptions o{.keep = keep};
        if (order.is_object())
            o.p = order["f"] == "inf" ? infinity : -infinity;
        else if (!order.is_null())
            o.p = order.get<double>();
        return {norm(c.tensor(0), c.integers(2, "dim"), o)};
    }
    if (c.tensor(0).rank() != 2 || keep) throw NotOurs("norms of matrices along other axes");
    return {matrix_norm(c.tensor(0), norm_of(c.argument(1, "ord")))};
}

Tensors singular(const Call& c) {
    const bool complete = c.flag(9, "full_matrices", c.op() == "linalg.svd") || !c.flag(9, "some", true);
    const std::vector<std::int64_t> shape = c.tensor(0).shape();
    if (complete && shape.back() != shape[shape.size() - 2]) throw NotOurs("how bases are completed");
    const auto [u, s, vt] = svd(c.tensor(0), {.complete = complete});
    return {u, s, c.op() == "svd" ? t(vt) : vt};
}

}  // namespace

Translations linear_algebra() {
    return {
        {"linalg.cholesky", choleskys},
        {"linalg.cholesky_ex", with_info<choleskys>},
        {"cholesky_solve",
         [](const Call& c) -> Tensors {
             return {cholesky_solve(c.tensor(0), c.tensor(1), {.upper = c.flag(2, "upper")})};
         }},
        {"cholesky_inverse",
         [](const Call& c) -> Tensors {
             const Tensor x = c.tensor(0);
             const std::vector<std::int64_t> extents = x.shape();
             const Tensor one =
                 broadcast_to(eye(extents.back()), Shape(std::vector<Dim>(extents.begin(), extents.end())));
             return {cholesky_solve(one, x, {.upper = c.flag(1, "upper")})};
         }},
        {"linalg.lu",
         [](const Call& c) -> Tensors {
             const auto [p, l, u] = lu(c.tensor(0));
             return {p, l, u};
         }},
        {"linalg.lu_factor", factors},
        {"linalg.lu_factor_ex", with_info<factors>},
        {"lu", [](const Call& c) -> Tensors { return c.flag(2, "get_infos") ? with_info<factors>(c) : factors(c); }},
        {"lu_unpack",
         [](const Call& c) -> Tensors {
             c.expect_names({});
             const auto [p, l, u] = lu_unpack(with_order(c.tensor(0), c.tensor(1)));
             return {p, l, u};
         }},
        {"lu_solve",
         [](const Call& c) -> Tensors { return {lu_solve(with_order(c.tensor(1), c.tensor(2)), c.tensor(0))}; }},
        {"linalg.lu_solve",
         [](const Call& c) -> Tensors {
             return {lu_solve(with_order(c.tensor(0), c.tensor(1)), c.tensor(2),
                              {.transposed = c.flag(9, "adjoint"), .left = c.flag(9, "left", true)})};
         }},
        {"linalg.householder_product",
         [](const Call& c) -> Tensors { return {householder_product(c.tensor(0), c.tensor(1))}; }},
        {"ormqr",
         [](const Call& c) -> Tensors {
             return {ormqr(c.tensor(0), c.tensor(1), c.tensor(2),
                           {.left = c.flag(3, "left", true), .transposed = c.flag(4, "transpose")})};
         }},
        {"linalg.polar",
         [](const Call& c) -> Tensors {
             const auto [q, p] = matrix_polar(c.tensor(0));
             return {q, p};
         }},
        {"linalg.matrix_sqrth", [](const Call& c) -> Tensors { return {matrix_sqrth(c.tensor(0))}; }},
        {"linalg.tensorinv", [](const Call& c) -> Tensors { return {tensorinv(c.tensor(0), c.integer(1, "ind", 2))}; }},
        {"linalg.tensorsolve",
         [](const Call& c) -> Tensors { return {tensorsolve(c.tensor(0), c.tensor(1), c.integers(2, "dims"))}; }},
        {"linalg.qr",
         [](const Call& c) -> Tensors {
             const auto [q, r] = qr(c.tensor(0));
             return {q, r};
         }},
        {"linalg.eigh",
         [](const Call& c) -> Tensors {
             const auto [w, v] = eigh(as_symmetric(c.tensor(0), c.text(1, "UPLO", "L") == "U"));
             return {w, v};
         }},
        {"linalg.eigvalsh",
         [](const Call& c) -> Tensors { return {eigvalsh(as_symmetric(c.tensor(0), c.text(1, "UPLO", "L") == "U"))}; }},
        {"linalg.svd", singular},
        {"svd", singular},
        {"linalg.svdvals", plain<svdvals>},
        {"linalg.solve", solutions},
        {"linalg.solve_ex", with_info<solutions>},
        {"linalg.solve_triangular",
         [](const Call& c) -> Tensors {
             return {triangular_solve(c.tensor(0), c.tensor(1),
                                      {.upper = c.flag(9, "upper"),
                                       .unit_diagonal = c.flag(9, "unitriangular"),
                                       .left = c.flag(9, "left", true)})};
         }},
        {"triangular_solve",
         [](const Call& c) -> Tensors {
             const bool upper = c.flag(9, "upper", true);
             const Tensor b = c.tensor(0), a = c.tensor(1);
             return {triangular_solve(a, b,
                                      {.upper = upper,
                                       .transposed = c.flag(9, "transpose"),
                                       .unit_diagonal = c.flag(9, "unitriangular")}),
                     a + 0.0};
         }},
        {"linalg.inv", plain<inv>},
        {"linalg.inv_ex", with_info<plain<inv>>},
        {"linalg.pinv", pseudo_inverses},
        {"pinverse", pseudo_inverses},
        {"linalg.det", plain<det>},
        {"logdet", plain<logdet>},
        {"linalg.slogdet",
         [](const Call& c) -> Tensors {
             const auto [sign, size] = slogdet(c.tensor(0));
             return {sign, size};
         }},
        {"linalg.matrix_power",
         [](const Call& c) -> Tensors { return {matrix_power(c.tensor(0), c.integer(1, "n"))}; }},
        {"matrix_exp", plain<matrix_exp>},
        {"linalg.matrix_norm", matrix_norms},
        {"linalg.norm", norms},
        {"linalg.cond",
         [](const Call& c) -> Tensors {
             const Json& order = c.argument(1, "p");
             return {cond(c.tensor(0), order.is_null() ? MatrixNorm::two : norm_of(order))};
         }},
        {"linalg.matrix_rank",
         [](const Call& c) -> Tensors {
             if (!c.argument(1, "atol").is_null()) throw NotOurs("an absolute tolerance");
             return {matrix_rank(c.tensor(0))};
         }},
        {"linalg.lstsq",
         [](const Call& c) -> Tensors {
             // Residuals, ranks and singular values are empty where their driver does not tell them.
             Tensors results{lstsq(c.tensor(0), c.tensor(1)), zeros({0})};
             if (c.text(9, "driver", "") == "gelsy") throw NotOurs("a rank besides the solution");
             if (c.variant().empty()) results.insert(results.end(), {zeros({0}, Dtype::i64), zeros({0})});
             return results;
         }},
        {"linalg.diagonal",
         [](const Call& c) -> Tensors {
             return {
                 diagonal(c.tensor(0), c.integer(1, "offset", 0), c.integer(2, "dim1", -2), c.integer(3, "dim2", -1))};
         }},
    };
}

}  // namespace lathe::oracle
