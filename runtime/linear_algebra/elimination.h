// Gaussian elimination in place, with the greatest element of a column as its pivot.
#pragma once

#include <utility>

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

// The columns of a panel, within rows that are swapped whole. `place` says which row of before each is now. A pivot of
// 0 divides nothing. Returns whether the rows were swapped an odd number of times.
template <class T>
bool eliminate_panel(Matrix<T>& m, Index first, Index width, Index* place) {
    bool is_odd = false;
    const Index rows = m.rows();
    for (Index j = first; j < first + width; ++j) {
        Index pivot = j;
        T greatest = std::abs(m(j, j));
        for (Index i = j + 1; i < rows; ++i)
            if (const T size = std::abs(m(i, j)); size > greatest) greatest = size, pivot = i;
        if (pivot != j) {
            m.row(j).swap(m.row(pivot));
            std::swap(place[j], place[pivot]);
            is_odd = !is_odd;
        }
        const Index below = rows - j - 1, behind = first + width - j - 1;
        if (m(j, j) != T(0)) m.col(j).tail(below) /= m(j, j);
        for (Index k = j + 1; k <= j + behind; ++k) m.col(k).tail(below) -= m(j, k) * m.col(j).tail(below);
    }
    return is_odd;
}

// L below the diagonal, which is one of ones, and U: L U is m with its rows in the order of `place`.
template <class T>
bool eliminate(Matrix<T>& m, Index* place) {
    constexpr Index block = 32;
    const Index rows = m.rows(), columns = m.cols(), steps = std::min(rows, columns);
    for (Index i = 0; i < rows; ++i) place[i] = i;
    bool is_odd = false;
    for (Index k = 0; k < steps; k += block) {
        const Scope scope;
        const Index width = std::min(block, steps - k), below = rows - k - width, behind = columns - k - width;
        is_odd ^= eliminate_panel(m, k, width, place);
        if (behind == 0) break;
        auto right = m.block(k, k + width, width, behind);
        m.block(k, k, width, width).template triangularView<Eigen::UnitLower>().solveInPlace(right);
        if (below > 0)
            m.block(k + width, k + width, below, behind).noalias() -= m.block(k + width, k, below, width) * right;
    }
    return is_odd;
}

}  // namespace lathe::linear_algebra
