// Transforms of long lines, by columns and rows (Bailey's method): a line of n = a b elements is a matrix of a rows.
// Its columns are transformed, element (t, p) is multiplied by exp(-2 pi i t p / n), the rows are transformed, and
// element (t, q) is number t + a q of the result. Eight columns, and then eight rows, go through the stages side by
// side, within a cache; where eight lines lie side by side already, one of each.
#ifndef LATHE_RUNTIME_CALLS_FFT_LONG_H
#define LATHE_RUNTIME_CALLS_FFT_LONG_H

#include "runtime/calls/fft_batches.h"
#include "runtime/calls/fft_stages.h"

namespace {

template <class T>
class Matrix {
public:
    // How many numbers of a workspace it needs is less than half the length, and some.
    Matrix(const Plan<T>& plan, T* memory)
        : plan_(plan), a_(plan.columns), b_(plan.rows.length), n_(plan.smooth_length) {
        if (!plan.is_long()) return;
        constexpr std::int64_t apart = 80;
        const std::int64_t count = (a_ > b_ ? a_ : b_) * most_lanes + apart;
        first_ = {memory, memory + count};
        second_ = {memory + 2 * count, memory + 3 * count};
        memory += 4 * count;
        low_ = take_table(memory, twiddles_at_once * most_lanes);
        high_ = take_table(memory, (a_ / twiddles_at_once + 1) * most_lanes);
    }

    // Groups of columns, and of rows, that lines alone have.
    std::int64_t column_groups() const { return (b_ + most_lanes - 1) / most_lanes; }
    std::int64_t row_groups() const { return (a_ + most_lanes - 1) / most_lanes; }
    // Numbers of one part of a matrix between columns and rows: of groups of rows, row by row, their elements side by
    // side.
    std::int64_t size() const { return row_groups() * most_lanes * b_; }
    std::int64_t columns_of_group(std::int64_t group) const { return in_group(group, b_); }
    std::int64_t rows_of_group(std::int64_t group) const { return in_group(group, a_); }
    std::int64_t rows() const { return a_; }
    std::int64_t columns() const { return b_; }

    // Calls read(columns side by side, the first one's number, how many), then transforms those.
    template <class Read>
    void transform_columns(std::int64_t group, const Read& read, const Split<T>& matrix) {
        const std::int64_t p = group * most_lanes, count = columns_of_group(group);
        Split<T> x = first_, y = second_;
        read(x, p, count);
        run_stages(plan_.whole, most_lanes, x, y);
        for (std::int64_t t = 0; t < twiddles_at_once; ++t) set_multiples(low_, t * most_lanes, most_lanes, n_, p, t);
        for (std::int64_t t = 0; t < a_; t += twiddles_at_once)
            set_multiples(high_, t / twiddles_at_once * most_lanes, most_lanes, n_, p, t);
        for (std::int64_t t = 0; t < a_; t += most_lanes) store_square(x, t, count, matrix, p);
    }
    // A group of rows, side by side.
    Split<T> transform_rows(std::int64_t group, const Split<T>& matrix) {
        const std::int64_t at = group * most_lanes * b_;
        Split<T> x = first_, y = second_;
        run_stages(plan_.rows, most_lanes, Split<T>{matrix.re + at, matrix.im + at}, x, y,
                   [](const Split<T>& buffer) { return buffer; });
        return x;
    }

    // `s` lines in a buffer, with another one of the size of a matrix.
    void transform(std::int64_t s, const Split<T>& line, const Split<T>& matrix) {
        if (s != 1) return transform_side_by_side(line, matrix);
        for (std::int64_t group = 0; group < column_groups(); ++group)
            transform_columns(
                group,
                [&](const Split<T>& to, std::int64_t p, std::int64_t count) {
                    read_numbers(to.re, line.re + p, a_, most_lanes, {count, 1, b_});
                    read_numbers(to.im, line.im + p, a_, most_lanes, {count, 1, b_});
                },
                matrix);
        for (std::int64_t group = 0; group < row_groups(); ++group) {
            const Split<T> x = transform_rows(group, matrix);
            const std::int64_t t = group * most_lanes, count = rows_of_group(group);
            write_numbers(line.re + t, x.re, b_, most_lanes, {count, 1, a_});
            write_numbers(line.im + t, x.im, b_, most_lanes, {count, 1, a_});
        }
    }

private:
    static std::int64_t in_group(std::int64_t group, std::int64_t all) {
        const std::int64_t rest = all - group * most_lanes;
        return rest < most_lanes ? rest : most_lanes;
    }

    // Elements t, t + 1, ... of columns, by their factors, to their rows.
    void store_square(const Split<T>& x, std::int64_t t, std::int64_t count, const Split<T>& matrix, std::int64_t p) {
        using P = Wide<T>;
        constexpr std::int64_t width = Pack<P>::width;
        for (std::int64_t row = 0; row < most_lanes; row += width)
            for (std::int64_t column = 0; column < count; column += width) {
                P re[width], im[width];
                for (std::int64_t l = 0; l < width; ++l) {
                    const std::int64_t at = t + row + l;
                    const Complex<P> w = at < a_ ? twiddle<P>(at, column) : Complex<P>{P{}, P{}};
                    const Complex<P> z =
                        at < a_ ? times(x.template at<P>(at * most_lanes + column), w) : Complex<P>{P{}, P{}};
                    re[l] = z.re;
                    im[l] = z.im;
                }
                transpose(re);
                transpose(im);
                const std::int64_t to = (t * b_ + (p + column) * most_lanes) + row;
                for (std::int64_t l = 0; l < width && column + l < count; ++l)
                    matrix.set(to + l * most_lanes, Complex<P>{re[l], im[l]});
            }
    }
    template <class P>
    [[gnu::always_inline]] Complex<P> twiddle(std::int64_t t, std::int64_t column) const {
        return times(high_.template at<P>(t / twiddles_at_once * most_lanes + column),
                     low_.template at<P>(t % twiddles_at_once * most_lanes + column));
    }

    // A row of eight is an element of each line.
    void transform_side_by_side(const Split<T>& lines, const Split<T>& matrix) {
        using P = Wide<T>;
        const auto copy = [](const Split<T>& to, std::int64_t i, const Split<T>& from, std::int64_t j) {
            for (std::int64_t l = 0; l < most_lanes; l += Pack<P>::width)
                to.set(i * most_lanes + l, from.template at<P>(j * most_lanes + l));
        };
        for (std::int64_t p = 0; p < b_; ++p) {
            Split<T> x = first_, y = second_;
            for (std::int64_t k = 0; k < a_; ++k) copy(x, k, lines, k * b_ + p);
            run_stages(plan_.whole, most_lanes, x, y);
            set_multiples(low_, 0, twiddles_at_once, n_, 0, p);
            set_multiples(high_, 0, (a_ + twiddles_at_once - 1) / twiddles_at_once, n_, 0, twiddles_at_once * p);
            for (std::int64_t t = 0; t < a_; ++t) {
                const Complex<T> w =
                    times(high_.template at<T>(t / twiddles_at_once), low_.template at<T>(t % twiddles_at_once));
                const Complex<P> all{all_of<P>(w.re), all_of<P>(w.im)};
                for (std::int64_t l = 0; l < most_lanes; l += Pack<P>::width)
                    matrix.set((t * b_ + p) * most_lanes + l, times(x.template at<P>(t * most_lanes + l), all));
            }
        }
        for (std::int64_t t = 0; t < a_; ++t) {
            const Split<T> x = transform_rows(t, matrix);
            for (std::int64_t q = 0; q < b_; ++q) copy(lines, t + a_ * q, x, q);
        }
    }

    const Plan<T>& plan_;
    std::int64_t a_, b_, n_;
    Split<T> first_{}, second_{};  // eight columns or rows
    Split<T> low_{}, high_{};      // factors
};

}  // namespace

#endif
