// Symmetric matrices, of which the lower triangle is kept.
#pragma once

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

// The symmetric part of a dense matrix in memory: half of it and its transpose. What is symmetric stays as it is.
template <class T>
void load_symmetric(Matrix<T>& to, const T* from) {
    const Index n = to.rows();
    for (Index j = 0; j < n; ++j)
        for (Index i = j; i < n; ++i) {
            const T below = from[i * n + j], above = from[j * n + i];
            to(i, j) = below == above ? below : below / 2 + above / 2;
        }
}

}  // namespace lathe::linear_algebra
