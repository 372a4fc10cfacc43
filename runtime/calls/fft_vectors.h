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
    const Floats x = a, y = b;
    a = __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14);
    b = __builtin_shufflevector(x, y, 1, 3, 5, 7, 9, 11, 13, 15);
}
[[gnu::always_inline]] inline void separate(Doubles& a, Doubles& b) {
    const Doubles x = a, y = b;
    a = __builtin_shufflevector(x, y, 0, 2, 4, 6);
    b = __builtin_shufflevector(x, y, 1, 3, 5, 7);
}
[[gnu::always_inline]] inline void interleave(Floats& a, Floats& b) {
    const Floats low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    const Floats high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    a = __builtin_shufflevector(low, high, 0, 1, 2, 3, 8, 9, 10, 11);
    b = __builtin_shufflevector(low, high, 4, 5, 6, 7, 12, 13, 14, 15);
}
[[gnu::always_inline]] inline void interleave(Doubles& a, Doubles& b) {
    const Doubles low = __builtin_shufflevector(a, b, 0, 4, 2, 6), high = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    a = __builtin_shufflevector(low, high, 0, 1, 4, 5);
    b = __builtin_shufflevector(low, high, 2, 3, 6, 7);
}

// A square of as many vectors as each has elements, turned over its diagonal.
[[gnu::always_inline]] inline void transpose(Floats* x) {
    Floats pairs[8], quads[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; ++k) {
            const Floats a = pairs[i + k], b = pairs[i + k + 2];
            quads[i + 2 * k] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
            quads[i + 2 * k + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; ++i) {
        x[i] = __builtin_shufflevector(quads[i], quads[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        x[i + 4] = __builtin_shufflevector(quads[i], quads[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
[[gnu::always_inline]] inline void transpose(Doubles* x) {
    Doubles pairs[4];
    for (int i = 0; i < 4; i += 2) {
        pairs[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 4, 2, 6);
        pairs[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 1, 5, 3, 7);
    }
    for (int i = 0; i < 2; ++i) {
        x[i] = __builtin_shufflevector(pairs[i], pairs[i + 2], 0, 1, 4, 5);
        x[i + 2] = __builtin_shufflevector(pairs[i], pairs[i + 2], 2, 3, 6, 7);
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
