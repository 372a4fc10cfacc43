// Vectors of 32 bytes, and single numbers in their place, for the code of Fourier transforms: one arithmetic, written
// once. Compiled for AVX2 with FMA.
#ifndef LATHE_RUNTIME_CALLS_FFT_VECTORS_H
#define LATHE_RUNTIME_CALLS_FFT_VECTORS_H

#include <cstdint>
#include <immintrin.h>

namespace {

using Floats = float __attribute__((vector_size(32)));
using Doubles = double __attribute__((vector_size(32)));

// What a type of numbers has: T itself, or as many as a vector holds.
template <class P>
struct Pack;
template <>
struct Pack<float> {
    using Number = float;
    static constexpr std::int64_t width = 1;
};
template <>
struct Pack<double> {
    using Number = double;
    static constexpr std::int64_t width = 1;
};
template <>
struct Pack<Floats> {
    using Number = float;
    static constexpr std::int64_t width = 8;
};
template <>
struct Pack<Doubles> {
    using Number = double;
    static constexpr std::int64_t width = 4;
};
template <class T>
struct WideOf;
template <>
struct WideOf<float> {
    using Type = Floats;
};
template <>
struct WideOf<double> {
    using Type = Doubles;
};
template <class T>
using Wide = typename WideOf<T>::Type;

[[gnu::always_inline]] inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
[[gnu::always_inline]] inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
[[gnu::always_inline]] inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
[[gnu::always_inline]] inline Doubles fma(Doubles a, Doubles b, Doubles c) { return _mm256_fmadd_pd(a, b, c); }

template <class P>
[[gnu::always_inline]] inline P load(const typename Pack<P>::Number* from) {
    P x;
    __builtin_memcpy(&x, from, sizeof x);
    return x;
}
template <class P>
[[gnu::always_inline]] inline void store(typename Pack<P>::Number* to, P x) {
    __builtin_memcpy(to, &x, sizeof x);
}
template <class P>
[[gnu::always_inline]] inline P all_of(typename Pack<P>::Number x) {
    if constexpr (Pack<P>::width == 1)
        return x;
    else
        return x - P{};
}

// Elements in the opposite order.
[[gnu::always_inline]] inline float reversed(float x) { return x; }
[[gnu::always_inline]] inline double reversed(double x) { return x; }
[[gnu::always_inline]] inline Floats reversed(Floats x) {
    return __builtin_shufflevector(x, x, 7, 6, 5, 4, 3, 2, 1, 0);
}
[[gnu::always_inline]] inline Doubles reversed(Doubles x) { return __builtin_shufflevector(x, x, 3, 2, 1, 0); }

// The even and the odd elements of two vectors that lie one behind the other, and back.
[[gnu::always_inline]] inline void separate(Floats& a, Floats& b) {
    const Floats even = _mm256_shuffle_ps(a, b, 0x88), odd = _mm256_shuffle_ps(a, b, 0xdd);
    a = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(even), 0xd8));
    b = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(odd), 0xd8));
}
[[gnu::always_inline]] inline void separate(Doubles& a, Doubles& b) {
    const Doubles even = _mm256_unpacklo_pd(a, b), odd = _mm256_unpackhi_pd(a, b);
    a = _mm256_permute4x64_pd(even, 0xd8);
    b = _mm256_permute4x64_pd(odd, 0xd8);
}
[[gnu::always_inline]] inline void interleave(Floats& a, Floats& b) {
    const Floats low = _mm256_unpacklo_ps(a, b), high = _mm256_unpackhi_ps(a, b);
    a = _mm256_permute2f128_ps(low, high, 0x20);
    b = _mm256_permute2f128_ps(low, high, 0x31);
}
[[gnu::always_inline]] inline void interleave(Doubles& a, Doubles& b) {
    const Doubles low = _mm256_unpacklo_pd(a, b), high = _mm256_unpackhi_pd(a, b);
    a = _mm256_permute2f128_pd(low, high, 0x20);
    b = _mm256_permute2f128_pd(low, high, 0x31);
}

// A square of as many vectors as each has elements, turned over its diagonal.
[[gnu::always_inline]] inline void transpose(Floats* x) {
    Floats pairs[8], quads[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; ++k) {
            const Floats a = pairs[i + k], b = pairs[i + k + 2];
            quads[i + 2 * k] = _mm256_shuffle_ps(a, b, 0x44);
            quads[i + 2 * k + 1] = _mm256_shuffle_ps(a, b, 0xee);
        }
    for (int i = 0; i < 4; ++i) {
        x[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
        x[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
    }
}
[[gnu::always_inline]] inline void transpose(Doubles* x) {
    Doubles pairs[4];
    for (int i = 0; i < 4; i += 2) {
        pairs[i] = _mm256_unpacklo_pd(x[i], x[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_pd(x[i], x[i + 1]);
    }
    for (int i = 0; i < 2; ++i) {
        x[i] = _mm256_permute2f128_pd(pairs[i], pairs[i + 2], 0x20);
        x[i + 2] = _mm256_permute2f128_pd(pairs[i], pairs[i + 2], 0x31);
    }
}

// ---- complex numbers

template <class P>
struct Complex {
    P re, im;
};
template <class P>
[[gnu::always_inline]] inline Complex<P> operator+(Complex<P> a, Complex<P> b) {
    return {a.re + b.re, a.im + b.im};
}
template <class P>
[[gnu::always_inline]] inline Complex<P> operator-(Complex<P> a, Complex<P> b) {
    return {a.re - b.re, a.im - b.im};
}
template <class P>
[[gnu::always_inline]] inline Complex<P> times(Complex<P> a, Complex<P> w) {
    return {fma(a.re, w.re, -(a.im * w.im)), fma(a.re, w.im, a.im * w.re)};
}

// Real and imaginary parts apart.
template <class T>
struct Split {
    using Number = T;
    T *re, *im;
    template <class P>
    [[gnu::always_inline]] Complex<P> at(std::int64_t i) const {
        return {load<P>(re + i), load<P>(im + i)};
    }
    template <class P>
    [[gnu::always_inline]] void set(std::int64_t i, Complex<P> x) const {
        store(re + i, x.re);
        store(im + i, x.im);
    }
    Split swapped() const { return {im, re}; }
};
// One after the other, as users have them; exchanged where a transform is inverse.
template <class T, bool exchanged>
struct Pairs {
    using Number = T;
    T* data;
    template <class P>
    [[gnu::always_inline]] Complex<P> at(std::int64_t i) const {
        P a = load<P>(data + 2 * i), b;
        if constexpr (Pack<P>::width == 1) {
            b = data[2 * i + 1];
        } else {
            b = load<P>(data + 2 * i + Pack<P>::width);
            separate(a, b);
        }
        return exchanged ? Complex<P>{b, a} : Complex<P>{a, b};
    }
    template <class P>
    [[gnu::always_inline]] void set(std::int64_t i, Complex<P> x) const {
        P a = exchanged ? x.im : x.re, b = exchanged ? x.re : x.im;
        if constexpr (Pack<P>::width == 1) {
            data[2 * i] = a;
            data[2 * i + 1] = b;
        } else {
            interleave(a, b);
            store(data + 2 * i, a);
            store(data + 2 * i + Pack<P>::width, b);
        }
    }
};

}  // namespace

#endif
