// Small matrices, several at once: each lane of a vector belongs to another one. What a lane computes does not depend
// on the others, so that a matrix has the same results alone, in lanes that hold it several times, and in any batch.
#pragma once

#include <algorithm>
#include <immintrin.h>
#include <limits>

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

template <class T>
struct PackOf {
    typedef T type __attribute__((vector_size(32)));
};
template <class T>
using Pack = typename PackOf<T>::type;
template <class T>
constexpr Index lane_count = 32 / static_cast<Index>(sizeof(T));

// Direct methods gain up to this extent, iterations up to that.
constexpr Index most_direct = 16, most_iterated = 8;

inline Pack<double> root(Pack<double> x) { return Pack<double>(_mm256_sqrt_pd(__m256d(x))); }
inline Pack<float> root(Pack<float> x) { return Pack<float>(_mm256_sqrt_ps(__m256(x))); }
template <class P>
P size_of_each(P x) {
    return x < P{} ? -x : x;
}
template <class T>
Pack<T> all_lanes(T x) {
    return Pack<T>{} + x;
}
// Whether any lane of a comparison holds.
template <class Mask>
bool any_of(Mask mask) {
    return _mm256_movemask_epi8(__m256i(mask)) != 0;
}

template <class T>
class LaneMatrix {
public:
    LaneMatrix(Index rows, Index columns)
        : data_(static_cast<Pack<T>*>(take_bytes(sizeof(Pack<T>) * static_cast<std::size_t>(rows * columns)))),
          rows_(rows),
          columns_(columns) {}

    Index rows() const { return rows_; }
    Index columns() const { return columns_; }
    Pack<T>& operator()(Index i, Index j) const { return data_[i * columns_ + j]; }
    T& element(Index i, Index j, Index lane) const { return reinterpret_cast<T*>(&(*this)(i, j))[lane]; }

    // From `count` dense matrices that follow each other; the last one again in lanes that are left.
    void load(const T* from, Index count) const {
        for (Index lane = 0; lane < lane_count<T>; ++lane) {
            const T* const own = from + std::min(lane, count - 1) * rows_ * columns_;
            for (Index i = 0; i < rows_ * columns_; ++i) reinterpret_cast<T*>(data_ + i)[lane] = own[i];
        }
    }
    void load_transposed(const T* from, Index count) const {
        for (Index lane = 0; lane < lane_count<T>; ++lane) {
            const T* const own = from + std::min(lane, count - 1) * rows_ * columns_;
            for (Index i = 0; i < rows_; ++i)
                for (Index j = 0; j < columns_; ++j) element(i, j, lane) = own[j * rows_ + i];
        }
    }
    void store(T* to, Index count) const {
        for (Index lane = 0; lane < count; ++lane)
            for (Index i = 0; i < rows_ * columns_; ++i)
                to[lane * rows_ * columns_ + i] = reinterpret_cast<const T*>(data_ + i)[lane];
    }
    void set_identity() const {
        for (Index i = 0; i < rows_; ++i)
            for (Index j = 0; j < columns_; ++j) (*this)(i, j) = all_lanes(i == j ? T(1) : T(0));
    }

private:
    Pack<T>* data_;
    Index rows_, columns_;
};

// Calls run(first, count) for groups of as many matrices as there are lanes.
template <class T, class Run>
void for_each_group(void* workspace, Index begin, Index end, const Run& run) {
    for (Index i = begin; i < end; i += lane_count<T>) {
        const Scope scope(workspace);
        run(i, std::min(lane_count<T>, end - i));
    }
}

}  // namespace lathe::linear_algebra
