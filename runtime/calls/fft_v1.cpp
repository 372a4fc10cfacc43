// Fourier transforms of the lines of a tensor: of complex numbers, whose parts lie side by side, forward and inverse,
// of reals, and back to reals. What is computed, and in which order, the rows of ir/ops/fourier.h say.
//
// The first phase makes tables, in memory in common; the second transforms lines. A line alone goes through the stages
// by itself, where its length has room for vectors; others go eight side by side. Where threads share lines, because
// these are few and long, the second phase transforms columns, the third rows (fft_long.h), and a fourth makes of the
// complex numbers of a real line what its user wants.
//
// Operands: x, y, then memory in common. Extents: dtype, kind (of fft_plan.h), elements of a line as a user sees it,
// how many lines lie side by side (0: they are rows), how many lines an iteration takes, lines or groups of such as lie
// side by side, into how many parts the tables are made, into how many pieces a line is cut, and the phase. Iterations:
// parts, then as many lines of those that lie behind or beside one another, or pieces of lines.
#include "runtime/aot.h"
#include "runtime/calls/calls.h"
#include "runtime/calls/fft_ends.h"
#include "runtime/calls/fft_long.h"
#include "runtime/calls/fft_stages.h"

namespace {

template <class T>
class Transform {
public:
    Transform(const T* x, T* y, const std::int64_t* extents, T* common, T* workspace)
        : plan_(static_cast<Kind>(extents[1]), extents[2], common),
          x_(x),
          y_(y),
          kind_(static_cast<Kind>(extents[1])),
          inner_(extents[3]),
          lanes_(extents[4]),
          outer_(extents[5]),
          parts_(extents[6]),
          pieces_(extents[7]),
          in_common_(common + 15 * extents[2] + 128),
          workspace_(workspace),
          has_room_(plan_.length % most_lanes == 0 && plan_.length >= 64),
          from_(kind_ == Kind::of_reals ? plan_.extent : 2 * (kind_ == Kind::to_reals ? bins() : plan_.extent)),
          to_(kind_ == Kind::to_reals ? plan_.extent : 2 * (kind_ == Kind::of_reals ? bins() : plan_.extent)),
          matrix_(plan_, workspace_ + 4 * buffer_size(lanes_ == 1 ? 1 : most_lanes)) {}

    // ---- tables

    void make_tables(std::int64_t begin, std::int64_t end) {
        if (!plan_.needs_convolution) {
            for (; begin < end; ++begin) plan_.make_powers(begin, parts_);
            return;
        }
        if (begin > 0 || end == 0) return;
        plan_.make_powers(0, 1);
        plan_.make_chirp();
        use(1);
        const std::int64_t n = plan_.length, all = plan_.smooth_length;
        for (std::int64_t j = 0; j < all; ++j) a_.set(j, Complex<T>{});
        for (std::int64_t j = 0; j < n; ++j) {
            const Complex<T> c{plan_.chirp.re[j], -plan_.chirp.im[j]};
            a_.set(j, c);
            a_.set((all - j) % all, c);
        }
        transform_smooth();
        const T scale = 1 / static_cast<T>(all);
        for (std::int64_t j = 0; j < all; ++j) plan_.filter.set(j, Complex<T>{a_.re[j] * scale, a_.im[j] * scale});
    }

    // ---- lines

    void run(std::int64_t begin, std::int64_t end) {
        const bool in_rows = inner_ == 0;
        const std::int64_t across = in_rows ? outer_ : inner_, groups = (across + lanes_ - 1) / lanes_;
        const bool one_by_one = in_rows && (has_room_ || plan_.needs_convolution);
        for (; begin < end; ++begin) {
            const std::int64_t first = begin % groups * lanes_;
            const std::int64_t count = across - first < lanes_ ? across - first : lanes_;
            if (in_rows) {
                const std::int64_t step = one_by_one ? 1 : count;
                use(step == 1 ? 1 : most_lanes);
                for (std::int64_t l = first; l < first + count; l += step) {
                    if (step == 1 && (l + 1 < first + count || begin + 1 < end)) prefetch(l + 1);
                    run_lines(x_ + l * from_, y_ + l * to_, {step, from_, 1}, {step, to_, 1});
                }
            } else {
                const std::int64_t block = begin / groups * inner_;
                const auto offset = [&](std::int64_t numbers, bool is_complex) {
                    return block * numbers + first * (is_complex ? 2 : 1);
                };
                use(count == 1 ? 1 : most_lanes);
                run_lines(x_ + offset(from_, kind_ != Kind::of_reals), y_ + offset(to_, kind_ != Kind::to_reals),
                          {count, 1, inner_}, {count, 1, inner_});
            }
        }
    }

    // Those of a phase. A line that is no matrix is the first piece of all.
    void run_pieces(std::int64_t begin, std::int64_t end, std::int64_t phase) {
        const bool is_real = kind_ == Kind::of_reals || kind_ == Kind::to_reals;
        const bool is_matrix = plan_.is_long() && !plan_.needs_convolution && plan_.is_halved == is_real;
        for (; begin < end; ++begin) {
            const std::int64_t line = begin / pieces_, piece = begin % pieces_;
            if (is_matrix)
                run_piece(line, piece, phase);
            else if (phase == 1 && piece == 0)
                run(line, line + 1);
        }
    }

private:
    // Numbers of real or imaginary parts in each of two buffers.
    std::int64_t buffer_size(std::int64_t s) const {
        constexpr std::int64_t line = 16, apart = 80;  // so that the four do not crowd the same sets of a cache
        const std::int64_t length = plan_.smooth_length + (plan_.is_long() ? plan_.smooth_length / 8 : 0) + 1;
        return (length * s + line - 1) / line * line + apart;
    }
    // Each number of the buffers is a row of `s`.
    void use(std::int64_t s) {
        const std::int64_t count = buffer_size(s);
        s_ = s;
        a_ = {workspace_, workspace_ + count};
        b_ = {workspace_ + 2 * count, workspace_ + 3 * count};
    }
    std::int64_t bins() const { return plan_.extent / 2 + 1; }

    // ---- pieces of a line

    void run_piece(std::int64_t line, std::int64_t piece, std::int64_t phase) {
        const T* const x = x_ + line * from_;
        T* const y = y_ + line * to_;
        T* const common = in_common_ + line * (3 * plan_.extent + 512);
        const Split<T> matrix{common, common + matrix_.size()};
        T* const spectrum = common + 2 * matrix_.size();
        use(1);
        const auto part_of = [&](std::int64_t count, std::int64_t end) { return count * (piece + end) / pieces_; };
        const auto for_part = [&](std::int64_t count, const auto& f) {
            for (std::int64_t i = part_of(count, 0); i < part_of(count, 1); ++i) f(i);
        };
        const bool is_inverse = kind_ == Kind::inverse || kind_ == Kind::to_reals;
        if (phase == 1) {
            for_part(matrix_.column_groups(), [&](std::int64_t group) {
                matrix_.transform_columns(
                    group,
                    [&](const Split<T>& to, std::int64_t p, std::int64_t count) {
                        if (kind_ == Kind::to_reals) return join_columns(to, x, p, count);
                        read_pairs(is_inverse ? to.swapped() : to, x + 2 * p, matrix_.rows(), most_lanes,
                                   {count, 2, 2 * matrix_.columns()});
                    },
                    matrix);
            });
        } else if (phase == 2) {
            for_part(matrix_.row_groups(), [&](std::int64_t group) {
                const Split<T> rows = matrix_.transform_rows(group, matrix);
                T* const to = (kind_ == Kind::of_reals ? spectrum : y) + 2 * group * most_lanes;
                write_pairs(to, is_inverse ? rows.swapped() : rows, matrix_.columns(), most_lanes,
                            {matrix_.rows_of_group(group), 2, 2 * matrix_.rows()});
            });
        } else if (kind_ == Kind::of_reals) {
            const Pairs<const T, false> from{spectrum};
            const Pairs<T, false> to{y};
            if (piece == 0) part_first(from, to);
            part_bins(from, to, 1 + part_of(plan_.length - 1, 0), 1 + part_of(plan_.length - 1, 1));
        }
    }
    void join_columns(const Split<T>& to, const T* x, std::int64_t p, std::int64_t count) const {
        using P = Wide<T>;
        const Pairs<const T, false> from{x};
        for (std::int64_t j = 0; j < matrix_.rows(); ++j) {
            const std::int64_t k = j * matrix_.columns() + p;
            if (count == most_lanes && k > 0 && k % most_lanes == 0) {
                for (std::int64_t l = 0; l < most_lanes; l += Pack<P>::width)
                    to.set(j * most_lanes + l, joined<P>(from, k + l, 0));
                continue;
            }
            for (std::int64_t l = 0; l < most_lanes; ++l)
                to.set(j * most_lanes + l, l >= count   ? Complex<T>{}
                                           : k + l == 0 ? joined_first(from, 0)
                                                        : joined<T>(from, k + l, 0));
        }
    }

    // ---- whole lines

    // Batches as if of real numbers: of complex ones, each distance is twice that.
    static Batch pairs_of(const Batch& reals) {
        return {reals.lanes, reals.line == 1 ? 2 : reals.line, 2 * reals.step};
    }

    // A line on its way into a cache while the one before is transformed.
    void prefetch(std::int64_t line) const {
        constexpr std::int64_t apart = 64 / sizeof(T);
        constexpr int to_second_level = 2;
        for (std::int64_t j = 0; j < from_; j += apart) __builtin_prefetch(x_ + line * from_ + j, 0, to_second_level);
        for (std::int64_t j = 0; j < to_; j += apart) __builtin_prefetch(y_ + line * to_ + j, 1, to_second_level);
    }

    void run_lines(const T* x, T* y, const Batch& from, const Batch& to) {
        switch (kind_) {
            case Kind::forward:
            case Kind::inverse:
                return run_complex(x, y, from, to);
            case Kind::of_reals:
                return run_of_reals(x, y, from, to);
            case Kind::to_reals:
                return run_to_reals(x, y, from, to);
        }
    }

    // Whether the first stage can read a line as its user has it, and the last one write it.
    bool is_direct(const Batch& batch) const {
        return s_ == 1 && batch.step == 1 && !plan_.needs_convolution && !plan_.is_long() && has_room_;
    }

    void run_complex(const T* x, T* y, const Batch& from, const Batch& to) {
        const bool is_inverse = kind_ == Kind::inverse;
        if (is_direct(from)) return is_inverse ? run_directly<true>(x, y) : run_directly<false>(x, y);
        const std::int64_t n = plan_.length;
        read_pairs(is_inverse ? a_.swapped() : a_, x, n, s_, pairs_of(from));
        transform();
        write_pairs(y, is_inverse ? a_.swapped() : a_, n, s_, pairs_of(to));
    }
    template <bool is_inverse>
    void run_directly(const T* x, T* y) {
        run_stages(plan_.whole, 1, Pairs<const T, is_inverse>{x}, a_, b_, to_pairs<is_inverse>(y));
    }
    template <bool is_inverse>
    static auto to_pairs(T* y) {
        return [y](const Split<T>&) { return Pairs<T, is_inverse>{y}; };
    }

    void run_of_reals(const T* x, T* y, const Batch& from, const Batch& to) {
        const std::int64_t n = plan_.length;
        if (plan_.is_halved && is_direct(from)) {
            run_stages(plan_.whole, 1, Pairs<const T, false>{x}, a_, b_, [](const Split<T>& buffer) { return buffer; });
            return part_reals(a_, Pairs<T, false>{y});
        }
        if (!plan_.is_halved) {
            read_numbers(a_.re, x, n, s_, from);
            for (std::int64_t j = 0; j < n * s_; ++j) a_.im[j] = 0;
        } else if (from.step == 1) {
            read_pairs(a_, x, n, s_, {from.lanes, from.line, 2});
        } else {
            read_numbers(a_.re, x, n, s_, {from.lanes, from.line, 2 * from.step});
            read_numbers(a_.im, x + from.step, n, s_, {from.lanes, from.line, 2 * from.step});
        }
        transform();
        if (plan_.is_halved) {
            part_reals(a_, b_);
            exchange();
        } else {
            for (std::int64_t l = 0; l < s_; ++l) a_.im[l] = 0;
        }
        write_pairs(y, a_, bins(), s_, pairs_of(to));
    }

    void run_to_reals(const T* x, T* y, const Batch& from, const Batch& to) {
        const std::int64_t n = plan_.length;
        if (plan_.is_halved && is_direct(from)) {
            join_reals(Pairs<const T, false>{x}, a_);
            return run_stages(plan_.whole, 1, a_, a_, b_, to_pairs<true>(y));
        }
        read_pairs(a_, x, bins(), s_, pairs_of(from));
        for (std::int64_t l = 0; l < s_; ++l) a_.im[l] = 0;
        if (plan_.is_halved) {
            join_reals(a_, b_);
            exchange();
        } else {
            mirror();
            a_ = a_.swapped();
        }
        transform();
        a_ = a_.swapped();
        if (!plan_.is_halved) {
            write_numbers(y, a_.re, n, s_, to);
        } else if (to.step == 1) {
            write_pairs(y, a_, n, s_, {to.lanes, to.line, 2});
        } else {
            write_numbers(y, a_.re, n, s_, {to.lanes, to.line, 2 * to.step});
            write_numbers(y + to.step, a_.im, n, s_, {to.lanes, to.line, 2 * to.step});
        }
    }

    void exchange() {
        const Split<T> a = a_;
        a_ = b_;
        b_ = a;
    }

    // Continues the first half of numbers with their conjugates.
    void mirror() {
        const std::int64_t n = plan_.length;
        std::int64_t k = 1;
        if (s_ == 1) {
            using P = Wide<T>;
            constexpr std::int64_t width = Pack<P>::width;
            for (; k + width <= bins(); k += width) {
                const Complex<P> z = a_.template at<P>(k);
                a_.set(n - k - width + 1, Complex<P>{reversed(z.re), reversed(-z.im)});
            }
        }
        for (; k < bins(); ++k)
            for (std::int64_t l = 0; l < s_; ++l) {
                a_.re[(n - k) * s_ + l] = a_.re[k * s_ + l];
                a_.im[(n - k) * s_ + l] = -a_.im[k * s_ + l];
            }
    }

    // ---- lines in buffer a

    void transform() {
        if (!plan_.needs_convolution) return transform_smooth();
        if (plan_.is_long()) return convolve_long();
        return s_ == 1 ? convolve<true>() : convolve<false>();
    }
    void transform_smooth() {
        if (plan_.is_long())
            matrix_.transform(s_, a_, b_);
        else
            run_stages(plan_.whole, s_, a_, b_);
    }
    template <bool is_alone>
    void convolve() {
        const std::int64_t count = is_alone ? plan_.length : plan_.length * most_lanes;
        run_stages(plan_.whole, s_, Continued<T, is_alone>{a_, plan_.chirp, count}, a_, b_,
                   [&](const Split<T>& buffer) { return Filtered<T, is_alone>{buffer, plan_.filter}; });
        run_stages(plan_.whole, s_, a_, a_, b_,
                   [&](const Split<T>& buffer) { return Shortened<T, is_alone>{buffer, plan_.chirp, count}; });
    }

    void convolve_long() {
        const std::int64_t n = plan_.length, all = plan_.smooth_length;
        multiply(n, plan_.chirp);
        for (std::int64_t j = n * s_; j < all * s_; ++j) a_.set(j, Complex<T>{});
        transform_smooth();
        multiply(all, plan_.filter);
        a_ = a_.swapped();
        transform_smooth();
        a_ = a_.swapped();
        multiply(n, plan_.chirp);
    }
    // Each element of the lines by a factor.
    void multiply(std::int64_t count, const Split<T>& factors) {
        using P = Wide<T>;
        constexpr std::int64_t width = Pack<P>::width;
        std::int64_t j = 0;
        if (s_ == 1)
            for (; j + width <= count; j += width) a_.set(j, times(a_.template at<P>(j), factors.template at<P>(j)));
        else
            for (; j < count; ++j) {
                const Complex<P> w{all_of<P>(factors.re[j]), all_of<P>(factors.im[j])};
                for (std::int64_t l = 0; l < s_; l += width)
                    a_.set(j * s_ + l, times(a_.template at<P>(j * s_ + l), w));
            }
        for (; j < count; ++j) a_.set(j, times(a_.template at<T>(j), factors.template at<T>(j)));
    }

    // ---- of the transform of half as many complex numbers, z[j] = x[2 j] + i x[2 j + 1], and the other way round

    // Calls f(first index, lane, vector of 1) or, for vectors of several, f(first index, lane, such a vector). Such
    // factors as are products want vectors that begin at a multiple.
    template <class F>
    [[gnu::always_inline]] void for_bins(std::int64_t k, std::int64_t end, const F& f) const {
        using P = Wide<T>;
        constexpr std::int64_t width = Pack<P>::width;
        if (s_ != 1) {
            for (; k < end; ++k)
                for (std::int64_t l = 0; l < s_; l += width) f(k, l, P{});
            return;
        }
        const auto next_multiple = [](std::int64_t i) { return (i + width) / width * width; };
        if (plan_.is_long() || end - k < width) {
            for (const std::int64_t first = next_multiple(k - 1); k < end && k < first; ++k) f(k, 0, T{});
            for (; k + width <= end; k += width) f(k, 0, P{});
            for (; k < end; ++k) f(k, 0, T{});
            return;
        }
        // The first vector and the last one contain some of what is in others.
        for (const std::int64_t last = end - width; k < end; k = next_multiple(k)) f(k < last ? k : last, 0, P{});
    }
    // Element k and the one that is as far from the end, of vectors along k where s is 1, and else along lines.
    template <class P, class From>
    [[gnu::always_inline]] Complex<P> bin(const From& x, std::int64_t k, std::int64_t lane) const {
        return x.template at<P>(k * s_ + lane);
    }
    template <class P, class From>
    [[gnu::always_inline]] Complex<P> opposite(const From& x, std::int64_t k, std::int64_t lane) const {
        const std::int64_t other = plan_.length - k;
        if (s_ != 1) return x.template at<P>(other * s_ + lane);
        const Complex<P> z = x.template at<P>(other - Pack<P>::width + 1);
        return {reversed(z.re), reversed(z.im)};
    }
    template <class P>
    [[gnu::always_inline]] Complex<P> factor(std::int64_t k) const {
        if (s_ == 1) return plan_.template half_at<P>(k);
        const Complex<T> w = plan_.template half_at<T>(k);
        return {all_of<P>(w.re), all_of<P>(w.im)};
    }

    template <class From, class To>
    void part_reals(const From& z, const To& y) const {
        part_first(z, y);
        part_bins(z, y, 1, plan_.length);
    }
    // The first and the last.
    template <class From, class To>
    void part_first(const From& z, const To& y) const {
        for (std::int64_t l = 0; l < s_; ++l) {
            const Complex<T> sum = z.template at<T>(l);
            y.set(l, Complex<T>{sum.re + sum.im, 0});
            y.set(plan_.length * s_ + l, Complex<T>{sum.re - sum.im, 0});
        }
    }
    template <class From, class To>
    void part_bins(const From& from, const To& y, std::int64_t begin, std::int64_t end) const {
        for_bins(begin, end, [&]<class P>(std::int64_t k, std::int64_t lane, P) {
            const P half = all_of<P>(static_cast<T>(0.5));
            const Complex<P> z = bin<P>(from, k, lane), o = opposite<P>(from, k, lane);
            const Complex<P> u = times({z.re - o.re, z.im + o.im}, factor<P>(k));
            y.set(k * s_ + lane, Complex<P>{half * ((z.re + o.re) + u.im), half * ((z.im - o.im) - u.re)});
        });
    }

    // Real and imaginary parts exchanged.
    template <class From>
    void join_reals(const From& x, const Split<T>& y) const {
        for (std::int64_t l = 0; l < s_; ++l) y.set(l, joined_first(x, l));
        for_bins(1, plan_.length,
                 [&]<class P>(std::int64_t k, std::int64_t lane, P) { y.set(k * s_ + lane, joined<P>(x, k, lane)); });
    }
    template <class From>
    Complex<T> joined_first(const From& x, std::int64_t lane) const {
        const Complex<T> first = x.template at<T>(lane), last = x.template at<T>(plan_.length * s_ + lane);
        return {first.re - last.re, first.re + last.re};
    }
    template <class P, class From>
    [[gnu::always_inline]] Complex<P> joined(const From& x, std::int64_t k, std::int64_t lane) const {
        const Complex<P> z = bin<P>(x, k, lane), o = opposite<P>(x, k, lane), w = factor<P>(k);
        const Complex<P> u = times(Complex<P>{z.re - o.re, z.im + o.im}, Complex<P>{w.re, -w.im});
        return {(z.im - o.im) + u.re, (z.re + o.re) - u.im};
    }

    const Plan<T> plan_;
    const T* x_;
    T* y_;
    Kind kind_;
    std::int64_t inner_, lanes_, outer_, parts_, pieces_;
    T *in_common_, *workspace_;
    bool has_room_;           // for vectors, where a line is alone
    std::int64_t from_, to_;  // numbers of a line
    Matrix<T> matrix_;
    std::int64_t s_ = 1;
    Split<T> a_{}, b_{};
};

template <class T>
void transform(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
               std::int64_t end, void* workspace) {
    Transform<T> all(static_cast<const T*>(slots[operands[0]]), static_cast<T*>(slots[operands[1]]), extents,
                     static_cast<T*>(slots[operands[2]]), static_cast<T*>(workspace));
    const std::int64_t pieces = extents[7], phase = extents[8];
    if (phase == 0)
        all.make_tables(begin, end);
    else if (pieces > 1)
        all.run_pieces(begin, end, phase);
    else if (phase == 1)
        all.run(begin, end);
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_fft_v1(void* const* slots, const std::uint32_t* operands,
                                                        const std::int64_t* extents, std::int64_t begin,
                                                        std::int64_t end, lathe_task* task) {
    if (extents[2] == 0 || begin == end) return;
    if (extents[0] == LATHE_F64)
        transform<double>(slots, operands, extents, begin, end, task->workspace);
    else
        transform<float>(slots, operands, extents, begin, end, task->workspace);
}
