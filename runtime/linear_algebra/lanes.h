// Small matrices, several at once: each lane of a vector belongs to another one. What a lane computes does not depend
// on the others, so that a matrix has the same results alone, in lanes that hold it several times, and in any batch.
#pragma once

#include <algorithm>
#include <immintrin.h>
#include <limits>
#include <type_traits>

#include "runtime/linear_algebra/eigen.h"

namespace lathe::linear_algebra {

template <class T>
struct PackOf {
    typedef T type __attribute__((vector_size(32)));
};
template <class T>
using Pack = typename PackOf<T>::type;
template <class T>
using Place = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
template <class T>
using Places = Pack<Place<T>>;  // of rows, as wide as numbers
template <class T>
constexpr Index lane_count = 32 / static_cast<Index>(sizeof(T));

// Direct methods gain up to this extent, iterations up to that.
constexpr Index most_direct = 16, most_iterated = 8;

inline Pack<double> root(Pack<double> x) { return Pack<double>(_mm256_sqrt_pd(__m256d(x))); }
inline Pack<float> root(Pack<float> x) { return Pack<float>(_mm256_sqrt_ps(__m256(x))); }
inline Pack<double> size_of_each(Pack<double> x) {
    return Pack<double>(_mm256_andnot_pd(_mm256_set1_pd(-0.0), __m256d(x)));
}
inline Pack<float> size_of_each(Pack<float> x) {
    return Pack<float>(_mm256_andnot_ps(_mm256_set1_ps(-0.0F), __m256(x)));
}
inline Pack<double> all_lanes(double x) { return Pack<double>(_mm256_set1_pd(x)); }
inline Pack<float> all_lanes(float x) { return Pack<float>(_mm256_set1_ps(x)); }
// Whether any lane of a comparison holds.
template <class Mask>
bool any_of(Mask mask) {
    return _mm256_movemask_epi8(__m256i(mask)) != 0;
}

template <class Mask, class P>
void swap_where(Mask mask, P& x, P& y) {
    const P a = x, b = y;
    x = mask ? b : a;
    y = mask ? a : b;
}

// As many elements of each lane's own memory: pack i holds element i of all of them. And back again, for the first
// `count` lanes.
inline void load_elements(const double* const (&from)[4], Index offset, Pack<double> (&to)[4]) {
    const auto halves = [&](Index lane, Index element) {
        const __m128d low = _mm_loadu_pd(from[lane] + offset + element);
        return _mm256_insertf128_pd(_mm256_castpd128_pd256(low), _mm_loadu_pd(from[lane + 2] + offset + element), 1);
    };
    for (Index element = 0; element < 4; element += 2) {
        const __m256d even = halves(0, element), odd = halves(1, element);
        to[element] = Pack<double>(_mm256_unpacklo_pd(even, odd));
        to[element + 1] = Pack<double>(_mm256_unpackhi_pd(even, odd));
    }
}
inline void load_elements(const float* const (&from)[8], Index offset, Pack<float> (&to)[8]) {
    const auto halves = [&](Index lane, Index element) {
        const __m128 low = _mm_loadu_ps(from[lane] + offset + element);
        return _mm256_insertf128_ps(_mm256_castps128_ps256(low), _mm_loadu_ps(from[lane + 4] + offset + element), 1);
    };
    for (Index element = 0; element < 8; element += 4) {
        const __m256 first = halves(0, element), second = halves(1, element), third = halves(2, element),
                     fourth = halves(3, element);
        const __m256 a = _mm256_unpacklo_ps(first, second), b = _mm256_unpacklo_ps(third, fourth),
                     c = _mm256_unpackhi_ps(first, second), d = _mm256_unpackhi_ps(third, fourth);
        to[element] = Pack<float>(_mm256_shuffle_ps(a, b, 0x44));
        to[element + 1] = Pack<float>(_mm256_shuffle_ps(a, b, 0xee));
        to[element + 2] = Pack<float>(_mm256_shuffle_ps(c, d, 0x44));
        to[element + 3] = Pack<float>(_mm256_shuffle_ps(c, d, 0xee));
    }
}
inline void store_elements(const Pack<double> (&from)[4], double* const (&to)[4], Index offset, Index count) {
    for (Index element = 0; element < 4; element += 2) {
        const __m256d even = _mm256_unpacklo_pd(__m256d(from[element]), __m256d(from[element + 1])),
                      odd = _mm256_unpackhi_pd(__m256d(from[element]), __m256d(from[element + 1]));
        const __m256d lanes[] = {even, odd};
        for (Index lane = 0; lane < 2; ++lane) {
            if (lane < count) _mm_storeu_pd(to[lane] + offset + element, _mm256_castpd256_pd128(lanes[lane]));
            if (lane + 2 < count) _mm_storeu_pd(to[lane + 2] + offset + element, _mm256_extractf128_pd(lanes[lane], 1));
        }
    }
}
inline void store_elements(const Pack<float> (&from)[8], float* const (&to)[8], Index offset, Index count) {
    for (Index element = 0; element < 8; element += 4) {
        const __m256 first = __m256(from[element]), second = __m256(from[element + 1]),
                     third = __m256(from[element + 2]), fourth = __m256(from[element + 3]);
        const __m256 a = _mm256_unpacklo_ps(first, second), b = _mm256_unpacklo_ps(third, fourth),
                     c = _mm256_unpackhi_ps(first, second), d = _mm256_unpackhi_ps(third, fourth);
        const __m256 lanes[] = {_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee),
                                _mm256_shuffle_ps(c, d, 0x44), _mm256_shuffle_ps(c, d, 0xee)};
        for (Index lane = 0; lane < 4; ++lane) {
            if (lane < count) _mm_storeu_ps(to[lane] + offset + element, _mm256_castps256_ps128(lanes[lane]));
            if (lane + 4 < count) _mm_storeu_ps(to[lane + 4] + offset + element, _mm256_extractf128_ps(lanes[lane], 1));
        }
    }
}

inline Pack<double> one_of_each(const double* const (&from)[4], Index i) {
    return Pack<double>{from[0][i], from[1][i], from[2][i], from[3][i]};
}
inline Pack<float> one_of_each(const float* const (&from)[8], Index i) {
    return Pack<float>{from[0][i], from[1][i], from[2][i], from[3][i], from[4][i], from[5][i], from[6][i], from[7][i]};
}

// `size` elements of each lane's own memory as packs, handed to put(i, pack); of one matrix alone, the same for all.
template <class T, class Put>
void load_each(const T* const (&from)[lane_count<T>], Index size, bool is_alone, const Put& put) {
    constexpr Index lanes = lane_count<T>;
    if (is_alone) {
        for (Index i = 0; i < size; ++i) put(i, all_lanes(from[0][i]));
        return;
    }
    Pack<T> block[lanes];
    const auto put_block = [&](Index offset) {
        load_elements(from, offset, block);
        for (Index i = 0; i < lanes; ++i) put(offset + i, block[i]);
    };
    if (size < lanes) {
        for (Index i = 0; i < size; ++i) put(i, one_of_each(from, i));
        return;
    }
    for (Index i = 0; i + lanes <= size; i += lanes) put_block(i);
    if (size % lanes != 0) put_block(size - lanes);  // some of them once more
}
// And back, from take(i), for the first `count` lanes.
template <class T, class Take>
void store_each(const Take& take, Index size, T* const (&to)[lane_count<T>], Index count) {
    constexpr Index lanes = lane_count<T>;
    if (count == 1 || size < lanes) {
        for (Index i = 0; i < size; ++i) {
            const Pack<T> own = take(i);
            for (Index lane = 0; lane < count; ++lane) to[lane][i] = own[lane];
        }
        return;
    }
    Pack<T> block[lanes];
    const auto store_block = [&](Index offset) {
        for (Index i = 0; i < lanes; ++i) block[i] = take(offset + i);
        store_elements(block, to, offset, count);
    };
    for (Index i = 0; i + lanes <= size; i += lanes) store_block(i);
    if (size % lanes != 0) store_block(size - lanes);
}

// Where the matrices of all lanes begin; in lanes that are left the last one once more.
template <class T>
struct LanePlaces {
    T* of[lane_count<T>];
    LanePlaces(T* first, Index size, Index count) {
        for (Index lane = 0; lane < lane_count<T>; ++lane) of[lane] = first + std::min(lane, count - 1) * size;
    }
};

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

    // From `count` dense matrices that follow each other.
    void load(const T* from, Index count) const {
        const Index size = rows_ * columns_;
        load_each(LanePlaces<const T>(from, size, count).of, size, count == 1,
                  [&](Index i, Pack<T> pack) { data_[i] = pack; });
    }
    void load_transposed(const T* from, Index count) const {
        const Index size = rows_ * columns_;
        load_each(LanePlaces<const T>(from, size, count).of, size, count == 1,
                  [&](Index i, Pack<T> pack) { (*this)(i % rows_, i / rows_) = pack; });
    }
    void store(T* to, Index count) const {
        const Index size = rows_ * columns_;
        store_each<T>([&](Index i) { return data_[i]; }, size, LanePlaces<T>(to, size, count).of, count);
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
