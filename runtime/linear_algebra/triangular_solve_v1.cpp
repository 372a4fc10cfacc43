// x with t x = b, where t is one triangle of a, or its transpose, and the other counts as zero.
//
// Operands: a, b, x. Extents: dtype, n, columns of b, whether the triangle is the upper one, whether it is transposed,
// whether its diagonal counts as ones.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/lane_elimination.h"
#include "runtime/linear_algebra/triangles.h"

namespace lathe::linear_algebra {
namespace {

template <class T>
void run_lanes(const T* a, const T* b, T* to, Index n, Index columns, bool upper, bool transposed, bool unit,
               Index count) {
    const LaneMatrix<T> t(n, n), x(n, columns);
    if (transposed)
        t.load_transposed(a, count);
    else
        t.load(a, count);
    x.load(b, count);
    solve_lanes(t, x, upper != transposed, unit);
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
            const la::Matrix<T> rows = la::take_rows(a + i * n * n, n);
            la::Matrix<T> y = la::take_matrix<T>(n, columns);
            la::load(y, b + i * n * columns);
            la::solve(rows, {upper, transposed, unit}, y);
            la::store(y, x + i * n * columns);
        }
    });
}
