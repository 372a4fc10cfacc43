// L with L L^T = the symmetric part of a, zero above the diagonal; NaN on and below it where that is not positive
// definite. Columns in blocks: each is factored, then taken off what is behind it.
//
// Operands: a, l. Extents: dtype, n.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/lanes.h"
#include "runtime/linear_algebra/symmetric.h"

namespace lathe::linear_algebra {
namespace {

constexpr Index block = 48;

template <class T>
bool factor(Matrix<T>& m) {
    for (Index k = 0, n = m.rows(); k < n; k += block) {
        const Scope scope;
        const Index width = std::min(block, n - k), rest = n - k - width;
        auto diagonal = m.block(k, k, width, width);
        auto below = m.block(k + width, k, rest, width);
        auto behind = m.block(k + width, k + width, rest, rest);
        if (Eigen::internal::llt_inplace<T, Eigen::Lower>::unblocked(diagonal) >= 0) return false;
        if (rest == 0) break;
        diagonal.transpose().template triangularView<Eigen::Upper>().template solveInPlace<Eigen::OnTheRight>(below);
        behind.template selfadjointView<Eigen::Lower>().rankUpdate(below, T(-1));
    }
    return (m.diagonal().array() > 0).all();  // not where there is a NaN
}

template <class T>
void run(const T* a, T* l, Index n) {
    Matrix<T> m = take_matrix<T>(n, n);
    load_symmetric(m, a);
    const bool is_definite = factor(m);
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j)
            l[i * n + j] = j > i ? T(0) : is_definite ? m(i, j) : std::numeric_limits<T>::quiet_NaN();
}

template <class T>
void run_lanes(const T* a, T* l, Index n, Index count) {
    const LaneMatrix<T> m(n, n);
    m.load(a, count);
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < i; ++j) {
            const Pack<T> below = m(i, j), above = m(j, i);
            m(i, j) = below == above ? below : below / 2 + above / 2;
            m(j, i) = Pack<T>{};
        }
    auto is_definite = Pack<T>{} == Pack<T>{};
    for (Index j = 0; j < n; ++j)
        for (Index i = j; i < n; ++i) {
            Pack<T> rest = m(i, j);
            for (Index k = 0; k < j; ++k) rest -= m(i, k) * m(j, k);
            m(i, j) = i == j ? root(rest) : rest / m(j, j);
            if (i == j) is_definite &= (rest > Pack<T>{}) & (rest <= all_lanes(std::numeric_limits<T>::max()));
        }
    const Pack<T> none = all_lanes(std::numeric_limits<T>::quiet_NaN());
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j <= i; ++j) m(i, j) = is_definite ? m(i, j) : none;
    m.store(l, count);
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_cholesky_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                       std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const l = at.next<T>();
        const std::int64_t n = extents[1];
        if (n <= la::most_direct)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(a + i * n * n, l + i * n * n, n, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::run(a + i * n * n, l + i * n * n, n);
        }
    });
}
