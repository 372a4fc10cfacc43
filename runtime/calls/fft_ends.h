// What the first stage of a transform reads and the last one writes, where that is no buffer, in a convolution:
// elements and factors meet there. Where lines lie side by side, one factor is that of an element of each.
#ifndef LATHE_RUNTIME_CALLS_FFT_ENDS_H
#define LATHE_RUNTIME_CALLS_FFT_ENDS_H

#include "runtime/calls/fft_batches.h"

namespace {

template <class P, bool is_alone, class T>
[[gnu::always_inline]] inline Complex<P> factor_at(const Split<T>& factors, std::int64_t i) {
    if constexpr (is_alone) {
        return factors.template at<P>(i);
    } else {
        const std::int64_t j = i / most_lanes;
        return {all_of<P>(factors.re[j]), all_of<P>(factors.im[j])};
    }
}

// The first `count` numbers of a buffer by their factors, continued with zeros.
template <class T, bool is_alone>
struct Continued {
    Split<T> line, factors;
    std::int64_t count;
    template <class P>
    [[gnu::always_inline]] Complex<P> at(std::int64_t i) const {
        if (i >= count) return {P{}, P{}};
        if (is_alone && i + Pack<P>::width > count) return last<P>(i);
        return times(line.template at<P>(i), factor_at<P, is_alone>(factors, i));
    }

private:
    template <class P>
    [[gnu::noinline]] Complex<P> last(std::int64_t i) const {
        Complex<P> out{P{}, P{}};
        for (std::int64_t l = 0; i + l < count; ++l) {
            const Complex<T> x = times(line.template at<T>(i + l), factors.template at<T>(i + l));
            out.re[l] = x.re;
            out.im[l] = x.im;
        }
        return out;
    }
};

// Of the products, real and imaginary parts are exchanged: their transform is an inverse one.
template <class T, bool is_alone>
struct Filtered {
    Split<T> line, factors;
    template <class P>
    [[gnu::always_inline]] void set(std::int64_t i, Complex<P> x) const {
        line.swapped().set(i, times(x, factor_at<P, is_alone>(factors, i)));
    }
};

// The first `count` numbers, of an inverse transform.
template <class T, bool is_alone>
struct Shortened {
    Split<T> line, factors;
    std::int64_t count;
    template <class P>
    [[gnu::always_inline]] void set(std::int64_t i, Complex<P> x) const {
        if (i >= count) return;
        if (is_alone && i + Pack<P>::width > count) return set_last(i, x);
        line.set(i, times({x.im, x.re}, factor_at<P, is_alone>(factors, i)));
    }

private:
    template <class P>
    [[gnu::noinline]] void set_last(std::int64_t i, Complex<P> x) const {
        for (std::int64_t l = 0; i + l < count; ++l)
            line.set(i + l, times(Complex<T>{x.im[l], x.re[l]}, factors.template at<T>(i + l)));
    }
};

}  // namespace

#endif
