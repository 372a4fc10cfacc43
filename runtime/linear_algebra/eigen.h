// Eigen as this library is compiled with it, and matrices in the workspace.
#pragma once

#include "runtime/linear_algebra/workspace.h"

#define EIGEN_ALLOCA(size) lathe::linear_algebra::take_bytes(size)
#define EIGEN_STACK_ALLOCATION_LIMIT 0x7fffffffffff  // all temporaries
#define EIGEN_NO_DEBUG
#define EIGEN_NO_CPUID
#define EIGEN_NO_IO
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_MAX_ALIGN_BYTES 32
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 warns of Eigen's packets
#endif
#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace lathe::linear_algebra {

using Index = std::int64_t;

// Columns begin at multiples of `padding` elements, so that vectors of one shape are always cut in the same places.
constexpr Index padding = 16;
constexpr Index padded(Index n) { return (n + padding - 1) / padding * padding; }

template <class T>
using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using Matrix = Eigen::Map<Dense<T>, Eigen::AlignedMax, Eigen::OuterStride<>>;
template <class T>
using Vector = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>, Eigen::AlignedMax>;

template <class T>
Matrix<T> take_matrix(Index rows, Index columns) {
    const Index stride = padded(rows);
    auto* const data = static_cast<T*>(take_bytes(sizeof(T) * static_cast<std::size_t>(stride * columns)));
    return {data, rows, columns, Eigen::OuterStride<>(stride)};
}
template <class T>
Vector<T> take_vector(Index size) {
    return {static_cast<T*>(take_bytes(sizeof(T) * static_cast<std::size_t>(size))), size};
}

// From and to dense row-major matrices in memory.
template <class T, class M>
void load(M&& to, const T* from) {
    for (Index j = 0; j < to.cols(); ++j)
        for (Index i = 0; i < to.rows(); ++i) to(i, j) = from[i * to.cols() + j];
}
template <class T, class M>
void store(const M& from, T* to) {
    for (Index i = 0; i < from.rows(); ++i)
        for (Index j = 0; j < from.cols(); ++j) to[i * from.cols() + j] = from(i, j);
}

// Calls run with a number of the dtype of the matrices.
template <class Run>
void with_dtype(std::int64_t dtype, const Run& run) {
    if (dtype == 0)
        run(double{});
    else
        run(float{});
}

// The operands of a call, in their order; a result that nobody wants has no place among them.
class Operands {
public:
    Operands(void* const* slots, const std::uint32_t* operands) : slots_(slots), next_(operands) {}
    template <class T>
    T* next(bool wanted = true) {
        return wanted ? static_cast<T*>(slots_[*next_++]) : nullptr;
    }

private:
    void* const* slots_;
    const std::uint32_t* next_;
};

}  // namespace lathe::linear_algebra
