// Jacobi's rotations, for small matrices in lanes.
//
// Sources: H. Rutishauser, "The Jacobi method for real symmetric matrices" (1966); for singular values M. Hestenes,
// "Inversion of matrices by biorthogonalization and related results" (1958).
#pragma once

#include <cmath>

#include "runtime/linear_algebra/lanes.h"
#include "runtime/linear_algebra/scaling.h"

namespace lathe::linear_algebra {

constexpr int most_sweeps = 40;

// That of the plane of two values, where what couples them is not negligible; elsewhere none.
template <class T>
struct LaneRotation {
    Pack<T> c, s, t;  // t is s / c

    // `difference` is that of the second value and the first.
    template <class Mask>
    LaneRotation(Mask turns, Pack<T> coupling, Pack<T> difference) {
        const Pack<T> one = all_lanes(T(1));
        const Pack<T> cotangent = difference / (turns ? coupling + coupling : one);
        // The square of what is great would overflow, and 1 beside it is nothing.
        const Pack<T> size = size_of_each(cotangent);
        const auto is_great = size > all_lanes(T(1) / std::numeric_limits<T>::epsilon());
        const Pack<T> bounded = is_great ? one : size;
        const Pack<T> tangent = one / (size + (is_great ? size : root(bounded * bounded + one)));
        t = turns ? (cotangent < Pack<T>{} ? -tangent : tangent) : Pack<T>{};
        c = one / root(t * t + one);
        s = t * c;
    }
    // Lanes without a rotation keep every bit.
    template <class Mask>
    void apply(Mask turns, Pack<T>& x, Pack<T>& y) const {
        const Pack<T> a = x, b = y;
        x = turns ? c * a - s * b : a;
        y = turns ? s * a + c * b : b;
    }
};

// The diagonal of the symmetric a, which is near 1 or less, becomes its eigenvalues, and v their vectors if there is
// one.
template <class T>
void diagonalize_lanes(const LaneMatrix<T>& a, const LaneMatrix<T>* v) {
    const Index n = a.rows();
    const Pack<T> negligible = all_lanes(std::numeric_limits<T>::epsilon() / 8);
    if (v != nullptr) v->set_identity();
    bool goes_on = n > 1;
    for (int sweep = 0; sweep < most_sweeps && goes_on; ++sweep) {
        goes_on = false;
        for (Index p = 0; p < n; ++p)
            for (Index q = p + 1; q < n; ++q) {
                const Pack<T> coupling = a(p, q);
                const auto turns = size_of_each(coupling) > negligible;
                if (!any_of(turns)) continue;
                goes_on = true;
                const LaneRotation<T> turn(turns, coupling, a(q, q) - a(p, p));
                for (Index k = 0; k < n; ++k)
                    if (k != p && k != q) {
                        turn.apply(turns, a(std::min(k, p), std::max(k, p)), a(std::min(k, q), std::max(k, q)));
                    }
                const Pack<T> change = turn.t * coupling;
                a(p, p) = turns ? a(p, p) - change : a(p, p);
                a(q, q) = turns ? a(q, q) + change : a(q, q);
                a(p, q) = turns ? Pack<T>{} : coupling;
                if (v != nullptr)
                    for (Index k = 0; k < n; ++k) turn.apply(turns, (*v)(p, k), (*v)(q, k));  // rows are vectors
            }
    }
}

// Rows of a are turned until they are orthogonal to each other, and rows of v with them, if there is one.
template <class T>
void orthogonalize_lanes(const LaneMatrix<T>& a, const LaneMatrix<T>* v) {
    const Index n = a.rows(), length = a.columns();
    constexpr T tiny = std::numeric_limits<T>::min();
    constexpr T angle = 2 * std::numeric_limits<T>::epsilon();  // what the rounding of a product may look like
    if (v != nullptr) v->set_identity();
    bool goes_on = n > 1;
    for (int sweep = 0; sweep < most_sweeps && goes_on; ++sweep) {
        goes_on = false;
        for (Index p = 0; p < n; ++p)
            for (Index q = p + 1; q < n; ++q) {
                Pack<T> first{}, second{}, coupling{};
                for (Index k = 0; k < length; ++k) {
                    first += a(p, k) * a(p, k);
                    second += a(q, k) * a(q, k);
                    coupling += a(p, k) * a(q, k);
                }
                const Pack<T> size = size_of_each(coupling);
                const auto turns = (size > angle * root(first) * root(second)) & (size > all_lanes(tiny));
                if (!any_of(turns)) continue;
                goes_on = true;
                const LaneRotation<T> turn(turns, coupling, second - first);
                for (Index k = 0; k < length; ++k) turn.apply(turns, a(p, k), a(q, k));
                if (v != nullptr)
                    for (Index k = 0; k < n; ++k) turn.apply(turns, (*v)(p, k), (*v)(q, k));
            }
    }
}

// Scales each lane's matrix to be near 1. A lane that holds what is not finite becomes zero, and its scale NaN.
template <class T>
Pack<T> scale_lanes(const LaneMatrix<T>& a) {
    Pack<T> scales{};
    for (Index lane = 0; lane < lane_count<T>; ++lane) {
        T greatest = 0;
        bool is_finite = true;
        for (Index i = 0; i < a.rows(); ++i)
            for (Index j = 0; j < a.columns(); ++j) {
                const T size = std::abs(a.element(i, j, lane));
                is_finite = is_finite && size <= std::numeric_limits<T>::max();
                greatest = size > greatest ? size : greatest;
            }
        const T scale = greatest > 0 && is_finite ? inverse_power_of_two(greatest) : T(1);
        for (Index i = 0; i < a.rows(); ++i)
            for (Index j = 0; j < a.columns(); ++j)
                a.element(i, j, lane) = is_finite ? a.element(i, j, lane) * scale : T(0);
        scales[lane] = is_finite ? scale : std::numeric_limits<T>::quiet_NaN();
    }
    return scales;
}

// The places of n values in order, equal ones as they come.
template <class T>
void sort_places(const T* values, Index n, bool descending, Index* places) {
    for (Index i = 0; i < n; ++i) {
        Index k = i;
        for (; k > 0; --k) {
            const T before = values[places[k - 1]];
            if (descending ? before >= values[i] : before <= values[i]) break;
            places[k] = places[k - 1];
        }
        places[k] = i;
    }
}

}  // namespace lathe::linear_algebra
