#include "frontend/functions/functions.h"
#include "tests/misuse/functions.h"

namespace lathe::misuse {

void add_products(Table& table) {
    table.add("cholesky", 1, [](const Tensors& t, Where w) { return cholesky(t[0], {}, w); });
    table.add("lu", 1, [](const Tensors& t, Where w) { return lu(t[0], w).p; });
    table.add("lu_factor", 1, [](const Tensors& t, Where w) { return lu_factor(t[0], w).lu; });
    table.add("lu_unpack", 2, [](const Tensors& t, Where w) { return lu_unpack({t[0], t[1], t[0]}, w).l; });
    table.add("qr", 1, [](const Tensors& t, Where w) { return qr(t[0], {}, w).q; });
    table.add("eigh", 1, [](const Tensors& t, Where w) { return eigh(t[0], w).values; });
    table.add("eigvalsh", 1, [](const Tensors& t, Where w) { return eigvalsh(t[0], w); });
    table.add("eig", 1, [](const Tensors& t, Where w) { return eig(t[0], w).values; });
    table.add("eigvals", 1, [](const Tensors& t, Where w) { return eigvals(t[0], w); });
    table.add("svd", 1, [](const Tensors& t, Where w) { return svd(t[0], {}, w).u; });
    table.add("svdvals", 1, [](const Tensors& t, Where w) { return svdvals(t[0], w); });
    table.add("svd", 1, [](const Tensors& t, Where w) { return svd(t[0], {.complete = true}, w).u; });
    table.add("matrix_polar", 1, [](const Tensors& t, Where w) { return matrix_polar(t[0], w).q; });
    table.add("matrix_sqrth", 1, [](const Tensors& t, Where w) { return matrix_sqrth(t[0], w); });
    table.binary("householder_product", householder_product);
    table.add("ormqr", 3, [](const Tensors& t, Where w) { return ormqr(t[0], t[1], t[2], {}, w); });
    table.add("lu_solve", 3, [](const Tensors& t, Where w) { return lu_solve({t[0], t[1], t[0]}, t[2], {}, w); });
    table.add("lu_solve", 2, [](const Tensors& t, Where w) {
        return lu_solve({t[0], zeros({2}, Dtype::i64), t[0]}, t[1], {.left = false}, w);
    });
    table.add("solve", 2, [](const Tensors& t, Where w) { return solve(t[0], t[1], {.left = false}, w); });
    for (const std::int64_t n : wrong_numbers) {
        table.add("tensorsolve", 2, [n](const Tensors& t, Where w) { return tensorsolve(t[0], t[1], n, w); });
        table.add("tensorinv", 1, [n](const Tensors& t, Where w) { return tensorinv(t[0], n, w); });
    }
    table.add("solve", 2, [](const Tensors& t, Where w) { return solve(t[0], t[1], {}, w); });
    table.add("triangular_solve", 2, [](const Tensors& t, Where w) { return triangular_solve(t[0], t[1], {}, w); });
    table.add("cholesky_solve", 2, [](const Tensors& t, Where w) { return cholesky_solve(t[0], t[1], {}, w); });
    table.add("lstsq", 2, [](const Tensors& t, Where w) { return lstsq(t[0], t[1], {}, w); });
    table.add("inv", 1, [](const Tensors& t, Where w) { return inv(t[0], w); });
    table.add("pinv", 1, [](const Tensors& t, Where w) { return pinv(t[0], {}, w); });
    table.add("matrix_power", 1, [](const Tensors& t, Where w) { return matrix_power(t[0], -2, w); });
    table.add("matrix_exp", 1, [](const Tensors& t, Where w) { return matrix_exp(t[0], w); });
    table.add("det", 1, [](const Tensors& t, Where w) { return det(t[0], w); });
    table.add("slogdet", 1, [](const Tensors& t, Where w) { return slogdet(t[0], w).second; });
    table.add("logdet", 1, [](const Tensors& t, Where w) { return logdet(t[0], w); });
    table.add("matrix_norm", 1, [](const Tensors& t, Where w) { return matrix_norm(t[0], MatrixNorm::nuclear, w); });
    table.add("cond", 1, [](const Tensors& t, Where w) { return cond(t[0], MatrixNorm::one, w); });
    table.add("matrix_rank", 1, [](const Tensors& t, Where w) { return matrix_rank(t[0], {}, w); });
    table.binary("bmm", bmm);
    table.binary("linear", linear);
    table.binary("inner", inner);
    table.binary("outer", outer);
    table.binary("kron", kron);
    table.add("linear", 3, [](const Tensors& t, Where w) { return linear(t[0], t[1], t[2], w); });
    table.add("bilinear", 3, [](const Tensors& t, Where w) { return bilinear(t[0], t[1], t[2], w); });
    table.add("bilinear", 1, [](const Tensors& t, Where w) {
        return bilinear(zeros({2, 2}), zeros({2, 2}), zeros({3, 2, 2}), t[0], w);
    });
    for (const std::string_view formula :
         {"ij,jk", "ij,jk->ii", "i.j,jk", "i,j,k", "...i,...i->...", "ii,i", "ij,j->x"})
        table.add("einsum", 2, [formula](const Tensors& t, Where w) { return einsum(formula, t, w); });
    table.add("einsum", 0, [](const Tensors& t, Where w) { return einsum("i", t, w); });
    for (const std::int64_t n : wrong_numbers) {
        table.add("tensordot", 2, [n](const Tensors& t, Where w) { return tensordot(t[0], t[1], n, w); });
        table.add("tensordot", 2, [n](const Tensors& t, Where w) { return tensordot(t[0], t[1], {n}, {0}, w); });
        table.add("tensordot", 2, [n](const Tensors& t, Where w) { return tensordot(t[0], t[1], {0, n}, {0}, w); });
        table.add("cross", 2, [n](const Tensors& t, Where w) { return cross(t[0], t[1], n, w); });
        table.add("vecdot", 2, [n](const Tensors& t, Where w) { return vecdot(t[0], t[1], n, w); });
    }
    for (const double p : wrong_reals) {
        table.add("cdist", 2, [p](const Tensors& t, Where w) { return cdist(t[0], t[1], p, w); });
        table.add("pdist", 1, [p](const Tensors& t, Where w) { return pdist(t[0], p, w); });
    }
    table.unary("corrcoef", corrcoef);
    table.add("cov", 1, [](const Tensors& t, Where w) { return cov(t[0], {}, w); });
    table.add("cov", 2, [](const Tensors& t, Where w) { return cov(t[0], {.counts = t[1]}, w); });
    table.add("cov", 2, [](const Tensors& t, Where w) { return cov(t[0], {.weights = t[1]}, w); });
    table.add("integer_matmul", 2, [](const Tensors& t, Where w) { return integer_matmul(t[0], t[1], {}, w); });
    table.add("integer_matmul", 1, [](const Tensors& t, Where w) {
        return integer_matmul(zeros({2, 2}, Dtype::u8), zeros({2, 2}, Dtype::u8), {.a_zero = t[0]}, w);
    });
    table.add("scaled_dot_product_attention", 3,
              [](const Tensors& t, Where w) { return scaled_dot_product_attention(t[0], t[1], t[2], {}, w); });
    table.add("scaled_dot_product_attention", 1, [](const Tensors& t, Where w) {
        const Tensor x = zeros({2, 3, 4});
        return scaled_dot_product_attention(x, x, x, {.mask = t[0]}, w);
    });
    table.add("rotary_embedding", 3,
              [](const Tensors& t, Where w) { return rotary_embedding(t[0], t[1], t[2], {}, w); });
}

}  // namespace lathe::misuse
