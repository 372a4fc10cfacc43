// How the Fourier transform of a length is computed, and the tables that it needs. All of it follows from the length.
#ifndef LATHE_RUNTIME_CALLS_FFT_PLAN_H
#define LATHE_RUNTIME_CALLS_FFT_PLAN_H

#include "runtime/calls/fft_vectors.h"

namespace {

constexpr std::int64_t greatest_radix = 61;

// 8 as often as it goes, so that 4 and 4 are left of 16, 4 of 4 and 2 of 2; then the odd primes, ascending.
struct Radices {
    int count = 0;
    std::int64_t of[40] = {};
    bool is_whole = true;  // the length is the product of these

    explicit Radices(std::int64_t length) {
        int twos = 0;
        for (; length > 1 && length % 2 == 0; length /= 2) ++twos;
        const int fours = twos % 3 == 1 && twos > 1 ? 2 : twos % 3 == 2 ? 1 : 0;
        for (int i = 0; i < (twos - 2 * fours) / 3; ++i) of[count++] = 8;
        for (int i = 0; i < fours; ++i) of[count++] = 4;
        if (twos == 1) of[count++] = 2;
        for (std::int64_t p = 3; p <= greatest_radix && length > 1; p += 2)
            for (; length % p == 0; length /= p) of[count++] = p;
        is_whole = length <= 1;
    }
};

// As the matrix of which a long line is transformed by columns and by rows, how many rows it has, the length of a
// column: the greatest product of leading radices that is at most the square root of the length. 0 where it is short,
// or that is not much.
constexpr std::int64_t longest_whole = 16384, least_columns = 64;
inline std::int64_t columns_of(std::int64_t length) {
    if (length <= longest_whole) return 0;
    const Radices radices(length);
    std::int64_t a = 1;
    for (int i = 0; i < radices.count && a * radices.of[i] <= length / (a * radices.of[i]); ++i) a *= radices.of[i];
    return a < least_columns ? 0 : a;
}
// Factors of long lines are products of two: power k % n of the first few by power k - k % n.
constexpr std::int64_t halves_at_once = 64, twiddles_at_once = 32;

// Of a power of two and its threefold, at least 8, the least that holds a convolution of two lines.
inline std::int64_t convolution_length(std::int64_t length) {
    std::int64_t n = 8;
    while (n < 2 * length - 1) n = n % 3 == 0 ? n / 3 * 4 : n / 2 * 3;
    return n;
}

// Powers of exp(-2 pi i / n), 0 <= k < n: by symmetry of an angle of at most a half right one, as a sum of two doubles,
// and the first terms of Taylor's series.
[[gnu::always_inline]] inline Complex<Doubles> powers(Doubles k, Doubles n) {
    const auto all = [](double x) { return all_of<Doubles>(x); };
    const auto choose = [](auto condition, Doubles a, Doubles b) -> Doubles {
        return _mm256_blendv_pd(b, a, reinterpret_cast<Doubles>(condition));
    };
    const auto floor = [](Doubles x) -> Doubles { return _mm256_floor_pd(x); };
    const auto polynomial = [](Doubles z, const auto&... coefficients) {
        Doubles sum{};
        ((sum = fma(sum, z, all_of<Doubles>(coefficients))), ...);
        return sum;
    };
    const Doubles quarter_pi = all(0x1.921fb54442d18p-1), rest_of_quarter_pi = all(0x1.1a62633145c07p-55);
    const Doubles octant = floor(8 * k / n), within = fma(-octant, n, 8 * k);
    const Doubles quarter = floor((octant + 1) * 0.5);
    const auto is_odd = octant - 2 * floor(octant * 0.5) == 1;
    const Doubles part = choose(is_odd, n - within, within);
    const Doubles high = part / n, low = fma(-high, n, part) / n;
    const Doubles x = high * quarter_pi;
    const Doubles y = fma(high, quarter_pi, -x) + fma(high, rest_of_quarter_pi, low * quarter_pi);
    const Doubles z = x * x;
    const Doubles s = polynomial(z, 1 / 355687428096000.0, -1 / 1307674368000.0, 1 / 6227020800.0, -1 / 39916800.0,
                                 1 / 362880.0, -1 / 5040.0, 1 / 120.0, -1 / 6.0);
    const Doubles c = polynomial(z, -1 / 6402373705728000.0, 1 / 20922789888000.0, -1 / 87178291200.0, 1 / 479001600.0,
                                 -1 / 3628800.0, 1 / 40320.0, -1 / 720.0, 1 / 24.0);
    const Doubles half = 0.5 * z, one = 1 - half;
    const Doubles up = x + fma(x * z, s, y * fma(z, all(-0.5), all(1))), sine = choose(is_odd, -up, up);
    const Doubles cosine = one + (((1 - one) - half) + fma(z * z, c, -(x * y)));
    const auto is_turned = (quarter == 1) | (quarter == 3);
    const Doubles re = choose(is_turned, sine, cosine), im = choose(is_turned, cosine, sine);
    return {choose((quarter == 1) | (quarter == 2), -re, re), choose((quarter == 2) | (quarter == 3), im, -im)};
}

template <class T>
Split<T> take_table(T*& next, std::int64_t count) {
    const Split<T> table{next, next + count};
    next += 2 * count;
    return table;
}
[[gnu::always_inline]] inline void store_narrowed(double* to, Doubles x) { store(to, x); }
[[gnu::always_inline]] inline void store_narrowed(float* to, Doubles x) { _mm_storeu_ps(to, _mm256_cvtpd_ps(x)); }

// From entry `at` of a table on, the powers that `exponents(i)` says of entry i and the next ones.
template <class T, class Exponents>
[[gnu::always_inline]] inline void set_powers(const Split<T>& table, std::int64_t at, std::int64_t count,
                                              std::int64_t n, const Exponents& exponents) {
    constexpr std::int64_t width = Pack<Doubles>::width;
    const Doubles all = all_of<Doubles>(static_cast<double>(n));
    for (std::int64_t i = 0; i < count; i += width) {
        const Complex<Doubles> w = powers(exponents(i), all);
        if (i + width <= count) {
            store_narrowed(table.re + at + i, w.re);
            store_narrowed(table.im + at + i, w.im);
            continue;
        }
        T re[width], im[width];
        store_narrowed(re, w.re);
        store_narrowed(im, w.im);
        for (std::int64_t l = 0; i + l < count; ++l) {
            table.re[at + i + l] = re[l];
            table.im[at + i + l] = im[l];
        }
    }
}
// Those of (first + i) * step.
template <class T>
[[gnu::noinline]] void set_multiples(const Split<T>& table, std::int64_t at, std::int64_t count, std::int64_t n,
                                     std::int64_t first, std::int64_t step) {
    set_powers(table, at, count, n,
               [from = static_cast<double>(first), by = static_cast<double>(step)](std::int64_t i) {
                   return (Doubles{0, 1, 2, 3} + (from + static_cast<double>(i))) * by;
               });
}

// The transform of a length by radices. Its tables lie where `next` is, which moves on.
template <class T>
struct Stages {
    std::int64_t length;
    Radices radices;
    Split<T> twiddles{};  // for each stage, power t = 1, 2, ... of the radix, and element: exp(-2 pi i t p / n)
    Split<T> roots{};     // for each stage of an odd radix

    Stages(std::int64_t length, T*& next) : length(length), radices(length) {
        std::int64_t primes = 0;
        for (int i = 0; i < radices.count; ++i) primes += radices.of[i] % 2 != 0 ? radices.of[i] : 0;
        twiddles = take_table(next, length);
        roots = take_table(next, primes);
    }
    // Part `part` of `parts` of the tables.
    void make_powers(std::int64_t part, std::int64_t parts) const {
        std::int64_t n = length, at = 0, root_at = 0;
        for (int i = 0; i < radices.count; ++i) {
            const std::int64_t radix = radices.of[i], m = n / radix;
            const std::int64_t first = m * part / parts, last = m * (part + 1) / parts;
            for (std::int64_t t = 1; t < radix && m > 1; ++t)
                set_multiples(twiddles, at + (t - 1) * m + first, last - first, n, first, t);
            at += (radix - 1) * m;
            n = m;
            if (radix % 2 == 0) continue;
            if (part == 0) set_multiples(roots, root_at, radix, radix, 0, 1);
            root_at += radix;
        }
    }
};

enum class Kind { forward, inverse, of_reals, to_reals };

// What of the tables lies where, in memory that all threads have in common.
template <class T>
class Plan {
public:
    Plan(Kind kind, std::int64_t extent, T* tables)
        : is_halved((kind == Kind::of_reals || kind == Kind::to_reals) && extent % 2 == 0),
          extent(extent),
          length(is_halved ? extent / 2 : extent),
          needs_convolution(!Radices(length).is_whole),
          smooth_length(needs_convolution ? convolution_length(length) : length),
          columns(columns_of(smooth_length)),
          whole(is_long() ? columns : smooth_length, tables),
          rows(is_long() ? smooth_length / columns : 1, tables) {
        if (is_halved) halves = take_table(tables, is_long() ? halves_at_once + length / halves_at_once + 1 : length);
        if (needs_convolution) {
            chirp = take_table(tables, length);
            filter = take_table(tables, smooth_length);
        }
    }

    // Part `part` of `parts` of what depends on no other table.
    void make_powers(std::int64_t part, std::int64_t parts) const {
        whole.make_powers(part, parts);
        rows.make_powers(part, parts);
        if (!is_halved) return;
        if (is_long()) {
            if (part > 0) return;
            set_multiples(halves, 0, halves_at_once, extent, 0, 1);
            set_multiples(halves, halves_at_once, length / halves_at_once + 1, extent, 0, halves_at_once);
        } else {
            const std::int64_t first = length * part / parts, last = length * (part + 1) / parts;
            set_multiples(halves, first, last - first, extent, first, 1);
        }
    }
    // exp(-pi i j^2 / length).
    void make_chirp() const {
        std::int64_t square = 0;
        set_powers(chirp, 0, length, 2 * length, [&](std::int64_t j) {
            double squares[4];
            for (std::int64_t l = 0; l < 4; ++l) {
                squares[l] = static_cast<double>(square);
                square = (square + 2 * (j + l) + 1) % (2 * length);
            }
            return load<Doubles>(squares);
        });
    }
    // Factor k of the real lines; of several, where the length is long, k is a multiple of as many.
    template <class P>
    [[gnu::always_inline]] Complex<P> half_at(std::int64_t k) const {
        if (!is_long()) return halves.template at<P>(k);
        const std::int64_t high = halves_at_once + k / halves_at_once;
        return times(Complex<P>{all_of<P>(halves.re[high]), all_of<P>(halves.im[high])},
                     halves.template at<P>(k % halves_at_once));
    }

    // Whether the transform is made of those of columns and of rows.
    bool is_long() const { return columns != 0; }

    bool is_halved;
    std::int64_t extent, length;  // of lines; of the complex transform
    bool needs_convolution;
    std::int64_t smooth_length;  // of the transforms by stages
    std::int64_t columns;        // their length; 0: there are none
    Stages<T> whole, rows;       // the former of columns, where there are such
    Split<T> halves{};           // of lines of reals
    Split<T> chirp{}, filter{};
};

}  // namespace

#endif
