// Equations with a triangle of a matrix.
#pragma once

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

struct Triangle {
    bool upper, transposed, unit;  // the upper triangle counts, not the lower one; its transpose; ones on its diagonal
};

template <unsigned mode, class A, class X>
void solve(const A& a, bool unit, X&& x) {
    if (unit)
        a.template triangularView<mode | Eigen::UnitDiag>().solveInPlace(x);
    else
        a.template triangularView<mode>().solveInPlace(x);
}
template <class T, class X>
void solve_columns(const Matrix<T>& rows, Triangle t, X&& x) {
    if (t.transposed)
        t.upper ? solve<Eigen::Lower>(rows, t.unit, x) : solve<Eigen::Upper>(rows, t.unit, x);
    else
        t.upper ? solve<Eigen::Upper>(rows.transpose(), t.unit, x) : solve<Eigen::Lower>(rows.transpose(), t.unit, x);
}

// x becomes what the triangle times it is x. The columns of `rows` are the rows of the matrix, as they lie in memory.
template <class T>
void solve(const Matrix<T>& rows, Triangle t, Matrix<T>& x) {
    if (x.cols() == 1)
        solve_columns(rows, t, x.col(0));
    else
        solve_columns(rows, t, x);
}

// The rows of a dense matrix in memory as columns.
template <class T>
Matrix<T> take_rows(const T* from, Index n) {
    Matrix<T> rows = take_matrix<T>(n, n);
    for (Index r = 0; r < n; ++r)
        for (Index c = 0; c < n; ++c) rows(c, r) = from[r * n + c];
    return rows;
}

}  // namespace lathe::linear_algebra
