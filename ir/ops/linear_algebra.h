// Decompositions of matrices, the last two dimensions of their operands, which functions of the library compute. A
// second implementation would have other bits: the functions are the reference, too.
//
// Where a decomposition does not exist, or there is a NaN or an infinity in a matrix, its results are NaN; nothing is
// refused, since what is compiled and lazy cannot look at values.
#pragma once

#include "ir/functions/linear_algebra.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

// The shape of an operand that is matrices of those dtypes, square ones or any.
const Shape& require_matrices(const TypeContext& c, std::size_t operand = 0);
const Shape& require_square(TypeContext& c, std::size_t operand = 0);

namespace samples_of_matrices {
std::vector<Sample> square(Dtype d);
std::vector<Sample> any(Dtype d);
std::vector<Sample> triangles(Dtype d);
std::vector<Sample> factors(Dtype d);
}  // namespace samples_of_matrices

HostCall cholesky_call(const CallContext& c);
Value cholesky_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef cholesky = {
    .name = "cholesky",
    .doc =
        "The lower triangle l with l l^T = (x + x^T) / 2 and a positive diagonal, zero above that; NaN where the\n"
        "symmetric part of x is not positive definite.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return {c.operand(0).dtype, require_square(c)}; },
    .call = cholesky_call,
    .gradient = only_reverse(cholesky_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::square,
};

Types lu_types(TypeContext& c);
HostCall lu_call(const CallContext& c);
Value lu_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef lu = {
    .name = "lu",
    .doc =
        "Gaussian elimination with partial pivoting, rows in another order: l u = x[order]. The results are l below "
        "the\ndiagonal, which is one of ones, and u in one matrix; the order, as i64; and its sign, 1 or -1, in x's "
        "dtype. Of\nequal pivots the first is taken; one of 0 divides nothing.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return {c.operand(0).dtype, require_matrices(c)}; },
    .result_types = lu_types,
    .call = lu_call,
    .gradient = only_reverse(lu_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::any,
};

inline constexpr FlagAttribute<0> solve_upper{"upper", "the upper triangle of a counts, not the lower one", 0,
                                              Presence::optional};
inline constexpr FlagAttribute<1> solve_transposed{"transposed", "its transpose takes its place", 0,
                                                   Presence::optional};
inline constexpr FlagAttribute<2> solve_unit{"unit", "its diagonal counts as ones", 0, Presence::optional};
inline constexpr AttributeDef triangular_solve_attributes[] = {solve_upper, solve_transposed, solve_unit};
Type solve_type(TypeContext& c);  // of a and b, which is as many rows of numbers as a has
HostCall triangular_solve_call(const CallContext& c);
Value triangular_solve_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef triangular_solve = {
    .name = "triangular_solve",
    .doc =
        "The x with t x = b, where t is a triangle of a with its diagonal; nothing else of a is read. A zero on the\n"
        "diagonal gives infinities and NaN.",
    .arity = 2,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .attributes = triangular_solve_attributes,
    .type = solve_type,
    .call = triangular_solve_call,
    .gradient = only_reverse(triangular_solve_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::triangles,
};

inline constexpr FlagAttribute<0> solves_transposed{"transposed", "the transpose of a takes its place", 0,
                                                    Presence::optional};
inline constexpr AttributeDef solve_attributes[] = {solves_transposed};
Type lu_solve_type(TypeContext& c);
HostCall lu_solve_call(const CallContext& c);
Value lu_solve_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef lu_solve = {
    .name = "lu_solve",
    .doc =
        "The x with a x = b, for the first two results of lu(a), and b. Where a is singular: infinities and NaN. An "
        "order\nthat is no permutation is taken for its ranks.",
    .arity = 3,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .attributes = solve_attributes,
    .type = lu_solve_type,
    .call = lu_solve_call,
    .gradient = only_reverse(lu_solve_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::factors,
};

HostCall det_call(const CallContext& c);
Value det_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef det = {
    .name = "det",
    .doc =
        "The determinant: the product of the diagonal that lu leaves, in the order of reduce prod, and of its sign. "
        "The\nderivative at a singular matrix is NaN.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return {c.operand(0).dtype, functions::batch_of(require_square(c))}; },
    .call = det_call,
    .gradient = only_reverse(det_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::square,
};

Types qr_types(TypeContext& c, bool complete);
HostCall qr_call(const CallContext& c);
HostCall complete_qr_call(const CallContext& c);
Value qr_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef qr = {
    .name = "qr",
    .doc =
        "x = q r, where q has orthonormal columns, as many as the lesser extent of x, and r is zero below its "
        "diagonal.\n"
        "By Householder's reflections, as LAPACK does it: an element on the diagonal of r has the sign that is not "
        "that "
        "of\nwhat was reflected onto it.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return qr_types(c, false)[0]; },
    .result_types = [](TypeContext& c) -> Types { return qr_types(c, false); },
    .call = qr_call,
    .gradient = only_reverse(qr_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::any,
};
inline constexpr OpDef complete_qr = {
    .name = "complete_qr",
    .doc = "qr, but q is square: columns behind the first complete a basis, and rows of zeros below r belong to them.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return qr_types(c, true)[0]; },
    .result_types = [](TypeContext& c) -> Types { return qr_types(c, true); },
    .call = complete_qr_call,
    .gradient = no_grad("what completes a basis may be turned; qr has one"),
    .samples = samples_of_matrices::any,
};

Types eigh_types(TypeContext& c);
HostCall eigh_call(const CallContext& c);
Value eigh_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef eigh = {
    .name = "eigh",
    .doc =
        "The eigenvalues w of the symmetric part of x, in ascending order, and a v with orthonormal columns:\n"
        "(x + x^T) / 2 = v diag(w) v^T. Derivatives by vectors of equal values are infinite or NaN.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return eigh_types(c)[0]; },
    .result_types = eigh_types,
    .call = eigh_call,
    .gradient = only_reverse(eigh_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::square,
};

Types eig_types(TypeContext& c);
HostCall eig_call(const CallContext& c);

inline constexpr OpDef eig = {
    .name = "eig",
    .doc =
        "The eigenvalues w of x, and vectors: x v = v diag(w). Complex numbers: real and imaginary parts lie along a "
        "new\nlast dimension of 2. A vector has length 1, and its greatest element is real. Of a pair of values the "
        "one "
        "with the\npositive imaginary part comes first; else they come in the order in which they are found.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return eig_types(c)[0]; },
    .result_types = eig_types,
    .call = eig_call,
    .gradient = no_grad("eigenvalues of general matrices are complex; eigh has one"),
    .samples = samples_of_matrices::square,
};

Types svd_types(TypeContext& c);
HostCall svd_call(const CallContext& c);
Value svd_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef svd = {
    .name = "svd",
    .doc =
        "x = u diag(s) v^T: u, s in descending order and none of them negative, and v^T; the columns of u and of v "
        "are\n"
        "orthonormal, as many as the lesser extent of x. Derivatives by u and v are infinite or NaN where singular\n"
        "values are equal, or 0.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return svd_types(c)[0]; },
    .result_types = svd_types,
    .call = svd_call,
    .gradient = only_reverse(svd_transpose),
    .domain = {-1, 1},
    .samples = samples_of_matrices::any,
};

HostCall matrix_exp_call(const CallContext& c);
Value matrix_exp_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef matrix_exp = {
    .name = "matrix_exp",
    .doc = "The sum of x^k / k! over all k, with powers of matrices.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type { return {c.operand(0).dtype, require_square(c)}; },
    .call = matrix_exp_call,
    .gradient = only_reverse(matrix_exp_transpose),
    .domain = {-0.1, 0.1},
    .samples = samples_of_matrices::square,
};

// ---- made of these

Values solve_expansion(const ExpandContext& c);
Value solve_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef solve = {
    .name = "solve",
    .doc = "The x with a x = b, by lu. Where a is singular: infinities and NaN.",
    .arity = 2,
    .lowering = Lowering::composite,
    .dtypes = rules::wide_floats,
    .attributes = solve_attributes,
    .type = solve_type,
    .expand = solve_expansion,
    .gradient = only_reverse(solve_transpose),
    .domain = {-1, 1},
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {3, 3}}, {d, {3, 2}}}, {false}},
                {{{d, {4, 4}}, {d, {4, 1}}}, {true}},
                {{{d, {2, 3, 3}}, {d, {2, 3, 2}}}, {false}},
                {{{d, {0, 0}}, {d, {0, 2}}}, {false}},
                {{{d, {1, 1}}, {d, {1, 1}}}, {true}}};
    },
};

Values matrix_exp_tangent_expansion(const ExpandContext& c);
Value matrix_exp_tangent_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef matrix_exp_tangent = {
    .name = "matrix_exp_tangent",
    .doc =
        "The derivative of matrix_exp at x in the direction e: the upper right block of matrix_exp([x e; 0 x]). Linear "
        "in e.",
    .arity = 2,
    .lowering = Lowering::composite,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type {
        require_square(c, 1);
        return solve_type(c);
    },
    .expand = matrix_exp_tangent_expansion,
    .gradient = only_reverse(matrix_exp_tangent_transpose),
    .domain = {-0.1, 0.1},
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {2, 2}}, {d, {2, 2}}}}, {{{d, {2, 1, 1}}, {d, {2, 1, 1}}}}, {{{d, {0, 0}}, {d, {0, 0}}}}};
    },
};

Values pinv_expansion(const ExpandContext& c);
Value pinv_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);

inline constexpr OpDef pinv = {
    .name = "pinv",
    .doc =
        "Moore and Penrose's inverse of x: v diag(1 / s) u^T, where singular values of not more than t times the "
        "greatest\ncount as 0, t being the second operand, a number, times the greater extent and the difference from "
        "1 to the next\nnumber. The derivative is that of a matrix whose rank stays.",
    .arity = 2,
    .lowering = Lowering::composite,
    .dtypes = rules::wide_floats,
    .type = [](TypeContext& c) -> Type {
        const Shape& shape = require_matrices(c);
        rules::require_same_dtype(c, 0, 1);
        if (c.operand(1).shape.rank() != 0)
            c.fail("the tolerance has rank " + std::to_string(c.operand(1).shape.rank()) + ", not 0");
        return {c.operand(0).dtype, functions::with_matrix(functions::batch_of(shape), functions::columns_of(shape),
                                                           functions::rows_of(shape))};
    },
    .expand = pinv_expansion,
    .gradient = only_reverse(pinv_transpose),
    .domain = {-1, 1},
    .samples =
        [](Dtype d) {
            std::vector<Sample> all = samples_of_matrices::any(d);
            for (Sample& s : all) s.operands.push_back({d, {}});
            return all;
        },
};

inline constexpr auto linear_algebra =
    std::to_array<const OpDef*>({&cholesky, &lu, &triangular_solve, &lu_solve, &det, &qr, &complete_qr, &eigh, &eig,
                                 &svd, &matrix_exp, &matrix_exp_tangent, &solve, &pinv});

}  // namespace lathe::ir::ops
