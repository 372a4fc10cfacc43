// The symmetric part of a is v diag(w) v^T, with w in ascending order and columns of v of length 1: Householder's
// reduction to a tridiagonal matrix, then the implicit QR algorithm with Wilkinson's shift, as Eigen has them. NaN
// where an element is not finite, or the algorithm has not come to an end after 30 steps for each value.
//
// Operands: a, then w and v, each where it is wanted. Extents: dtype, n, whether w and v are wanted.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/jacobi.h"
#include "runtime/linear_algebra/reflectors.h"
#include "runtime/linear_algebra/scaling.h"
#include "runtime/linear_algebra/symmetric.h"

namespace lathe::linear_algebra {
namespace {

// Both in place; `q` is square and dense, or null.
template <class T>
bool diagonalize(Matrix<T>& m, Vector<T>& values, T* q) {
    const Index n = m.rows();
    Vector<T> tau = take_vector<T>(std::max<Index>(n - 1, 1)), off = take_vector<T>(std::max<Index>(n - 1, 1));
    if (n > 1) {
        const Scope scope;
        auto own = tau.head(n - 1);
        Eigen::internal::tridiagonalization_inplace(m, own);
        off.head(n - 1) = m.template diagonal<-1>();
    }
    values = m.diagonal();
    using Columns = Eigen::Map<Dense<T>>;
    Columns vectors(q, n, n);
    if (q != nullptr) form_q(m, tau.data(), n - 1, 1, vectors);
    constexpr Index steps = 30;
    return Eigen::internal::computeFromTridiagonal_impl(values, off, steps, q != nullptr, vectors) == Eigen::Success;
}

template <class T>
void run(const T* a, T* w, T* v, Index n) {
    Matrix<T> m = take_matrix<T>(n, n);
    Vector<T> values = take_vector<T>(n);
    load_symmetric(m, a);
    T* const q = v == nullptr ? nullptr : take_matrix<T>(n, n).data();
    for (Index j = 0; j < n; ++j) m.col(j).head(j).setZero();
    const T greatest = greatest_size(m);
    bool is_done = greatest == greatest;
    if (is_done) {
        const T scale = greatest > 0 ? inverse_power_of_two(greatest) : T(1);
        for (Index j = 0; j < n; ++j) m.col(j).tail(n - j) *= scale;
        is_done = diagonalize(m, values, q);
        values /= scale;
    }
    constexpr T none = std::numeric_limits<T>::quiet_NaN();
    if (w != nullptr)
        for (Index i = 0; i < n; ++i) w[i] = is_done ? values[i] : none;
    if (v != nullptr)
        for (Index i = 0; i < n; ++i)
            for (Index j = 0; j < n; ++j) v[i * n + j] = is_done ? q[j * n + i] : none;
}

// Small matrices by Jacobi's rotations.
template <class T>
void run_lanes(const T* a, T* w, T* v, Index n, Index count) {
    const LaneMatrix<T> m(n, n), vectors(n, n);
    m.load(a, count);
    for (Index i = 0; i < n; ++i)
        for (Index j = i + 1; j < n; ++j) {
            const Pack<T> below = m(j, i), above = m(i, j);
            m(i, j) = below == above ? below : below / 2 + above / 2;
            m(j, i) = m(i, j);
        }
    const Pack<T> scales = scale_lanes(m);
    diagonalize_lanes(m, v == nullptr ? nullptr : &vectors);
    for (Index lane = 0; lane < count; ++lane) {
        T values[most_iterated];
        Index places[most_iterated];
        for (Index i = 0; i < n; ++i) values[i] = m.element(i, i, lane) / scales[lane];
        const T zero = scales[lane] - scales[lane];  // or NaN
        sort_places(values, n, false, places);
        for (Index j = 0; j < n; ++j) {
            if (w != nullptr) w[lane * n + j] = values[places[j]];
            if (v != nullptr)
                for (Index i = 0; i < n; ++i) v[(lane * n + i) * n + j] = vectors.element(places[j], i, lane) + zero;
        }
    }
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_eigh_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                   std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const w = at.next<T>(extents[2] != 0);
        T* const v = at.next<T>(extents[3] != 0);
        const std::int64_t n = extents[1];
        if (n == 0) return;
        if (n <= la::most_iterated)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(a + i * n * n, w == nullptr ? w : w + i * n, v == nullptr ? v : v + i * n * n, n, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::run(a + i * n * n, w == nullptr ? w : w + i * n, v == nullptr ? v : v + i * n * n, n);
        }
    });
}
