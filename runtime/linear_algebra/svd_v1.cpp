// a = u diag(s) v^T with s in descending order, u and v with as many columns as a has singular values. Householder's
// reduction to a bidiagonal matrix, then the implicit QR algorithm. NaN where an element is not finite, or the
// algorithm does not come to an end.
//
// Operands: a, then u, s and v^T, each where it is wanted. Extents: dtype, rows, columns, whether u, s and v^T are
// wanted.
#include "runtime/linear_algebra/bidiagonal.h"
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/jacobi.h"
#include "runtime/linear_algebra/reflectors.h"
#include "runtime/linear_algebra/scaling.h"

namespace lathe::linear_algebra {
namespace {

// Of a matrix that is not wide.
template <class T>
bool decompose(Matrix<T>& m, T* s, TurnedColumns<T> u, TurnedColumns<T> v) {
    const Index rows = m.rows(), n = m.cols();
    Vector<T> e = take_vector<T>(n), tau = take_vector<T>(n);
    {
        const Scope scope;
        Vector<T> temporary = take_vector<T>(rows);
        Eigen::internal::upperbidiagonalization_inplace_unblocked(m, s, e.data(), temporary.data());
    }
    if (u.m != nullptr) {
        tau = m.diagonal();
        form_q(m, tau.data(), n, 0, *u.m);
    }
    if (v.m != nullptr) {
        const Scope scope;
        Matrix<T> right = take_matrix<T>(n, n);
        right = m.topRows(n).transpose();
        for (Index i = 0; i + 1 < n; ++i) tau[i] = m(i, i + 1);
        form_q(right, tau.data(), n - 1, 1, *v.m);
    }
    return diagonalize_bidiagonal(n, s, e.data(), u, v);
}

template <class T>
void run(const T* a, T* u, T* s, T* vt, Index rows, Index columns) {
    const bool is_wide = columns > rows;
    const Index longer = std::max(rows, columns), n = std::min(rows, columns);
    Matrix<T> m = take_matrix<T>(longer, n), left = take_matrix<T>(longer, n), right = take_matrix<T>(n, n);
    Vector<T> values = take_vector<T>(n);
    if (is_wide)
        load(m.transpose(), a);
    else
        load(m, a);
    T* const of_longer = is_wide ? vt : u;
    T* const of_shorter = is_wide ? u : vt;
    const T greatest = greatest_size(m);
    bool is_done = greatest == greatest;
    if (is_done) {
        const T scale = greatest > 0 ? inverse_power_of_two(greatest) : T(1);
        m *= scale;
        is_done = decompose(m, values.data(), {of_longer == nullptr ? nullptr : &left},
                            {of_shorter == nullptr ? nullptr : &right});
        values /= scale;
    }
    if (!is_done) {
        constexpr T none = std::numeric_limits<T>::quiet_NaN();
        values.setConstant(none);
        left.setConstant(none);
        right.setConstant(none);
    }
    if (s != nullptr)
        for (Index i = 0; i < n; ++i) s[i] = values[i];
    if (u != nullptr) is_wide ? store(right, u) : store(left, u);
    if (vt != nullptr) is_wide ? store(left.transpose(), vt) : store(right.transpose(), vt);
}

// Makes row k of `rows` one of length 1 that is orthogonal to those before it: what is left of a unit vector, the first
// of which enough is left.
template <class T>
void complete_row(T* rows, Index k, Index length) {
    T* const own = rows + k * length;
    for (Index unit = 0; unit < length; ++unit) {
        for (Index i = 0; i < length; ++i) own[i] = i == unit ? T(1) : T(0);
        T size = 0;
        for (int twice = 0; twice < 2; ++twice) {
            for (Index r = 0; r < k; ++r) {
                T along = 0;
                for (Index i = 0; i < length; ++i) along += rows[r * length + i] * own[i];
                for (Index i = 0; i < length; ++i) own[i] -= along * rows[r * length + i];
            }
            size = 0;
            for (Index i = 0; i < length; ++i) size += own[i] * own[i];
        }
        if (size * static_cast<T>(4 * length) < T(1)) continue;  // of some unit vector more than that is left
        for (Index i = 0; i < length; ++i) own[i] /= std::sqrt(size);
        return;
    }
}

// Small matrices by Jacobi's rotations: rows are turned until they are orthogonal; their lengths are the values.
template <class T>
void run_lanes(const T* a, T* u, T* s, T* vt, Index rows, Index columns, Index count) {
    const bool is_wide = columns > rows;
    const Index length = std::max(rows, columns), n = std::min(rows, columns);
    const LaneMatrix<T> m(n, length), turns(n, n);
    if (is_wide)
        m.load(a, count);
    else
        m.load_transposed(a, count);
    const Pack<T> scales = scale_lanes(m);
    T* const of_longer = is_wide ? vt : u;
    T* const of_shorter = is_wide ? u : vt;
    orthogonalize_lanes(m, of_shorter == nullptr ? nullptr : &turns);
    T* const ordered = static_cast<T*>(take_bytes(sizeof(T) * static_cast<std::size_t>(n * length)));
    for (Index lane = 0; lane < count; ++lane) {
        T values[most_iterated];
        Index places[most_iterated];
        for (Index i = 0; i < n; ++i) {
            T sum = 0;
            for (Index k = 0; k < length; ++k) sum += m.element(i, k, lane) * m.element(i, k, lane);
            values[i] = std::sqrt(sum);
        }
        sort_places(values, n, true, places);
        const T zero = scales[lane] - scales[lane];  // or NaN
        if (s != nullptr)
            for (Index i = 0; i < n; ++i) s[lane * n + i] = values[places[i]] / scales[lane];
        if (of_longer != nullptr) {
            for (Index i = 0; i < n; ++i) {
                const T value = values[places[i]];
                if (value * value <= std::numeric_limits<T>::min())
                    complete_row(ordered, i, length);
                else
                    for (Index k = 0; k < length; ++k) ordered[i * length + k] = m.element(places[i], k, lane) / value;
            }
            T* const own = of_longer + lane * n * length;
            for (Index i = 0; i < n; ++i)
                for (Index k = 0; k < length; ++k)
                    own[is_wide ? i * length + k : k * n + i] = ordered[i * length + k] + zero;
        }
        if (of_shorter != nullptr) {
            T* const own = of_shorter + lane * n * n;
            for (Index i = 0; i < n; ++i)
                for (Index k = 0; k < n; ++k)
                    own[is_wide ? k * n + i : i * n + k] = turns.element(places[i], k, lane) + zero;
        }
    }
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_svd_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                  std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const u = at.next<T>(extents[3] != 0);
        T* const s = at.next<T>(extents[4] != 0);
        T* const vt = at.next<T>(extents[5] != 0);
        const std::int64_t rows = extents[1], columns = extents[2], n = rows < columns ? rows : columns;
        if (n == 0) return;
        if (std::max(rows, columns) <= la::most_iterated)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(a + i * rows * columns, u == nullptr ? u : u + i * rows * n, s == nullptr ? s : s + i * n,
                              vt == nullptr ? vt : vt + i * n * columns, rows, columns, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::run(a + i * rows * columns, u == nullptr ? u : u + i * rows * n, s == nullptr ? s : s + i * n,
                    vt == nullptr ? vt : vt + i * n * columns, rows, columns);
        }
    });
}
