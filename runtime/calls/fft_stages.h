// Stages of a Fourier transform by Stockham's method, decimation in frequency. A stage of radix r makes of s transforms
// of length n = r m, side by side, r s of length m:
//   y[q + s (r p + t)] = exp(-2 pi i t p / n) * sum over k of exp(-2 pi i t k / r) x[q + s (p + m k)]
// for q < s and p < m; the factor is left out where m is 1. Elements with an index q + s p lie side by side, and each
// is computed alone: whatever vectors take of them has the same bits.
#ifndef LATHE_RUNTIME_CALLS_FFT_STAGES_H
#define LATHE_RUNTIME_CALLS_FFT_STAGES_H

#include <type_traits>

#include "runtime/calls/fft_plan.h"

namespace {

// ---- sums over k: what the row of fft defines

template <class P>
[[gnu::always_inline]] inline void transform_four(Complex<P>& a, Complex<P>& b, Complex<P>& c, Complex<P>& d) {
    const Complex<P> s = a + c, u = a - c, t = b + d, v = b - d;
    a = s + t;
    b = {u.re + v.im, u.im - v.re};
    c = s - t;
    d = {u.re - v.im, u.im + v.re};
}

template <class P>
[[gnu::always_inline]] inline void transform_eight(Complex<P>* a) {
    const P h = all_of<P>(static_cast<typename Pack<P>::Number>(0x1.6a09e667f3bcdp-1));
    transform_four(a[0], a[2], a[4], a[6]);
    transform_four(a[1], a[3], a[5], a[7]);
    const Complex<P> e0 = a[0], e1 = a[2], e2 = a[4], e3 = a[6], o0 = a[1], o2 = a[5];
    const Complex<P> o1{(a[3].re + a[3].im) * h, (a[3].im - a[3].re) * h};
    const Complex<P> o3{(a[7].im - a[7].re) * h, (a[7].re + a[7].im) * h};  // the imaginary part with the other sign
    a[0] = e0 + o0;
    a[1] = e1 + o1;
    a[2] = {e2.re + o2.im, e2.im - o2.re};
    a[3] = {e3.re + o3.re, e3.im - o3.im};
    a[4] = e0 - o0;
    a[5] = e1 - o1;
    a[6] = {e2.re - o2.im, e2.im + o2.re};
    a[7] = {e3.re - o3.re, e3.im + o3.im};
}

template <class P, class T = typename Pack<P>::Number>
[[gnu::always_inline]] inline void transform_odd(Complex<P>* a, std::int64_t radix, const Split<T>& roots) {
    const std::int64_t half = radix / 2;
    Complex<P> first = a[0];
    for (std::int64_t k = 1; k <= half; ++k) {
        const Complex<P> sum = a[k] + a[radix - k], difference = a[k] - a[radix - k];
        a[k] = sum;
        a[radix - k] = difference;
        first = first + sum;
    }
    Complex<P> low[greatest_radix / 2], high[greatest_radix / 2];
    for (std::int64_t j = 1; j <= half; ++j) {
        Complex<P> even = a[0], odd{};
        for (std::int64_t k = 1, at = j; k <= half; ++k, at = at + j >= radix ? at + j - radix : at + j) {
            const P c = all_of<P>(roots.re[at]), s = all_of<P>(roots.im[at]);
            const Complex<P> difference = a[radix - k];
            even = {fma(c, a[k].re, even.re), fma(c, a[k].im, even.im)};
            odd = k == 1 ? Complex<P>{s * difference.re, s * difference.im}
                         : Complex<P>{fma(s, difference.re, odd.re), fma(s, difference.im, odd.im)};
        }
        low[j - 1] = {even.re - odd.im, even.im + odd.re};
        high[j - 1] = {even.re + odd.im, even.im - odd.re};
    }
    a[0] = first;
    for (std::int64_t j = 1; j <= half; ++j) {
        a[j] = low[j - 1];
        a[radix - j] = high[j - 1];
    }
}

// A radix of 0 stands for what is known when it runs alone.
template <int radix, class P, class T = typename Pack<P>::Number>
[[gnu::always_inline]] inline void transform_few(Complex<P>* a, std::int64_t count, const Split<T>& roots) {
    if constexpr (radix == 2) {
        const Complex<P> x = a[0], y = a[1];
        a[0] = x + y;
        a[1] = x - y;
    } else if constexpr (radix == 4) {
        transform_four(a[0], a[1], a[2], a[3]);
    } else if constexpr (radix == 8) {
        transform_eight(a);
    } else {
        transform_odd(a, radix == 0 ? count : radix, roots);
    }
}

// ---- stages

template <class T>
struct Stage {
    std::int64_t radix, s, m;
    Split<T> twiddles;  // [radix - 1, m]
    Split<T> roots;     // of an odd radix
};

// The sums for elements `i`, one vector of them, without their factors.
template <int radix, class P, class From, class T>
[[gnu::always_inline]] inline void sums_at(Complex<P>* a, const From& x, std::int64_t i, const Stage<T>& stage) {
    const std::int64_t count = radix == 0 ? stage.radix : radix;
    a[0] = x.template at<P>(i);
    for (std::int64_t k = 1; k < count; ++k) a[k] = x.template at<P>(i + stage.s * stage.m * k);
    transform_few<radix, P>(a, count, stage.roots);
}

// Some q of one p: all have the same factors.
template <int radix, class P, class From, class To, class T>
[[gnu::always_inline]] inline void run_across(const From& x, const To& y, const Stage<T>& stage) {
    constexpr std::int64_t width = Pack<P>::width;
    const std::int64_t count = radix == 0 ? stage.radix : radix, s = stage.s, m = stage.m;
    for (std::int64_t p = 0; p < m; ++p)
        for (std::int64_t q = 0; q < s; q += width) {
            const std::int64_t at = q + width <= s ? q : s - width;  // the last vector begins within the one before
            Complex<P> a[radix == 0 ? greatest_radix : radix];
            sums_at<radix>(a, x, at + s * p, stage);
            for (std::int64_t t = 0; t < count; ++t) {
                const std::int64_t factor = (t - 1) * m + p;
                if (t > 0 && m > 1)
                    a[t] = times(a[t], {all_of<P>(stage.twiddles.re[factor]), all_of<P>(stage.twiddles.im[factor])});
                y.set(at + s * (count * p + t), a[t]);
            }
        }
}

// The r results of each of some p where s is 1: they lie one after the other.
template <int radix, class P, class T>
[[gnu::always_inline]] inline void scatter_first(const Split<T>& y, std::int64_t p, Complex<P>* a, std::int64_t count) {
    constexpr std::int64_t width = Pack<P>::width;
    if constexpr (radix == 8 || (radix == 4 && width == 4)) {
        for (std::int64_t t = 0; t < radix; t += width) {
            P re[width], im[width];
            for (std::int64_t l = 0; l < width; ++l) re[l] = a[t + l].re, im[l] = a[t + l].im;
            transpose(re);
            transpose(im);
            for (std::int64_t l = 0; l < width; ++l) y.set(radix * (p + l) + t, Complex<P>{re[l], im[l]});
        }
    } else {
        for (std::int64_t t = 0; t < count; ++t)
            for (std::int64_t l = 0; l < width; ++l) {
                y.re[count * (p + l) + t] = a[t].re[l];
                y.im[count * (p + l) + t] = a[t].im[l];
            }
    }
}

// Where s is less than a vector: several p at once.
template <int radix, class P, class From, class T>
[[gnu::always_inline]] inline void run_along(const From& x, const Split<T>& y, const Stage<T>& stage) {
    constexpr std::int64_t width = Pack<P>::width;
    constexpr bool is_first = !std::is_same_v<From, Split<T>>;
    const std::int64_t count = radix == 0 ? stage.radix : radix, s = is_first ? 1 : stage.s, m = stage.m, all = s * m;
    for (std::int64_t i = 0; i < all; i += width) {
        const std::int64_t at = i + width <= all ? i : all - width;
        Complex<P> a[radix == 0 ? greatest_radix : radix];
        sums_at<radix>(a, x, at, stage);
        if (is_first || s == 1) {
            for (std::int64_t t = 1; t < count; ++t)
                a[t] = times(a[t], stage.twiddles.template at<P>((t - 1) * m + at));
            scatter_first<radix>(y, at, a, count);
            continue;
        }
        std::int64_t p[width], to[width];
        for (std::int64_t l = 0; l < width; ++l) {
            p[l] = (at + l) / s;
            to[l] = (at + l) % s + s * count * p[l];
        }
        for (std::int64_t t = 0; t < count; ++t) {
            if (t > 0) {
                T re[width], im[width];
                for (std::int64_t l = 0; l < width; ++l) {
                    re[l] = stage.twiddles.re[(t - 1) * m + p[l]];
                    im[l] = stage.twiddles.im[(t - 1) * m + p[l]];
                }
                a[t] = times(a[t], Split<T>{re, im}.template at<P>(0));
            }
            for (std::int64_t l = 0; l < width; ++l) {
                y.re[to[l] + s * t] = a[t].re[l];
                y.im[to[l] + s * t] = a[t].im[l];
            }
        }
    }
}

// What is no buffer has room for vectors: lines of at least 64 elements, a multiple of 8, or lines side by side.
template <int radix, class From, class To, class T>
__attribute__((noinline)) void run_stage(const From& x, const To& y, const Stage<T>& stage) {
    using P = Wide<T>;
    if constexpr (!std::is_same_v<To, Split<T>>) {
        run_across<radix, P>(x, y, stage);
    } else {
        if (stage.s >= Pack<P>::width) return run_across<radix, P>(x, y, stage);
        if (!std::is_same_v<From, Split<T>> || (stage.s * stage.m >= Pack<P>::width && stage.m > 1))
            return run_along<radix, P>(x, y, stage);
        if constexpr (std::is_same_v<From, Split<T>>) run_across<radix, T>(x, y, stage);
    }
}

// What is no buffer is an end of several stages: the first, of radix 8 or 4, or the last, of no radix 2; that of a
// convolution is of radix 8, 4 or 3.
template <class From, class To, class T>
void run_any_stage(const From& x, const To& y, const Stage<T>& stage) {
    constexpr bool is_first = !std::is_same_v<From, Split<T>>, is_last = !std::is_same_v<To, Split<T>>;
    if (stage.radix == 8) return run_stage<8>(x, y, stage);
    if (is_first || stage.radix == 4) return run_stage<4>(x, y, stage);
    if constexpr (!is_first) {
        if (stage.radix == 3) return run_stage<3>(x, y, stage);
        if constexpr (!is_last)
            if (stage.radix == 2) return run_stage<2>(x, y, stage);
        if constexpr (!is_last || std::is_same_v<To, Pairs<T, false>> || std::is_same_v<To, Pairs<T, true>>)
            switch (stage.radix) {
                case 5:
                    return run_stage<5>(x, y, stage);
                case 7:
                    return run_stage<7>(x, y, stage);
                default:
                    return run_stage<0>(x, y, stage);
            }
    }
}

// Calls run(stage, its number) for each stage of s transforms, side by side.
template <class T, class Run>
[[gnu::always_inline]] inline void for_each_stage(const Stages<T>& all, std::int64_t s, const Run& run) {
    Split<T> twiddles = all.twiddles, roots = all.roots;
    std::int64_t n = all.length;
    for (int i = 0; i < all.radices.count; ++i) {
        const std::int64_t radix = all.radices.of[i], m = n / radix;
        run(Stage<T>{radix, s, m, twiddles, roots}, i);
        const std::int64_t factors = (radix - 1) * m, primes = radix % 2 != 0 ? radix : 0;
        twiddles = {twiddles.re + factors, twiddles.im + factors};
        roots = {roots.re + primes, roots.im + primes};
        s *= radix;
        n = m;
    }
}

// From `first` to what `last` makes of the buffer that is free then, which is `a` afterwards. What is no buffer is the
// end of several stages.
template <class T, class First, class Last>
void run_stages(const Stages<T>& all, std::int64_t s, const First& first, Split<T>& a, Split<T>& b, const Last& last) {
    const auto exchange = [&] {
        const Split<T> x = a;
        a = b;
        b = x;
    };
    for_each_stage(all, s, [&](const Stage<T>& stage, int i) {
        if (i == 0)
            run_any_stage(first, b, stage);
        else if (i + 1 < all.radices.count)
            run_any_stage(a, b, stage);
        else
            run_any_stage(a, last(b), stage);
        exchange();
    });
}
template <class T>
void run_stages(const Stages<T>& all, std::int64_t s, Split<T>& a, Split<T>& b) {
    run_stages(all, s, a, a, b, [](const Split<T>& buffer) { return buffer; });
}

}  // namespace

#endif
