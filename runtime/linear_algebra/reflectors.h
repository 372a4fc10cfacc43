// Products of Householder's reflections, h = 1 - tau v v^T, as a decomposition leaves them: v of column j lies below
// its diagonal element, which is 1 there and stored nowhere.
#pragma once

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

constexpr Index reflector_block = 32;

// Some reflections as one, 1 - v t v^T (R. Schreiber and C. Van Loan, "A storage-efficient WY representation for
// products of Householder transformations", 1989).
template <class T>
class BlockReflector {
public:
    // `columns` begins with the diagonal element of the first.
    template <class Columns>
    BlockReflector(const Columns& columns, const T* tau)
        : v_(take_matrix<T>(columns.rows(), columns.cols())), t_(take_matrix<T>(columns.cols(), columns.cols())) {
        const Index count = columns.cols();
        for (Index j = 0; j < count; ++j) {
            const Index below = columns.rows() - j - 1;
            v_.col(j).head(j).setZero();
            v_(j, j) = T(1);
            v_.col(j).tail(below) = columns.col(j).tail(below);
            t_.col(j).setZero();
            t_(j, j) = tau[j];
            for (Index i = 0; i < j; ++i) t_(i, j) = -tau[j] * v_.col(i).tail(below + 1).dot(v_.col(j).tail(below + 1));
            // t(0..j, j) = t(0..j, 0..j) * that
            for (Index i = 0; i < j; ++i) {
                T sum = T(0);
                for (Index k = i; k < j; ++k) sum += t_(i, k) * t_(k, j);
                t_(i, j) = sum;
            }
        }
    }
    // x = the reflections, the first of them the last to be applied, or the other way round, times x.
    template <class X>
    void apply(X&& x, bool transposed) const {
        if (x.cols() == 0) return;
        const Scope scope;
        Matrix<T> inner = take_matrix<T>(v_.cols(), x.cols()), outer = take_matrix<T>(v_.cols(), x.cols());
        inner.noalias() = v_.transpose() * x;
        if (transposed)
            outer.noalias() = t_.transpose() * inner;
        else
            outer.noalias() = t_ * inner;
        x.noalias() -= v_ * outer;
    }

private:
    Matrix<T> v_, t_;
};

// q = the product of the reflections in columns of `m`, from `shift` rows below the diagonal on, times what q is where
// it is the identity. Blocks are applied from the last to the first, each to what it does not leave as it was.
template <class T, class M, class Q>
void form_q(const M& m, const T* tau, Index count, Index shift, Q&& q) {
    q.setIdentity();
    for (Index k = (count - 1) / reflector_block * reflector_block; k >= 0 && count > 0; k -= reflector_block) {
        const Scope scope;
        const Index width = std::min(reflector_block, count - k), first = k + shift;
        const BlockReflector<T> block(m.block(first, k, m.rows() - first, width), tau + k);
        block.apply(q.block(first, first, q.rows() - first, q.cols() - first), false);
    }
}

}  // namespace lathe::linear_algebra
