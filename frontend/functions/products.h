// Sums of products.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "frontend/tensor/axes.h"
#include "frontend/tensor/tensor.h"

namespace lathe {

// Matrix product over the last axis of a and the last but one of b, batched over the axes before them.
Tensor matmul(const Tensor& a, const Tensor& b, Where where = Where::current());
// The same of two batches of matrices, [batch, rows, k] and [batch, k, columns].
Tensor bmm(const Tensor& a, const Tensor& b, Where where = Where::current());
// x w^T, with w [outputs, inputs] and x [.., inputs]; and with a number for each output added.
Tensor linear(const Tensor& x, const Tensor& w, Where where = Where::current());
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias, Where where = Where::current());
// y[.., o] = sum over i and k of a[.., i] w[o, i, k] b[.., k]; and with a number for each output added.
Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& w, Where where = Where::current());
Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& w, const Tensor& bias, Where where = Where::current());

// Sums over the last axes of both, for all indices of the others; of numbers a product.
Tensor inner(const Tensor& a, const Tensor& b, Where where = Where::current());
// a[i] b[k] for vectors; other tensors are flattened.
Tensor outer(const Tensor& a, const Tensor& b, Where where = Where::current());
// Kronecker's product: blocks of b, each times an element of a.
Tensor kron(const Tensor& a, const Tensor& b, Where where = Where::current());
// Sums over the last `axes` axes of a and the first of b, in their order; or over pairs of them.
Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t axes = 2, Where where = Where::current());
Tensor tensordot(const Tensor& a, const Tensor& b, const Axes& a_axes, const Axes& b_axes,
                 Where where = Where::current());

// Einstein's sums: "bij,bjk->bik" names each operand's axes, and the result's; over all others it sums. "..." stands
// for axes without names, which broadcast. Without an arrow the result has those, then the names that occur once, in
// alphabetical order. A name that one operand has twice is its diagonal. More than two operands are multiplied pair by
// pair: up to eight in the order that takes the fewest multiplications, more in one that is good step by step. That
// order, and with it the rounding, follows from the extents that are known: where some are symbols, as in compiled
// code, it may be another one.
Tensor einsum(std::string_view formula, std::span<const Tensor> operands, Where where = Where::current());
inline Tensor einsum(std::string_view formula, std::initializer_list<Tensor> operands, Where where = Where::current()) {
    return einsum(formula, std::span<const Tensor>(operands.begin(), operands.size()), where);
}

struct ContractionAxes {
    Axes a_batch = {}, b_batch = {};        // pair up, and stay
    Axes a_contract = {}, b_contract = {};  // pair up, and are summed over
};
// The sum of a * b over pairs of axes, for all that the others choose: the result has the axes of the batch, then the
// others of a, then those of b.
Tensor dot_general(const Tensor& a, const Tensor& b, const ContractionAxes& axes, Where where = Where::current());

}  // namespace lathe
