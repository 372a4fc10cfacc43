// Gaussian elimination of matrices in lanes, and triangles of equations.
#pragma once

#include "runtime/linear_algebra/lanes.h"

namespace lathe::linear_algebra {

// As eliminate() (elimination.h), in place: pivots are compared, and rows swapped, in all lanes at once. The result is
// a mask: whether the rows were swapped an odd number of times.
template <class T>
Places<T> eliminate_lanes(const LaneMatrix<T>& m, Places<T>* place) {
    const Index rows = m.rows(), columns = m.columns();
    Places<T> is_odd{};
    for (Index i = 0; i < rows; ++i) place[i] = Places<T>{} + static_cast<Place<T>>(i);
    for (Index j = 0; j < std::min(rows, columns); ++j) {
        Pack<T> greatest = size_of_each(m(j, j));
        Places<T> pivots = Places<T>{} + static_cast<Place<T>>(j);
        for (Index i = j + 1; i < rows; ++i) {
            const Pack<T> size = size_of_each(m(i, j));
            const auto is_greater = size > greatest;
            greatest = is_greater ? size : greatest;
            pivots = is_greater ? Places<T>{} + static_cast<Place<T>>(i) : pivots;
        }
        for (Index i = j + 1; i < rows; ++i) {
            const auto moves = pivots == static_cast<Place<T>>(i);
            if (!any_of(moves)) continue;
            for (Index k = 0; k < columns; ++k) swap_where(moves, m(j, k), m(i, k));
            swap_where(moves, place[j], place[i]);
            is_odd ^= moves;
        }
        const Pack<T> pivot = m(j, j), divisor = pivot == Pack<T>{} ? all_lanes(T(1)) : pivot;
        for (Index i = j + 1; i < rows; ++i) {
            const Pack<T> factor = m(i, j) / divisor;
            m(i, j) = factor;
            for (Index k = j + 1; k < columns; ++k) m(i, k) -= factor * m(j, k);
        }
    }
    return is_odd;
}

// x becomes what t times it is x, for the lower triangle of t, or the upper one: rows one after the other, each less
// what those before it contribute.
template <class T>
void solve_lanes(const LaneMatrix<T>& t, const LaneMatrix<T>& x, bool upper, bool unit) {
    const Index n = t.rows(), columns = x.columns();
    for (Index step = 0; step < n; ++step) {
        const Index i = upper ? n - 1 - step : step, first = upper ? i + 1 : 0, last = upper ? n : i;
        for (Index c = 0; c < columns; ++c) {
            Pack<T> rest = x(i, c);
            for (Index k = first; k < last; ++k) rest -= t(i, k) * x(k, c);
            x(i, c) = unit ? rest : rest / t(i, i);
        }
    }
}

}  // namespace lathe::linear_algebra
