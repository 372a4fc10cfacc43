// The determinant: the product of what elimination leaves on the diagonal, with the sign of the rows' permutation. It
// has the order of a product along an axis (ir/loops/order.h): 256 bytes of lanes, blocks of 4,096.
//
// Operands: a, det. Extents: dtype, n.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/elimination.h"
#include "runtime/linear_algebra/lane_elimination.h"

namespace lathe::linear_algebra {
namespace {

// Of up to a block: element i times element i + half, of which those behind the last count as 1, down to one.
template <class P>
P halved(P* x, Index count, Index lanes) {
    for (Index half = lanes / 2; half >= 1; half /= 2)
        for (Index i = 0; i < half && i + half < count; ++i) x[i] *= x[i + half];
    return x[0];
}

template <class T>
T run(const T* a, Index n) {
    constexpr Index lanes = 256 / static_cast<Index>(sizeof(T)), block = 4096;
    Matrix<T> m = take_matrix<T>(n, n);
    Vector<Index> place = take_vector<Index>(n);
    load(m, a);
    const bool is_odd = eliminate(m, place.data());
    T total = T(1);
    for (Index first = 0; first < n; first += block) {
        const Index count = std::min(block, n - first);
        T x[lanes];
        for (Index i = 0; i < lanes; ++i) x[i] = i < count ? m(first + i, first + i) : T(1);
        for (Index i = lanes; i < count; ++i) x[i % lanes] *= m(first + i, first + i);
        total *= halved(x, lanes, lanes);
    }
    return is_odd ? -total : total;
}

template <class T>
void run_lanes(const T* a, T* to, Index n, Index count) {
    const LaneMatrix<T> m(n, n);
    m.load(a, count);
    Places<T> place[most_direct];
    const Places<T> is_odd = eliminate_lanes(m, place);
    Pack<T> diagonal[most_direct] = {all_lanes(T(1))};
    for (Index i = 0; i < n; ++i) diagonal[i] = m(i, i);
    const Pack<T> product = halved(diagonal, n, most_direct), det = is_odd ? -product : product;
    for (Index lane = 0; lane < count; ++lane) to[lane] = det[lane];
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_det_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                  std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const det = at.next<T>();
        const std::int64_t n = extents[1];
        if (n <= la::most_direct)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(a + i * n * n, det + i, n, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            det[i] = la::run(a + i * n * n, n);
        }
    });
}
