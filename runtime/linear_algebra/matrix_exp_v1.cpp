// The exponential of matrices: Pade's approximant of degree 13 of a / 2^s, squared s times, with s such that it is
// exact to f64's last digit. NaN where an element is not finite.
//
// Source: N. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).
//
// Operands: a, y. Extents: dtype, n.
#include <utility>

#include "runtime/linear_algebra/calls.h"
#include "runtime/linear_algebra/elimination.h"
#include "runtime/linear_algebra/scaling.h"

namespace lathe::linear_algebra {
namespace {

constexpr double coefficients[] = {64764752532480000,
                                   32382376266240000,
                                   7771770303897600,
                                   1187353796428800,
                                   129060195264000,
                                   10559470521600,
                                   670442572800,
                                   33522128640,
                                   1323241920,
                                   40840800,
                                   960960,
                                   16380,
                                   182,
                                   1};
constexpr double greatest_norm = 5.371920351148152;

// The least s for which norm / 2^s is not greater than that.
template <class T>
int squarings_for(T norm) {
    int s = 0;
    for (; norm > static_cast<T>(greatest_norm); norm /= 2) ++s;
    return s;
}

template <class T>
T power_of_half(int s) {
    T x = 1;
    for (; s > 0; --s) x /= 2;
    return x;
}

template <class T>
void exponential(Matrix<T>& a, Matrix<T>& y) {
    const Index n = a.rows();
    const auto b = [](int i) { return static_cast<T>(coefficients[i]); };
    T norm = 0;
    for (Index j = 0; j < n; ++j) norm = std::max(norm, a.col(j).cwiseAbs().sum());
    if (!(norm <= std::numeric_limits<T>::max())) {
        y.setConstant(std::numeric_limits<T>::quiet_NaN());
        return;
    }
    const int squarings = squarings_for(norm);
    a *= power_of_half<T>(squarings);
    Matrix<T> a2 = take_matrix<T>(n, n), a4 = take_matrix<T>(n, n), a6 = take_matrix<T>(n, n),
              odd = take_matrix<T>(n, n), even = take_matrix<T>(n, n), sum = take_matrix<T>(n, n);
    const auto multiply = [](Matrix<T>& to, const Matrix<T>& p, const Matrix<T>& q) {
        const Scope scope;
        to.noalias() = p * q;
    };
    multiply(a2, a, a);
    multiply(a4, a2, a2);
    multiply(a6, a2, a4);
    sum = b(13) * a6 + b(11) * a4 + b(9) * a2;
    multiply(odd, a6, sum);
    sum = odd + b(7) * a6 + b(5) * a4 + b(3) * a2;
    sum.diagonal().array() += b(1);
    multiply(odd, a, sum);
    sum = b(12) * a6 + b(10) * a4 + b(8) * a2;
    multiply(even, a6, sum);
    even += b(6) * a6 + b(4) * a4 + b(2) * a2;
    even.diagonal().array() += b(0);
    // (even - odd) y = even + odd
    a2 = even - odd;
    a4 = even + odd;
    {
        const Scope scope;
        Vector<Index> place = take_vector<Index>(n);
        eliminate(a2, place.data());
        for (Index i = 0; i < n; ++i) y.row(i) = a4.row(place[i]);
        a2.template triangularView<Eigen::UnitLower>().solveInPlace(y);
        a2.template triangularView<Eigen::Upper>().solveInPlace(y);
    }
    for (int i = 0; i < squarings; ++i) {
        multiply(sum, y, y);
        y = sum;
    }
}

}  // namespace
}  // namespace lathe::linear_algebra

extern "C" void lathe_call_matrix_exp_v1(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents,
                                         std::int64_t begin, std::int64_t end, lathe_task* task) {
    namespace la = lathe::linear_algebra;
    la::with_dtype(extents[0], [&]<class T>(T) {
        la::Operands at(slots, operands);
        const T* const a = at.next<const T>();
        T* const y = at.next<T>();
        const std::int64_t n = extents[1];
        for (std::int64_t i = begin; i < end && n > 0; ++i) {
            const la::Scope scope(task->workspace);
            la::Matrix<T> m = la::take_matrix<T>(n, n), result = la::take_matrix<T>(n, n);
            la::load(m, a + i * n * n);
            la::exponential(m, result);
            la::store(result, y + i * n * n);
        }
    });
}
