// a = q r by Householder's reflections, as LAPACK does it: a diagonal element of r has the sign that is not that of
// what was reflected onto it, but for a column that was zero below already. Columns whose squares would leave the range
// are scaled meanwhile. q has as many columns as the lesser extent, or, if it is complete, as rows.
//
// Operands: a, then q and r, each where it is wanted. Extents: dtype, rows, columns, whether q is complete, whether q
// and r are wanted.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/lanes.h"
#include "runtime/linear_algebra/reflectors.h"
#include "runtime/linear_algebra/scaling.h"

namespace lathe::linear_algebra {
namespace {

// The columns of a panel, each with what is right of it, as Eigen's householder_qr_inplace_unblocked does it, but for
// the scales. What is stored of a reflection does not depend on them.
template <class T, class Panel, class Coefficients>
void reflect_panel(Panel& panel, Coefficients& tau, T* temporary) {
    for (Index k = 0; k < panel.cols(); ++k) {
        const Index below = panel.rows() - k, right = panel.cols() - k - 1;
        auto column = panel.col(k).tail(below);
        T greatest = 0, beta = 0;
        for (Index i = 0; i < below; ++i)
            if (const T size = std::abs(column[i]); size > greatest) greatest = size;
        const T scale = scale_of_squares(greatest);
        if (scale != T(1)) column *= scale;
        column.makeHouseholderInPlace(tau[k], beta);
        panel(k, k) = beta / scale;
        panel.bottomRightCorner(below, right)
            .applyHouseholderOnTheLeft(column.tail(below - 1), tau[k], temporary + k + 1);
    }
}

template <class T>
void reflect(Matrix<T>& m, Vector<T>& tau) {
    const Index rows = m.rows(), columns = m.cols(), steps = std::min(rows, columns);
    for (Index k = 0; k < steps; k += reflector_block) {
        const Scope scope;
        const Index width = std::min(reflector_block, steps - k), behind = columns - k - width;
        auto panel = m.block(k, k, rows - k, width);
        auto own = tau.segment(k, width);
        Vector<T> temporary = take_vector<T>(width);
        reflect_panel(panel, own, temporary.data());
        if (behind == 0) continue;
        const BlockReflector<T> block(panel, own.data());
        block.apply(m.block(k, k + width, rows - k, behind), true);
    }
}

template <class T>
void run(const T* a, T* q, T* r, Index rows, Index columns, bool complete) {
    const Index steps = std::min(rows, columns), width = complete ? rows : steps;
    Matrix<T> m = take_matrix<T>(rows, columns);
    Vector<T> tau = take_vector<T>(steps);
    load(m, a);
    reflect(m, tau);
    if (r != nullptr)
        for (Index i = 0; i < width; ++i)
            for (Index j = 0; j < columns; ++j) r[i * columns + j] = i > j ? T(0) : m(i, j);
    if (q == nullptr) return;
    Matrix<T> full = take_matrix<T>(rows, width);
    form_q(m, tau.data(), steps, 0, full);
    store(full, q);
}

// x -= tau v (v^T x), where v is column k of m from row k on, with a 1 in front.
template <class T>
void reflect_lanes(const LaneMatrix<T>& m, Index k, Pack<T> tau, const LaneMatrix<T>& x, Index column) {
    Pack<T> sum = x(k, column);
    for (Index i = k + 1; i < m.rows(); ++i) sum += m(i, k) * x(i, column);
    sum *= tau;
    x(k, column) -= sum;
    for (Index i = k + 1; i < m.rows(); ++i) x(i, column) -= m(i, k) * sum;
}

// By what column k is multiplied from row k on.
template <class T>
Pack<T> column_scale(const LaneMatrix<T>& m, Index k) {
    Pack<T> greatest = size_of_each(m(k, k)), scales;
    for (Index i = k + 1; i < m.rows(); ++i) {
        const Pack<T> size = size_of_each(m(i, k));
        greatest = size > greatest ? size : greatest;
    }
    const auto is_outside = (greatest < all_lanes(Squarable<T>::least)) | (greatest > all_lanes(Squarable<T>::most));
    if (!any_of(is_outside)) return all_lanes(T(1));
    for (Index lane = 0; lane < lane_count<T>; ++lane) scales[lane] = scale_of_squares(T(greatest[lane]));
    return scales;
}

template <class T>
void run_lanes(const T* a, T* q, T* r, Index rows, Index columns, Index width, Index count) {
    const Index steps = std::min(rows, columns);
    const LaneMatrix<T> m(rows, columns), tau(1, steps), full(rows, width), triangle(width, columns);
    const Pack<T> one = all_lanes(T(1));
    m.load(a, count);
    for (Index k = 0; k < steps; ++k) {
        const Pack<T> scale = column_scale(m, k);
        Pack<T> tail{};
        for (Index i = k + 1; i < rows; ++i) {
            m(i, k) *= scale;
            tail += m(i, k) * m(i, k);
        }
        const Pack<T> head = m(k, k) * scale, length = root(head * head + tail);
        const auto is_zero = tail <= all_lanes(std::numeric_limits<T>::min());
        const Pack<T> beta = is_zero ? head : head >= Pack<T>{} ? -length : length;
        const Pack<T> divisor = is_zero ? one : head - beta;
        tau(0, k) = is_zero ? Pack<T>{} : (beta - head) / beta;
        for (Index i = k + 1; i < rows; ++i) m(i, k) = is_zero ? Pack<T>{} : m(i, k) / divisor;
        m(k, k) = beta / scale;
        for (Index j = k + 1; j < columns; ++j) reflect_lanes(m, k, tau(0, k), m, j);
    }
    if (r != nullptr) {
        for (Index i = 0; i < width; ++i)
            for (Index j = 0; j < columns; ++j) triangle(i, j) = i > j ? Pack<T>{} : m(i, j);
        triangle.store(r, count);
    }
    if (q == nullptr) return;
    full.set_identity();
    for (Index k = steps - 1; k >= 0; --k)
        for (Index j = k; j < width; ++j) reflect_lanes(m, k, tau(0, k), full, j);
    full.store(q, count);
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_qr_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                 std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const q = at.next<T>(extents[4] != 0);
        T* const r = at.next<T>(extents[5] != 0);
        const std::int64_t rows = extents[1], columns = extents[2];
        const bool complete = extents[3] != 0;
        const std::int64_t width = complete || rows < columns ? rows : columns;
        if (std::max(rows, columns) <= la::most_direct)
            return la::for_each_group<T>(task->workspace, begin, end, [&](std::int64_t i, std::int64_t count) {
                la::run_lanes(a + i * rows * columns, q == nullptr ? q : q + i * rows * width,
                              r == nullptr ? r : r + i * width * columns, rows, columns, width, count);
            });
        for (std::int64_t i = begin; i < end; ++i) {
            const la::Scope scope(task->workspace);
            la::run(a + i * rows * columns, q == nullptr ? q : q + i * rows * width,
                    r == nullptr ? r : r + i * width * columns, rows, columns, complete);
        }
    });
}
