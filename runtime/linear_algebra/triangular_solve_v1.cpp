// x with t x = b, where t is one triangle of a, or its transpose, and the other counts as zero.
//
// Operands: a, b, x. Extents: dtype, n, columns of b, whether the triangle is the upper one, whether it is transposed,
// whether its diagonal counts as ones.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/lanes.h"

namespace lathe::linear_algebra {
namespace {

template <unsigned mode, class A, class X>
void solve(const A& a, bool unit, X&& x) {
    if (unit)
        a.template triangularView<mode | Eigen::UnitDiag>().solveInPlace(x);
    else
        a.template triangularView<mode>().solveInPlace(x);
}

// `a` lies in columns, so that what memory holds in rows is its transpose.
template <class T, class X>
void solve(const Matrix<T>& a, bool upper, bool transposed, bool unit, X&& x) {
    if (transposed)
        upper ? solve<Eigen::Lower>(a, unit, x) : solve<Eigen::Upper>(a, unit, x);
    else
        upper ? solve<Eigen::Upper>(a.transpose(), unit, x) : solve<Eigen::Lower>(a.transpose(), unit, x);
}

// Rows of x one after the other, each less what those before it contribute.
template <class T>
void run_lanes(const T* a, const T* b, T* to, Index n, Index columns, bool upper, bool transposed, bool unit,
               Index count) {
    const LaneMatrix<T> t(n, n), x(n, columns);
    if (transposed)
        t.load_transposed(a, count);
    else
        t.load(a, count);
    x.load(b, count);
    const bool ascends = upper == transposed;
    for (Index step = 0; step < n; ++step) {
        const Index i = ascends ? step : n - 1 - step, first = ascends ? 0 : i + 1, last = ascends ? i : n;
        for (Index c = 0; c < columns; ++c) {
            Pack<T> rest = x(i, c);
            for (Index k = first; k < last; ++k) rest -= t(i, k) * x(k, c);
            x(i, c) = unit ? rest : rest / t(i, i);
        }
    }
    x.store(to, count);
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_triangular_solve_v1(void* const* slots, const std::uint32_t* operands,
                                               const std::int64_t* extents, std::int64_t begin, std::int64_t end,
                                               lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        const T* const b = at.next<const T>();
        T* const x = at.next<T>();
        const std::int64_t n = extents[1], columns = extents[2];
        const bool upper = extents[3] != 0, transposed = extents[4] != 0, unit = extents[5] != 0;
        if (n * columns == 0) return;
        if (std::max(n, columns) <= la::most_direct)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(a + i * n * n, b + i * n * columns, x + i * n * columns, n, columns, upper, transposed,
                              unit, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::Matrix<T> rows = la::take_matrix<T>(n, n), y = la::take_matrix<T>(n, columns);
            for (std::int64_t r = 0; r < n; ++r)
                for (std::int64_t c = 0; c < n; ++c) rows(c, r) = a[i * n * n + r * n + c];
            la::load(y, b + i * n * columns);
            if (columns == 1)
                la::solve(rows, upper, transposed, unit, y.col(0));
            else
                la::solve(rows, upper, transposed, unit, y);
            la::store(y, x + i * n * columns);
        }
    });
}
