// Fourier transforms of the lines along an axis. Complex numbers are a last dimension of extent 2: real and imaginary
// part. None of them divides by the extent; ir/functions/fourier.h has the forms that do.
//
// What they compute, in the dtype of x. Products of complex numbers a w are (fma(a.re, w.re, -(a.im w.im)),
// fma(a.re, w.im, a.im w.re)). w(k, n) is exp(-2 pi i k / n), rounded from a value that `root` in fourier.cpp defines.
//
// 1. Of a length n whose prime factors are at most 61: by radices, 8 as often as it divides (a last 16 is 4 and 4, a
//    last 4 is 4, a single 2 is 2), then the odd primes, ascending. With n = r m, the first radix r makes of x the
//    lines u[t][p] = w(t p, n) * sum over k of w(t k, r) x[p + m k], without that factor where t is 0 or m is 1; y[r q
//    + t] is element q of the transform of u[t] by the other radices. The sums:
//      2: x0 + x1, x0 - x1.
//      4: s = x0 + x2, d = x0 - x2, t = x1 + x3, v = x1 - x3 give s + t, d - i v, s - t, d + i v.
//      8: e, of x0 x2 x4 x6, and o, of x1 x3 x5 x7, by 4, give e[k] + z[k] and e[k] - z[k], where z is
//         o[0], h (re + im, im - re) of o[1], (im, -re) of o[2], h (im - re, -(re + im)) of o[3]; h is the square root
//         of 1/2.
//      odd: with a[k] = x[k] + x[r-k], d[k] = x[k] - x[r-k], 0 < k <= r/2: the first is x0 + a[1] + a[2] ..., and of
//         S = x0 + sum of re(w(j k, r)) a[k], D = sum of im(w(j k, r)) d[k], both chains of fma, those at j and r - j
//         are (S.re - D.im, S.im + D.re) and (S.re + D.im, S.im - D.re).
// 2. Of such a length of more than 16384, by columns and rows (Bailey's method): a is the product of as many of the
//    first radices as have a a <= n; at least 64, else 1 holds. With n = a b, the lines x[p + b k] of a elements k are
//    transformed by 1; element t, times (w(t p - s p, n) w(s p, n)) with s = t mod 32, is element p of line t; lines t
//    are transformed by 1, and element q of one is y[t + a q].
// 3. Of other lengths, as a convolution (Bluestein's method) of length l, the least of 2^a and 3 2^a, at least 2 n - 1:
//    c[j] = w(j j mod 2 n, 2 n); f is 1/l times the transform of the line of conj(c[j]) at j and l - j; y[j] is c[j]
//    times element j of the inverse transform of f times the transform of x[j] c[j], continued with zeros.
// 4. The inverse exchanges real and imaginary parts before and after.
// 5. Of n reals, n even: z, the transform of x[2 j] + i x[2 j + 1], gives y[k] = ((a.re + u.im) / 2, (a.im - u.re) / 2)
//    with a = z[k] + conj(z[n/2-k]), u = (z[k] - conj(z[n/2-k])) v[k]; and y[0], y[n/2] = z[0].re +- z[0].im. v[k] is
//    w(k, n); where the transform, or those of its convolution, are by 2, w(k - s, n) w(s, n) with s = k mod 64.
//    Back: the inverse of z[k] = (a.re - u.im, a.im + u.re), with u = (...) conj(v[k]), z[0] = (y[0] + y[n/2],
//    y[0] - y[n/2]) of real parts. n odd: as of complex numbers; the imaginary part of the first is 0.
#pragma once

#include "ir/functions/fourier.h"
#include "ir/ops/lines.h"
#include "ir/ops/rules.h"

namespace lathe::ir::ops {

inline constexpr FlagAttribute<1> fft_inverse{"inverse", "the signs of the exponents are positive", 0,
                                              Presence::optional};
inline constexpr AttributeDef fft_attributes[] = {line_axis, fft_inverse};
Type fft_type(TypeContext& c);
HostCall fft_call(const CallContext& c);
std::vector<Literal> fft_reference(const ReferenceContext& c);

inline constexpr OpDef fft = {
    .name = "fft",
    .doc =
        "y[.., k, .., :] = sum over j of exp(-2 pi i j k / n) x[.., j, .., :] along an axis of n complex numbers, the "
        "last\ndimension of which holds real and imaginary part. Not divided by n, in neither direction.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .attributes = fft_attributes,
    .type = fft_type,
    .call = fft_call,
    .reference = fft_reference,
    // The matrix is symmetric; as one of real numbers, its transpose is that of the conjugate.
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return fft.with({line_axis(a), !fft_inverse(a)}, ct[0]);
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        const std::pair<Shape, std::int64_t> along[] = {
            {{5, 2}, 0},  {{12, 2}, 0}, {{3, 8, 2}, 1}, {{16, 3, 2}, 0}, {{2, 10, 9, 2}, 1},
            {{67, 2}, 0}, {{1, 2}, 0},  {{0, 3, 2}, 1}, {{2, 0, 2}, 0},  {{3, 72, 2}, 1}};
        std::vector<Sample> samples;
        for (const auto& [shape, axis] : along)
            for (const bool flag : {false, true}) samples.push_back({{{d, shape}}, {axis, flag}});
        return samples;
    },
};

inline constexpr AttributeDef rfft_attributes[] = {line_axis};
Type rfft_type(TypeContext& c);
HostCall rfft_call(const CallContext& c);
std::vector<Literal> rfft_reference(const ReferenceContext& c);

inline constexpr OpDef rfft = {
    .name = "rfft",
    .doc =
        "The first n / 2 + 1 complex numbers of the fft of n real ones along an axis, as a new last dimension: the "
        "others\nare conjugates of these. The imaginary part of the first is 0, and that of the last where n is even.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .attributes = rfft_attributes,
    .type = rfft_type,
    .call = rfft_call,
    .reference = rfft_reference,
    // irfft counts the numbers between the first and the last twice.
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const std::int64_t axis = line_axis(g.node.attributes);
        const Dim extent = functions::shape_of(g.x[0])[static_cast<std::size_t>(axis)];
        return irfft.with({axis, Shape{extent}}, functions::scale_inner_bins(ct[0], axis, extent, 0.5));
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        return {{{{d, {5}}}, {std::int64_t{0}}},        {{{d, {12}}}, {std::int64_t{0}}},
                {{{d, {3, 16}}}, {std::int64_t{1}}},    {{{d, {9, 3}}}, {std::int64_t{0}}},
                {{{d, {2, 10, 9}}}, {std::int64_t{1}}}, {{{d, {67}}}, {std::int64_t{0}}},
                {{{d, {1}}}, {std::int64_t{0}}},        {{{d, {2}}}, {std::int64_t{0}}},
                {{{d, {0, 4}}}, {std::int64_t{1}}},     {{{d, {2, 144}}}, {std::int64_t{1}}}};
    },
};

inline constexpr BoundAttribute<1> irfft_extent{"extent", "of the result along the axis"};
inline constexpr AttributeDef irfft_attributes[] = {line_axis, irfft_extent};
Type irfft_type(TypeContext& c);
HostCall irfft_call(const CallContext& c);
std::vector<Literal> irfft_reference(const ReferenceContext& c);

inline constexpr OpDef irfft = {
    .name = "irfft",
    .doc =
        "The inverse fft, not divided by n, of n complex numbers along an axis of which x has the first n / 2 + 1; the "
        "others\nare their conjugates, so that the result is real. The imaginary part of the first counts as 0, and "
        "that of the\nlast where n is even.",
    .arity = 1,
    .lowering = Lowering::opaque,
    .dtypes = rules::wide_floats,
    .attributes = irfft_attributes,
    .type = irfft_type,
    .call = irfft_call,
    .reference = irfft_reference,
    .gradient = linear([](const GradientContext& g, std::span<const Value> ct, std::size_t) {
        const Attributes& a = g.node.attributes;
        return functions::scale_inner_bins(rfft.with({line_axis(a)}, ct[0]), line_axis(a), irfft_extent(a)[0], 2);
    }),
    .samples = [](Dtype d) -> std::vector<Sample> {
        const auto of = [d](const Shape& shape, std::int64_t axis, Dim extent) {
            return Sample{{{d, shape}}, {axis, Shape{extent}}};
        };
        return {of({3, 2}, 0, 5),        of({7, 2}, 0, 12),     of({3, 9, 2}, 1, 16), of({5, 3, 2}, 0, 9),
                of({2, 6, 9, 2}, 1, 10), of({34, 2}, 0, 67),    of({1, 2}, 0, 1),     of({2, 2}, 0, 2),
                of({0, 3, 2}, 1, 4),     of({2, 73, 2}, 1, 144)};
    },
};

inline constexpr auto fourier = std::to_array<const OpDef*>({&fft, &rfft, &irfft});

}  // namespace lathe::ir::ops
