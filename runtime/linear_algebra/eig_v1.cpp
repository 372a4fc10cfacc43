// a v = v diag(w) for any square matrix: complex numbers, whose real and imaginary parts lie side by side. Columns of v
// have length 1, and their greatest element is real, as in LAPACK. Values come in the order in which they are found, of
// a pair the one with the positive imaginary part first. NaN where an element is not finite, or the algorithm does not
// come to an end.
//
// Operands: a, then w and v, each where it is wanted. Extents: dtype, n, whether w and v are wanted.
#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/real_schur.h"
#include "runtime/linear_algebra/reflectors.h"
#include "runtime/linear_algebra/scaling.h"

namespace lathe::linear_algebra {
namespace {

// m = q h q^T with zeros below the subdiagonal of h.
template <class T>
void reduce_to_hessenberg(Matrix<T>& m, Matrix<T>& q) {
    const Index n = m.rows();
    const Scope scope;
    Vector<T> tau = take_vector<T>(n), temporary = take_vector<T>(n);
    for (Index i = 0; i + 1 < n; ++i) {
        const Index rest = n - i - 1;
        T beta = 0;
        auto column = m.col(i).tail(rest);
        column.makeHouseholderInPlace(tau[i], beta);
        column[0] = beta;
        m.bottomRightCorner(rest, rest).applyHouseholderOnTheLeft(column.tail(rest - 1), tau[i], temporary.data());
        m.rightCols(rest).applyHouseholderOnTheRight(column.tail(rest - 1), tau[i], temporary.data());
    }
    form_q(m, tau.data(), n - 1, 1, q);
    for (Index j = 0; j + 2 < n; ++j) m.col(j).tail(n - j - 2).setZero();
}

// Column j of q as complex numbers in rows of `out`, and where the pair's other one belongs.
template <class T>
void store_vector(const Matrix<T>& q, Index j, bool is_complex, T* out) {
    const Index n = q.rows();
    T length = 0, greatest = -1, re = 1, im = 0;
    for (Index i = 0; i < n; ++i) {
        const T x = q(i, j), y = is_complex ? q(i, j + 1) : T(0), size = x * x + y * y;
        length += size;
        if (size > greatest) greatest = size, re = x, im = y;
    }
    const T scale = T(1) / std::sqrt(length);
    const T size = std::sqrt(greatest), c = is_complex ? scale * (re / size) : scale,
            s = is_complex ? scale * (im / size) : T(0);
    for (Index i = 0; i < n; ++i) {
        const T x = q(i, j), y = is_complex ? q(i, j + 1) : T(0);
        const bool is_greatest = is_complex && x == re && y == im;
        const T a = x * c + y * s, b = is_greatest ? T(0) : y * c - x * s;
        out[(i * n + j) * 2] = a;
        out[(i * n + j) * 2 + 1] = b;
        if (!is_complex) continue;
        out[(i * n + j + 1) * 2] = a;
        out[(i * n + j + 1) * 2 + 1] = -b;
    }
}

template <class T>
void run(const T* a, T* w, T* v, Index n) {
    Matrix<T> m = take_matrix<T>(n, n), q = take_matrix<T>(n, n);
    Vector<T> re = take_vector<T>(n), im = take_vector<T>(n);
    load(m, a);
    const T greatest = greatest_size(m);
    bool is_done = greatest == greatest;
    const T scale = greatest > 0 ? inverse_power_of_two(greatest) : T(1);
    if (is_done) {
        m *= scale;
        reduce_to_hessenberg(m, q);
        RealSchur<T> schur(m, q, re, im);
        is_done = schur.reduce();
        if (is_done && v != nullptr) schur.find_vectors();
    }
    constexpr T none = std::numeric_limits<T>::quiet_NaN();
    if (w != nullptr)
        for (Index i = 0; i < n; ++i) {
            w[2 * i] = is_done ? re[i] / scale : none;
            w[2 * i + 1] = is_done ? im[i] / scale : none;
        }
    if (v == nullptr) return;
    if (!is_done)
        for (Index i = 0; i < 2 * n * n; ++i) v[i] = none;
    else
        for (Index j = 0; j < n; ++j)
            if (im[j] >= T(0)) store_vector(q, j, im[j] > T(0), v);
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_eig_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                  std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const w = at.next<T>(extents[2] != 0);
        T* const v = at.next<T>(extents[3] != 0);
        const std::int64_t n = extents[1];
        for (std::int64_t i = begin; i < end && n > 0; ++i) {
            const la::Scope scope(task->workspace);
            la::run(a + i * n * n, w == nullptr ? w : w + 2 * i * n, v == nullptr ? v : v + 2 * i * n * n, n);
        }
    });
}
