// Singular values and vectors of an upper bidiagonal matrix, by the implicit QR algorithm.
//
// Source: J. Demmel and W. Kahan, "Accurate singular values of bidiagonal matrices" (1990), whose test says what is
// negligible; G. Golub and C. Reinsch, "Singular value decomposition and least squares solutions" (1970).
#pragma once

#include <cmath>
#include <limits>
#include <utility>

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

// Columns of a matrix that rotations turn; null: nobody wants them.
template <class T>
struct TurnedColumns {
    Matrix<T>* m = nullptr;

    void rotate(Index i, Index k, T c, T s) const {
        if (m == nullptr) return;
        T* const x = m->col(i).data();
        T* const y = m->col(k).data();
        for (Index r = 0, n = m->rows(); r < n; ++r) {
            const T a = x[r], b = y[r];
            x[r] = c * a + s * b;
            y[r] = c * b - s * a;
        }
    }
    void negate(Index i) const {
        if (m != nullptr) m->col(i) = -m->col(i);
    }
    void swap(Index i, Index k) const {
        if (m != nullptr) m->col(i).swap(m->col(k));
    }
};

// c and s with c f + s g = r, c g - s f = 0. Elements are near 1 or less.
template <class T>
struct Rotation {
    T c, s, r;
    Rotation(T f, T g) {
        if (g == T(0)) {
            c = T(1), s = T(0), r = f;
            return;
        }
        const T greater = std::max(std::abs(f), std::abs(g));
        const T x = f / greater, y = g / greater;
        const T length = std::sqrt(x * x + y * y);
        c = x / length, s = y / length, r = greater * length;
    }
};

// d: the diagonal; e: what is right of it, e[i] beside d[i]. In the end d is descending, and none is negative. False
// where 60 steps for each value were not enough.
template <class T>
bool diagonalize_bidiagonal(Index n, T* d, T* e, TurnedColumns<T> u, TurnedColumns<T> v) {
    constexpr T epsilon = std::numeric_limits<T>::epsilon(), tiny = std::numeric_limits<T>::min();
    Index end = n, left = 60 * n;
    while (end > 1) {
        for (Index i = 0; i + 1 < end; ++i)
            if (std::abs(e[i]) <= epsilon * (std::abs(d[i]) + std::abs(d[i + 1])) || std::abs(e[i]) <= tiny)
                e[i] = T(0);
        if (e[end - 2] == T(0)) {
            --end;
            continue;
        }
        if (left-- == 0) return false;
        Index first = end - 1;
        while (first > 0 && e[first - 1] != T(0)) --first;
        // A zero on the diagonal: its row is turned away, or, for the last one, its column.
        T greatest = 0;
        for (Index i = first; i < end; ++i) greatest = std::max(greatest, std::abs(d[i]));
        Index zero = end;
        for (Index i = first; i < end; ++i)
            if (std::abs(d[i]) <= epsilon * greatest * T(0.125) || std::abs(d[i]) <= tiny) zero = i;
        if (zero < end - 1) {
            T f = e[zero];
            d[zero] = T(0), e[zero] = T(0);
            for (Index k = zero + 1; k < end && f != T(0); ++k) {
                const Rotation<T> turn(d[k], f);
                d[k] = turn.r;
                u.rotate(k, zero, turn.c, turn.s);
                if (k + 1 < end) {
                    f = -turn.s * e[k];
                    e[k] *= turn.c;
                }
            }
            continue;
        }
        if (zero == end - 1) {
            T f = e[end - 2];
            d[zero] = T(0), e[end - 2] = T(0);
            for (Index k = end - 2; k >= first; --k) {
                const Rotation<T> turn(d[k], f);
                d[k] = turn.r;
                v.rotate(k, zero, turn.c, turn.s);
                if (k > first) {
                    f = -turn.s * e[k - 1];
                    e[k - 1] *= turn.c;
                }
            }
            continue;
        }
        // The shift: the eigenvalue of the last 2 x 2 part of b^T b that is nearer to its last element.
        const T scale = std::max(greatest, std::abs(e[end - 2]));
        const T last = d[end - 1] / scale, before = d[end - 2] / scale, beside = e[end - 2] / scale;
        const T head = d[first] / scale, next = e[first] / scale;
        const T b = ((before + last) * (before - last) + beside * beside) / 2, c = (last * beside) * (last * beside);
        T shift = 0;
        if (b != T(0) || c != T(0)) {
            const T root = std::sqrt(b * b + c);
            shift = c / (b + (b < T(0) ? -root : root));
        }
        T f = (head + last) * (head - last) + shift, g = head * next;
        for (Index k = first; k + 1 < end; ++k) {
            const Rotation<T> right(f, g);
            if (k > first) e[k - 1] = right.r;
            f = right.c * d[k] + right.s * e[k];
            e[k] = right.c * e[k] - right.s * d[k];
            g = right.s * d[k + 1];
            d[k + 1] = right.c * d[k + 1];
            v.rotate(k, k + 1, right.c, right.s);
            const Rotation<T> turn(f, g);
            d[k] = turn.r;
            f = turn.c * e[k] + turn.s * d[k + 1];
            d[k + 1] = turn.c * d[k + 1] - turn.s * e[k];
            if (k + 2 < end) {
                g = turn.s * e[k + 1];
                e[k + 1] = turn.c * e[k + 1];
            }
            u.rotate(k, k + 1, turn.c, turn.s);
            if (k + 2 == end) e[k] = f;
        }
    }
    for (Index i = 0; i < n; ++i)
        if (std::signbit(d[i])) {
            d[i] = -d[i];
            v.negate(i);
        }
    for (Index i = 0; i + 1 < n; ++i) {
        Index k = i;
        for (Index j = i + 1; j < n; ++j)
            if (d[j] > d[k]) k = j;
        if (k == i) continue;
        std::swap(d[i], d[k]);
        u.swap(i, k);
        v.swap(i, k);
    }
    return true;
}

}  // namespace lathe::linear_algebra
