#include "ir/ops/fourier.h"

#include <cmath>

namespace lathe::ir::ops {

// ---- types

namespace {

std::size_t transformed_axis(TypeContext& c, bool is_complex) {
    rules::require_dtype(c, 0, c.op().dtypes);
    const Shape& shape = c.operand(0).shape;
    const std::size_t axis = c.axis(line_axis);
    if (is_complex) {
        if (axis + 1 == shape.rank()) c.fail("the last axis holds real and imaginary parts");
        c.require_equal(shape[shape.rank() - 1], 2, "the last axis does not hold real and imaginary parts");
    }
    return axis;
}

}  // namespace

Type fft_type(TypeContext& c) {
    const std::size_t axis = transformed_axis(c, true);
    c.require_at_most(1, c.operand(0).shape[axis], "there is nothing along the axis");
    return c.operand(0);
}

Type rfft_type(TypeContext& c) {
    Type type = c.operand(0);
    const std::size_t axis = transformed_axis(c, false);
    c.require_at_most(1, type.shape[axis], "there is nothing along the axis");
    rules::require_rank(c, type.shape.rank() + 1);
    type.shape[axis] = floordiv(type.shape[axis], 2) + 1;
    type.shape.push_back(2);
    return type;
}

Type irfft_type(TypeContext& c) {
    const std::size_t axis = transformed_axis(c, true);
    const Shape& x = c.operand(0).shape;
    if (c.attribute(irfft_extent).rank() != 1) c.fail("wants one extent");
    const Dim extent = c.attribute(irfft_extent)[0];
    c.require_at_most(1, extent, "there would be nothing along the axis");
    c.require_equal(x[axis], floordiv(extent, 2) + 1, "as many numbers do not belong to that extent");
    Type type{c.operand(0).dtype, {}};
    for (std::size_t i = 0; i + 1 < x.rank(); ++i) type.shape.push_back(i == axis ? extent : x[i]);
    return type;
}

// ---- the function

namespace {

enum class Kind : std::int64_t { forward, inverse, of_reals, to_reals };

// `shape` is that of the real tensor, or the complex one without its last dimension, with the extent of the lines.
HostCall fourier_call(Kind kind, Dtype dtype, const Shape& shape, std::int64_t axis) {
    const Lines lines(shape, axis);
    const std::int64_t size = static_cast<std::int64_t>(size_of(dtype));
    // Lines are transformed eight at a time where that many stay in the cache: those side by side have to be read so.
    constexpr std::int64_t lanes = 8, short_row = 2048, short_column = 16384, part = 1 << 14;
    const bool in_rows = lines.inner == Dim(1);
    const Dim n = lines.extent,
              at_once = 1 + (lanes - 1) * ir::min(1, floordiv(in_rows ? short_row : short_column, ir::max(n, 1)));
    const Dim across = in_rows ? lines.outer : lines.inner;
    // A length that needs a convolution takes less than three times as much memory, and seven times as much time. Long
    // ones want a quarter more.
    const Dim parts = 1 + ir::min(most_parts - 1, floordiv(n, part));
    const Dim shared = in_rows ? shares_lines(lines) : 0, pieces = 1 + (most_parts - 1) * shared;
    HostCall call{
        .function = "fft_v1",
        .extents = {static_cast<std::int64_t>(dtype), static_cast<std::int64_t>(kind), n,
                    in_rows ? Dim(0) : lines.inner, at_once, across, parts, pieces},
        .iterations = parts,
        .picoseconds = floordiv(n * 4000, parts),
        .workspace = size * 4 * ((floordiv(15 * n, 4) + 1) * at_once + 512),
    };
    const bool is_shared = shared != Dim(0);
    call.phases.count = !is_shared ? 1 : kind == Kind::of_reals ? 3 : 2;
    call.phases.iterations = (in_rows ? Dim(1) : lines.outer) * ceildiv(across, at_once) * pieces;
    call.phases.picoseconds = floordiv(n * at_once * 2000, pieces);
    call.phases.scratch = size * (15 * n + 128 + shared * across * (3 * n + 512));
    return call;
}

Shape without_last(const Shape& shape) {
    Shape out;
    for (std::size_t i = 0; i + 1 < shape.rank(); ++i) out.push_back(shape[i]);
    return out;
}

}  // namespace

HostCall fft_call(const CallContext& c) {
    return fourier_call(fft_inverse(c.attributes) ? Kind::inverse : Kind::forward, c.operands[0].dtype,
                        without_last(c.operands[0].shape), line_axis(c.attributes));
}
HostCall rfft_call(const CallContext& c) {
    return fourier_call(Kind::of_reals, c.operands[0].dtype, c.operands[0].shape, line_axis(c.attributes));
}
HostCall irfft_call(const CallContext& c) {
    Shape shape = without_last(c.operands[0].shape);
    shape[static_cast<std::size_t>(line_axis(c.attributes))] = irfft_extent(c.attributes)[0];
    return fourier_call(Kind::to_reals, c.operands[0].dtype, shape, line_axis(c.attributes));
}

// ---- the reference: what the head of fourier.h says

namespace {

template <class T>
struct Complex {
    T re = 0, im = 0;
};
template <class T>
using Line = std::vector<Complex<T>>;

template <class T>
Complex<T> operator+(Complex<T> a, Complex<T> b) {
    return {a.re + b.re, a.im + b.im};
}
template <class T>
Complex<T> operator-(Complex<T> a, Complex<T> b) {
    return {a.re - b.re, a.im - b.im};
}
template <class T>
Complex<T> operator*(Complex<T> a, Complex<T> w) {
    return {std::fma(a.re, w.re, -(a.im * w.im)), std::fma(a.re, w.im, a.im * w.re)};
}
template <class T>
Complex<T> conj(Complex<T> a) {
    return {a.re, -a.im};
}

// exp(-2 pi i k / n), 0 <= k < n: an angle of at most a half right one by symmetry, as a sum of two doubles, and the
// first terms of Taylor's series.
template <class T>
Complex<T> root(std::int64_t k, std::int64_t n) {
    constexpr double quarter_pi = 0x1.921fb54442d18p-1, rest_of_quarter_pi = 0x1.1a62633145c07p-55;
    const std::int64_t octant = 8 * k / n, within = 8 * k % n;
    const bool is_odd = octant % 2 != 0;
    const auto part = static_cast<double>(is_odd ? n - within : within), all = static_cast<double>(n);
    const double high = part / all, low = std::fma(-high, all, part) / all;
    const double x = high * quarter_pi;
    const double y = std::fma(high, quarter_pi, -x) + std::fma(high, rest_of_quarter_pi, low * quarter_pi);
    const double z = x * x;
    const auto polynomial = [z](std::initializer_list<double> coefficients) {
        double sum = *coefficients.begin();
        for (const double* c = coefficients.begin() + 1; c != coefficients.end(); ++c) sum = std::fma(sum, z, *c);
        return sum;
    };
    const double s = polynomial({1 / 355687428096000.0, -1 / 1307674368000.0, 1 / 6227020800.0, -1 / 39916800.0,
                                 1 / 362880.0, -1 / 5040.0, 1 / 120.0, -1 / 6.0});
    const double c = polynomial({-1 / 6402373705728000.0, 1 / 20922789888000.0, -1 / 87178291200.0, 1 / 479001600.0,
                                 -1 / 3628800.0, 1 / 40320.0, -1 / 720.0, 1 / 24.0});
    const double half = 0.5 * z, one = 1 - half;
    const double up = x + std::fma(x * z, s, y * std::fma(z, -0.5, 1.0)), sine = is_odd ? -up : up;
    const double cosine = one + (((1 - one) - half) + std::fma(z * z, c, -(x * y)));
    const auto rounded = [](double re, double im) { return Complex<T>{static_cast<T>(re), static_cast<T>(im)}; };
    switch ((octant + 1) / 2 % 4) {
        case 0:
            return rounded(cosine, -sine);
        case 1:
            return rounded(-sine, -cosine);
        case 2:
            return rounded(-cosine, sine);
        default:
            return rounded(sine, cosine);
    }
}

constexpr std::int64_t greatest_radix = 61;

// Those whose product is n; none where it has a greater prime factor.
std::vector<std::int64_t> radices_of(std::int64_t n) {
    std::vector<std::int64_t> radices;
    const auto divide = [&](std::int64_t r) {
        radices.push_back(r);
        n /= r;
    };
    std::int64_t twos = 1;
    while (n % (2 * twos) == 0) twos *= 2;
    for (; twos >= 8 && twos != 16; twos /= 8) divide(8);
    for (; twos >= 4; twos /= 4) divide(4);
    if (twos == 2) divide(2);
    for (std::int64_t p = 3; p <= greatest_radix; p += 2)
        while (n % p == 0) divide(p);
    return n == 1 ? radices : std::vector<std::int64_t>{};
}

template <class T>
void sum_four(Complex<T>& a, Complex<T>& b, Complex<T>& c, Complex<T>& d) {
    const Complex<T> s = a + c, u = a - c, t = b + d, v = b - d;
    a = s + t;
    b = {u.re + v.im, u.im - v.re};
    c = s - t;
    d = {u.re - v.im, u.im + v.re};
}

template <class T>
Line<T> sums_of_odd(const Line<T>& x) {
    const auto r = static_cast<std::int64_t>(x.size());
    const auto at = [&](std::int64_t k) { return x[static_cast<std::size_t>(k)]; };
    Line<T> y(x.size());
    y[0] = x[0];
    for (std::int64_t k = 1; k <= r / 2; ++k) y[0] = y[0] + (at(k) + at(r - k));
    for (std::int64_t j = 1; j <= r / 2; ++j) {
        Complex<T> even = x[0], odd;
        for (std::int64_t k = 1; k <= r / 2; ++k) {
            const Complex<T> w = root<T>(j * k % r, r), a = at(k) + at(r - k), d = at(k) - at(r - k);
            even = {std::fma(w.re, a.re, even.re), std::fma(w.re, a.im, even.im)};
            odd = k == 1 ? Complex<T>{w.im * d.re, w.im * d.im}
                         : Complex<T>{std::fma(w.im, d.re, odd.re), std::fma(w.im, d.im, odd.im)};
        }
        y[static_cast<std::size_t>(j)] = {even.re - odd.im, even.im + odd.re};
        y[static_cast<std::size_t>(r - j)] = {even.re + odd.im, even.im - odd.re};
    }
    return y;
}

template <class T>
Line<T> sums_of_few(Line<T> x) {
    if (x.size() == 2) return {x[0] + x[1], x[0] - x[1]};
    if (x.size() == 4) {
        sum_four(x[0], x[1], x[2], x[3]);
        return x;
    }
    if (x.size() != 8) return sums_of_odd(x);
    const T h = static_cast<T>(0x1.6a09e667f3bcdp-1);
    Line<T> e{x[0], x[2], x[4], x[6]}, o{x[1], x[3], x[5], x[7]};
    sum_four(e[0], e[1], e[2], e[3]);
    sum_four(o[0], o[1], o[2], o[3]);
    o[1] = {(o[1].re + o[1].im) * h, (o[1].im - o[1].re) * h};
    o[2] = {o[2].im, -o[2].re};
    o[3] = {(o[3].im - o[3].re) * h, -((o[3].re + o[3].im) * h)};
    for (std::size_t k = 0; k < 4; ++k) {
        x[k] = e[k] + o[k];
        x[k + 4] = e[k] - o[k];
    }
    return x;
}

template <class T>
Line<T> transform_by(std::span<const std::int64_t> radices, const Line<T>& x) {
    if (radices.empty()) return x;
    const auto r = static_cast<std::size_t>(radices[0]), m = x.size() / r;
    std::vector<Line<T>> lines(r, Line<T>(m));
    for (std::size_t p = 0; p < m; ++p) {
        Line<T> few;
        for (std::size_t k = 0; k < r; ++k) few.push_back(x[p + m * k]);
        few = sums_of_few(few);
        for (std::size_t t = 0; t < r; ++t)
            lines[t][p] = t == 0 || m == 1
                              ? few[t]
                              : few[t] * root<T>(static_cast<std::int64_t>(t * p), static_cast<std::int64_t>(x.size()));
    }
    Line<T> y(x.size());
    for (std::size_t t = 0; t < r; ++t) {
        const Line<T> part = transform_by(radices.subspan(1), lines[t]);
        for (std::size_t q = 0; q < m; ++q) y[r * q + t] = part[q];
    }
    return y;
}

// The length of columns of a long line; 0 where a line is not transformed by columns and rows.
std::size_t columns_of(std::size_t length) {
    constexpr std::int64_t longest_whole = 16384, least_columns = 64;
    const auto n = static_cast<std::int64_t>(length);
    std::int64_t a = 1;
    for (const std::int64_t r : radices_of(n)) {
        if (a * r * a * r > n) break;
        a *= r;
    }
    return n > longest_whole && a >= least_columns ? static_cast<std::size_t>(a) : 0;
}
bool is_smooth(std::size_t length) { return length == 1 || !radices_of(static_cast<std::int64_t>(length)).empty(); }
std::size_t convolution_length(std::size_t length) {
    std::size_t l = 8;
    while (l < 2 * length - 1) l = l % 3 == 0 ? l / 3 * 4 : l / 2 * 3;
    return l;
}

// Factor k, of n, of long lines.
template <class T>
Complex<T> root_by_two(std::size_t low, std::size_t high, std::size_t n) {
    const auto at = [n](std::size_t k) { return root<T>(static_cast<std::int64_t>(k), static_cast<std::int64_t>(n)); };
    return at(high) * at(low);
}

template <class T>
Line<T> transform_smooth(const Line<T>& x) {
    const auto radices = [](std::size_t n) { return radices_of(static_cast<std::int64_t>(n)); };
    const std::size_t n = x.size(), a = columns_of(n);
    if (a == 0) return transform_by<T>(radices(n), x);
    const std::size_t b = n / a;
    std::vector<Line<T>> rows(a, Line<T>(b));
    for (std::size_t p = 0; p < b; ++p) {
        Line<T> column(a);
        for (std::size_t k = 0; k < a; ++k) column[k] = x[k * b + p];
        column = transform_by<T>(radices(a), column);
        constexpr std::size_t at_once = 32;
        for (std::size_t t = 0; t < a; ++t)
            rows[t][p] = column[t] * root_by_two<T>(t % at_once * p, (t - t % at_once) * p, n);
    }
    Line<T> y(n);
    for (std::size_t t = 0; t < a; ++t) {
        const Line<T> row = transform_by<T>(radices(b), rows[t]);
        for (std::size_t q = 0; q < b; ++q) y[t + a * q] = row[q];
    }
    return y;
}

template <class T>
Line<T> exchanged(Line<T> x) {
    for (Complex<T>& a : x) std::swap(a.re, a.im);
    return x;
}

template <class T>
Line<T> transform_by_convolution(const Line<T>& x) {
    const auto n = static_cast<std::int64_t>(x.size());
    const std::size_t all = convolution_length(x.size());
    Line<T> c, filter(all), line(all);
    for (std::int64_t j = 0; j < n; ++j) c.push_back(root<T>(j * j % (2 * n), 2 * n));
    for (std::size_t j = 0; j < x.size(); ++j) {
        filter[j] = filter[(all - j) % all] = conj(c[j]);
        line[j] = x[j] * c[j];
    }
    filter = transform_smooth(filter);
    line = transform_smooth(line);
    const T scale = 1 / static_cast<T>(all);
    for (std::size_t j = 0; j < all; ++j) line[j] = line[j] * Complex<T>{filter[j].re * scale, filter[j].im * scale};
    line = exchanged(transform_smooth(exchanged(line)));
    line.resize(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) line[j] = line[j] * c[j];
    return line;
}

template <class T>
Line<T> transform(const Line<T>& x) {
    return is_smooth(x.size()) ? transform_smooth(x) : transform_by_convolution(x);
}
template <class T>
Line<T> inverse(const Line<T>& x) {
    return exchanged(transform(exchanged(x)));
}

// Factor k of n real numbers, n even.
template <class T>
Complex<T> root_of_reals(std::size_t k, std::size_t n) {
    constexpr std::size_t at_once = 64;
    const std::size_t half = n / 2;
    if (columns_of(is_smooth(half) ? half : convolution_length(half)) != 0)
        return root_by_two<T>(k % at_once, k - k % at_once, n);
    return root<T>(static_cast<std::int64_t>(k), static_cast<std::int64_t>(n));
}

template <class T>
Line<T> transform_reals(const std::vector<T>& x) {
    const std::size_t n = x.size(), half = n / 2;
    Line<T> line;
    if (n % 2 != 0) {
        for (const T v : x) line.push_back({v, 0});
        line = transform(line);
        line.resize(half + 1);
        line[0].im = 0;
        return line;
    }
    for (std::size_t j = 0; j < half; ++j) line.push_back({x[2 * j], x[2 * j + 1]});
    const Line<T> z = transform(line);
    Line<T> y(half + 1);
    y[0].re = z[0].re + z[0].im;
    y[half].re = z[0].re - z[0].im;
    for (std::size_t k = 1; k < half; ++k) {
        const Complex<T> o = conj(z[half - k]), a = z[k] + o;
        const Complex<T> u = (z[k] - o) * root_of_reals<T>(k, n);
        const T to_half = static_cast<T>(0.5);
        y[k] = {to_half * (a.re + u.im), to_half * (a.im - u.re)};
    }
    return y;
}

template <class T>
std::vector<T> transform_to_reals(const Line<T>& y, std::size_t n) {
    const std::size_t half = n / 2;
    std::vector<T> x;
    Line<T> line = y;
    line[0].im = 0;
    if (n % 2 != 0) {
        line.resize(n);
        for (std::size_t k = 1; k <= half; ++k) line[n - k] = conj(line[k]);
        for (const Complex<T>& a : inverse(line)) x.push_back(a.re);
        return x;
    }
    Line<T> z(half);
    z[0] = {y[0].re + y[half].re, y[0].re - y[half].re};
    for (std::size_t k = 1; k < half; ++k) {
        const Complex<T> o = conj(y[half - k]), a = y[k] + o;
        const Complex<T> u = (y[k] - o) * conj(root_of_reals<T>(k, n));
        z[k] = {a.re - u.im, a.im + u.re};
    }
    for (const Complex<T>& a : inverse(z)) {
        x.push_back(a.re);
        x.push_back(a.im);
    }
    return x;
}

// Calls f(line of x), which gives that of y: numbers or complex numbers.
template <class From, class To, class F>
std::vector<Literal> of_lines(const ReferenceContext& c, const F& f) {
    const Lines from(c.operands[0].type.shape, line_axis(c.attributes)),
        to(c.results[0].shape, line_axis(c.attributes));
    constexpr std::size_t of_bits = sizeof(decltype(f(std::vector<From>{})[0]));
    static_assert(of_bits == sizeof(To));
    const Literal& x = c.operands[0];
    std::vector<std::byte> spread;
    if (x.is_splat()) {
        const auto count = static_cast<std::size_t>(x.type.shape.element_count().constant());
        for (std::size_t i = 0; i < count; ++i) spread.insert(spread.end(), x.bytes->begin(), x.bytes->end());
    }
    const std::byte* const in = x.is_splat() ? spread.data() : x.bytes->data();
    std::vector<std::byte> out(static_cast<std::size_t>(c.results[0].shape.element_count().constant()) *
                               size_of(c.results[0].dtype));
    const auto count = static_cast<std::size_t>(from.extent.constant());
    const auto of = [](const Lines& lines, std::size_t size, std::size_t number_size) {
        return static_cast<std::size_t>(lines.inner.constant()) * number_size / size;
    };
    const std::size_t number = size_of(x.type.dtype), in_step = of(from, sizeof(From), number),
                      out_step = of(to, sizeof(To), number);
    const std::size_t lines = out.empty() ? 0 : static_cast<std::size_t>(from.outer.constant()) * in_step;
    for (std::size_t l = 0; l < lines; ++l) {
        std::vector<From> line(count);
        for (std::size_t j = 0; j < count; ++j)
            std::memcpy(&line[j], in + (l / in_step * count * in_step + l % in_step + j * in_step) * sizeof(From),
                        sizeof(From));
        const std::vector<To> y = f(line);
        for (std::size_t j = 0; j < y.size(); ++j)
            std::memcpy(out.data() + (l / out_step * y.size() * out_step + l % out_step + j * out_step) * sizeof(To),
                        &y[j], sizeof(To));
    }
    return {{c.results[0], std::make_shared<const std::vector<std::byte>>(std::move(out))}};
}

template <class F>
std::vector<Literal> in_dtype(const ReferenceContext& c, const F& f) {
    return c.results[0].dtype == Dtype::f64 ? f(double{}) : f(float{});
}

}  // namespace

std::vector<Literal> fft_reference(const ReferenceContext& c) {
    const bool is_inverse = fft_inverse(c.attributes);
    return in_dtype(c, [&]<class T>(T) {
        return of_lines<Complex<T>, Complex<T>>(
            c, [&](const Line<T>& x) { return is_inverse ? inverse(x) : transform(x); });
    });
}
std::vector<Literal> rfft_reference(const ReferenceContext& c) {
    return in_dtype(c, [&]<class T>(T) {
        return of_lines<T, Complex<T>>(c, [](const std::vector<T>& x) { return transform_reals(x); });
    });
}
std::vector<Literal> irfft_reference(const ReferenceContext& c) {
    const auto extent = static_cast<std::size_t>(irfft_extent(c.attributes)[0].constant());
    return in_dtype(c, [&]<class T>(T) {
        return of_lines<Complex<T>, T>(c, [&](const Line<T>& x) { return transform_to_reals(x, extent); });
    });
}

}  // namespace lathe::ir::ops
