// Lines of a tensor on their way into the buffers of a Fourier transform, and back. There lie `s` of them side by side:
// one, or as many as the widest vector has elements, of which those without a line are zeros.
#ifndef LATHE_RUNTIME_CALLS_FFT_BATCHES_H
#define LATHE_RUNTIME_CALLS_FFT_BATCHES_H

#include "runtime/calls/fft_vectors.h"

namespace {

constexpr std::int64_t most_lanes = 8;

// Element j of line l is at l * line + j * step, in numbers.
struct Batch {
    std::int64_t lanes, line, step;
};

// ---- numbers

template <class T>
[[gnu::noinline]] void read_numbers(T* to, const T* from, std::int64_t count, std::int64_t s, const Batch& batch) {
    std::int64_t j = 0;
    if (batch.lanes == most_lanes && batch.line == 1)
        for (; j < count; ++j) __builtin_memcpy(to + j * most_lanes, from + j * batch.step, most_lanes * sizeof(T));
    else if (s == 1 && batch.step == 1)
        for (; j < count; ++j) to[j] = from[j];
    for (; j < count; ++j)
        for (std::int64_t l = 0; l < s; ++l)
            to[j * s + l] = l < batch.lanes ? from[l * batch.line + j * batch.step] : 0;
}
template <class T>
[[gnu::noinline]] void write_numbers(T* to, const T* from, std::int64_t count, std::int64_t s, const Batch& batch) {
    std::int64_t j = 0;
    if (batch.lanes == most_lanes && batch.line == 1)
        for (; j < count; ++j) __builtin_memcpy(to + j * batch.step, from + j * most_lanes, most_lanes * sizeof(T));
    else if (s == 1 && batch.step == 1)
        for (; j < count; ++j) to[j] = from[j];
    for (; j < count; ++j)
        for (std::int64_t l = 0; l < batch.lanes; ++l) to[l * batch.line + j * batch.step] = from[j * s + l];
}

// ---- pairs: a complex number's parts, or two real numbers

// As many pairs of whole lines as fill squares; how many.
template <class T>
std::int64_t read_squares(const Split<T>& to, const T* from, std::int64_t count, std::int64_t line) {
    using P = Wide<T>;
    constexpr std::int64_t width = Pack<P>::width, pairs = width / 2;
    std::int64_t j = 0;
    for (; j + pairs <= count; j += pairs)
        for (std::int64_t first = 0; first < most_lanes; first += width) {
            P square[width];
            for (std::int64_t l = 0; l < width; ++l) square[l] = load<P>(from + (first + l) * line + 2 * j);
            transpose(square);
            for (std::int64_t i = 0; i < pairs; ++i)
                to.set((j + i) * most_lanes + first, Complex<P>{square[2 * i], square[2 * i + 1]});
        }
    return j;
}
template <class T>
std::int64_t write_squares(T* to, const Split<T>& from, std::int64_t count, std::int64_t line) {
    using P = Wide<T>;
    constexpr std::int64_t width = Pack<P>::width, pairs = width / 2;
    std::int64_t j = 0;
    for (; j + pairs <= count; j += pairs)
        for (std::int64_t first = 0; first < most_lanes; first += width) {
            P square[width];
            for (std::int64_t i = 0; i < pairs; ++i) {
                const Complex<P> x = from.template at<P>((j + i) * most_lanes + first);
                square[2 * i] = x.re;
                square[2 * i + 1] = x.im;
            }
            transpose(square);
            for (std::int64_t l = 0; l < width; ++l) store(to + (first + l) * line + 2 * j, square[l]);
        }
    return j;
}

template <class T>
[[gnu::noinline]] void read_pairs(const Split<T>& to, const T* from, std::int64_t count, std::int64_t s,
                                  const Batch& batch) {
    using P = Wide<T>;
    constexpr std::int64_t width = Pack<P>::width;
    std::int64_t j = 0;
    if (batch.lanes == most_lanes && batch.line == 2) {
        for (; j < count; ++j)
            for (std::int64_t l = 0; l < most_lanes; l += width)
                to.set(j * most_lanes + l, Pairs<const T, false>{from + j * batch.step}.template at<P>(l));
    } else if (batch.lanes == most_lanes && batch.step == 2) {
        j = read_squares(to, from, count, batch.line);
    } else if (s == 1 && batch.step == 2) {
        for (; j + width <= count; j += width) to.set(j, Pairs<const T, false>{from}.template at<P>(j));
    }
    for (; j < count; ++j)
        for (std::int64_t l = 0; l < s; ++l) {
            const T* const pair = from + l * batch.line + j * batch.step;
            to.set(j * s + l, l < batch.lanes ? Complex<T>{pair[0], pair[1]} : Complex<T>{});
        }
}
template <class T>
[[gnu::noinline]] void write_pairs(T* to, const Split<T>& from, std::int64_t count, std::int64_t s,
                                   const Batch& batch) {
    using P = Wide<T>;
    constexpr std::int64_t width = Pack<P>::width;
    std::int64_t j = 0;
    if (batch.lanes == most_lanes && batch.line == 2) {
        for (; j < count; ++j)
            for (std::int64_t l = 0; l < most_lanes; l += width)
                Pairs<T, false>{to + j * batch.step}.set(l, from.template at<P>(j * most_lanes + l));
    } else if (batch.lanes == most_lanes && batch.step == 2) {
        j = write_squares(to, from, count, batch.line);
    } else if (s == 1 && batch.step == 2) {
        for (; j + width <= count; j += width) Pairs<T, false>{to}.set(j, from.template at<P>(j));
    }
    for (; j < count; ++j)
        for (std::int64_t l = 0; l < batch.lanes; ++l) {
            const Complex<T> x = from.template at<T>(j * s + l);
            T* const pair = to + l * batch.line + j * batch.step;
            pair[0] = x.re;
            pair[1] = x.im;
        }
}

}  // namespace

#endif
