// a[place] = L U by Gaussian elimination with partial pivoting: L below the diagonal, which is one of ones, and U. The
// sign is that of the permutation.
//
// Operands: a, then lu, place (i64) and sign, each where it is wanted. Extents: dtype, rows, columns, whether lu, place
// and sign are wanted.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/elimination.h"
#include "runtime/linear_algebra/lane_elimination.h"

namespace lathe::linear_algebra {
namespace {

template <class T>
struct Factors {
    T* lu;
    std::int64_t* places;
    T* signs;
};

template <class T>
void run_lanes(const T* a, Factors<T> to, Index rows, Index columns, Index count) {
    const LaneMatrix<T> m(rows, columns);
    m.load(a, count);
    Places<T> place[most_direct];
    const Places<T> is_odd = eliminate_lanes(m, place);
    if (to.lu != nullptr) m.store(to.lu, count);
    for (Index lane = 0; lane < count; ++lane) {
        if (to.places != nullptr)
            for (Index i = 0; i < rows; ++i) to.places[lane * rows + i] = place[i][lane];
        if (to.signs != nullptr) to.signs[lane] = is_odd[lane] != 0 ? T(-1) : T(1);
    }
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_lu_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                 std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const lu = at.next<T>(extents[3] != 0);
        auto* const places = at.next<std::int64_t>(extents[4] != 0);
        T* const signs = at.next<T>(extents[5] != 0);
        const std::int64_t rows = extents[1], columns = extents[2], size = rows * columns;
        if (std::max(rows, columns) <= la::most_direct)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes<T>(a + i * size,
                                 {lu == nullptr ? lu : lu + i * size, places == nullptr ? places : places + i * rows,
                                  signs == nullptr ? signs : signs + i},
                                 rows, columns, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::Matrix<T> m = la::take_matrix<T>(rows, columns);
            la::Vector<std::int64_t> place = la::take_vector<std::int64_t>(rows);
            la::load(m, a + i * size);
            const bool is_odd = la::eliminate(m, place.data());
            if (lu != nullptr) la::store(m, lu + i * size);
            if (places != nullptr)
                for (std::int64_t r = 0; r < rows; ++r) places[i * rows + r] = place[r];
            if (signs != nullptr) signs[i] = is_odd ? T(-1) : T(1);
        }
    });
}
