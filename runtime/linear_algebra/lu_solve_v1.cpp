// x with a x = b, or a^T x = b, where a[place] = l u as lu_v1 leaves it: rows in their order, then both triangles.
// Places that are no permutation are taken for their ranks, equal ones as they come, as a sort would have it.
//
// Operands: lu, place (i64), b, x. Extents: dtype, n, columns of b, whether a is transposed.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/lane_elimination.h"
#include "runtime/linear_algebra/triangles.h"

namespace lathe::linear_algebra {
namespace {

// `seen` is as large as the places are many.
inline void rank_places(const std::int64_t* places, Index n, std::int64_t* ranks, bool* seen) {
    std::fill_n(seen, n, false);
    bool is_permutation = true;
    for (Index i = 0; i < n && is_permutation; ++i) {
        is_permutation = places[i] >= 0 && places[i] < n && !seen[places[i]];
        if (is_permutation) seen[places[i]] = true;
        ranks[i] = places[i];
    }
    if (is_permutation) return;
    for (Index i = 0; i < n; ++i) {
        ranks[i] = 0;
        for (Index j = 0; j < n; ++j) ranks[i] += places[j] < places[i] || (places[j] == places[i] && j < i) ? 1 : 0;
    }
}

struct Equations {
    Index n, columns;
    bool transposed;
};

template <class T>
void run(const T* lu, const std::int64_t* places, const T* b, T* to, Equations e) {
    Vector<std::int64_t> place = take_vector<std::int64_t>(e.n);
    rank_places(places, e.n, place.data(), take_vector<bool>(e.n).data());
    const Matrix<T> rows = take_rows(lu, e.n);
    Matrix<T> x = take_matrix<T>(e.n, e.columns);
    for (Index j = 0; j < e.columns; ++j)
        for (Index i = 0; i < e.n; ++i) x(i, j) = b[(e.transposed ? i : place[i]) * e.columns + j];
    if (e.transposed) {
        solve(rows, {.upper = true, .transposed = true, .unit = false}, x);
        solve(rows, {.upper = false, .transposed = true, .unit = true}, x);
    } else {
        solve(rows, {.upper = false, .transposed = false, .unit = true}, x);
        solve(rows, {.upper = true, .transposed = false, .unit = false}, x);
    }
    for (Index i = 0; i < e.n; ++i)
        for (Index j = 0; j < e.columns; ++j) to[(e.transposed ? place[i] : i) * e.columns + j] = x(i, j);
}

template <class T>
void run_lanes(const T* lu, const std::int64_t* places, const T* b, T* to, Equations e, Index count) {
    constexpr Index lanes = lane_count<T>;
    const Index n = e.n, size = n * e.columns;
    const LaneMatrix<T> t(n, n), x(n, e.columns);
    bool seen[most_direct];
    std::int64_t place[lanes][most_direct];
    for (Index lane = 0; lane < lanes; ++lane)
        rank_places(places + std::min(lane, count - 1) * n, n, place[lane], seen);
    const LanePlaces<const T> from(b, size, count);
    const LanePlaces<T> back(to, size, count);
    const auto row_of = [&](const auto& matrices, Index i, auto& rows) {
        for (Index lane = 0; lane < lanes; ++lane) rows[lane] = matrices.of[lane] + place[lane][i] * e.columns;
    };
    if (e.transposed) {
        t.load_transposed(lu, count);
        x.load(b, count);
        solve_lanes(t, x, false, false);
        solve_lanes(t, x, true, true);
        for (Index i = 0; i < n; ++i) {
            T* rows[lanes];
            row_of(back, i, rows);
            store_each<T>([&](Index j) { return x(i, j); }, e.columns, rows, count);
        }
    } else {
        t.load(lu, count);
        for (Index i = 0; i < n; ++i) {
            const T* rows[lanes];
            row_of(from, i, rows);
            load_each(rows, e.columns, count == 1, [&](Index j, Pack<T> pack) { x(i, j) = pack; });
        }
        solve_lanes(t, x, false, true);
        solve_lanes(t, x, true, false);
        x.store(to, count);
    }
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_lu_solve_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                       std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const lu = at.next<const T>();
        const auto* const places = at.next<const std::int64_t>();
        const T* const b = at.next<const T>();
        T* const x = at.next<T>();
        const la::Equations e{extents[1], extents[2], extents[3] != 0};
        const std::int64_t size = e.n * e.columns;
        if (size == 0) return;
        if (std::max(e.n, e.columns) <= la::most_direct)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(lu + i * e.n * e.n, places + i * e.n, b + i * size, x + i * size, e, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::run(lu + i * e.n * e.n, places + i * e.n, b + i * size, x + i * size, e);
        }
    });
}
