// Fourier transforms of the lines of a tensor: of complex numbers, whose parts lie side by side, forward and inverse,
// of reals, and back to reals. What is computed, and in which order, the rows of ir/ops/fourier.h say.
//
// The first phase makes tables, in memory in common; the second transforms lines. A line alone goes through the stages
// by itself, where its length has room for vectors; others go eight side by side.
//
// Operands: x, y, then memory in common. Extents: dtype, kind (of fft_plan.h), elements of a line as a user sees it,
// how many lines lie side by side, how many lines an iteration takes, lines or groups of such as lie side by side, into
// how many parts the tables are made, and the phase. Iterations: parts, then as many lines of those that lie behind or
// beside one another.
#include "runtime/aot.h"
#include "runtime/calls/calls.h"
#include "runtime/calls/fft_ends.h"
#include "runtime/calls/fft_stages.h"

namespace {

template <class T>
class Transform {
public:
    Transform(const T* x, T* y, const std::int64_t* extents, void* tables)
        : plan_(static_cast<Kind>(extents[1]), extents[2], tables),
          x_(x),
          y_(y),
          kind_(static_cast<Kind>(extents[1])),
          inner_(extents[3]),
          lanes_(extents[4]),
          outer_(extents[5]),
          has_room_(plan_.length % most_lanes == 0 && plan_.length >= 64) {}

    // `workspace` has room for two buffers; each number of them is a row of `s`.
    void use(void* workspace, std::int64_t s) {
        constexpr std::int64_t line = 16, apart = 80;  // so that the four do not crowd the same sets of a cache
        const std::int64_t count = ((plan_.smooth_length + 1) * s + line - 1) / line * line + apart;
        T* const memory = static_cast<T*>(workspace);
        s_ = s;
        a_ = {memory, memory + count};
        b_ = {memory + 2 * count, memory + 3 * count};
    }

    // ---- tables

    void make_tables(std::int64_t begin, std::int64_t end, std::int64_t parts, void* workspace) {
        if (!plan_.needs_convolution) {
            for (; begin < end; ++begin) plan_.make_powers(begin, parts);
            return;
        }
        if (begin > 0 || end == 0) return;
        plan_.make_powers(0, 1);
        plan_.make_chirp();
        use(workspace, 1);
        const std::int64_t n = plan_.length, all = plan_.smooth_length;
        for (std::int64_t j = 0; j < all; ++j) a_.set(j, Complex<T>{});
        for (std::int64_t j = 0; j < n; ++j) {
            const Complex<T> c{plan_.chirp.re[j], -plan_.chirp.im[j]};
            a_.set(j, c);
            a_.set((all - j) % all, c);
        }
        run_stages(plan_, 1, a_, b_);
        const T scale = 1 / static_cast<T>(all);
        for (std::int64_t j = 0; j < all; ++j) plan_.filter.set(j, Complex<T>{a_.re[j] * scale, a_.im[j] * scale});
    }

    // ---- lines

    void run(std::int64_t begin, std::int64_t end, void* workspace) {
        const bool in_rows = inner_ == 1;
        const std::int64_t across = in_rows ? outer_ : inner_, groups = (across + lanes_ - 1) / lanes_;
        const bool one_by_one = in_rows && has_room_;
        const std::int64_t bins = plan_.extent / 2 + 1;
        const std::int64_t from =
            kind_ == Kind::of_reals ? plan_.extent : 2 * (kind_ == Kind::to_reals ? bins : plan_.extent);
        const std::int64_t to =
            kind_ == Kind::to_reals ? plan_.extent : 2 * (kind_ == Kind::of_reals ? bins : plan_.extent);
        for (; begin < end; ++begin) {
            const std::int64_t first = begin % groups * lanes_;
            const std::int64_t count = across - first < lanes_ ? across - first : lanes_;
            if (in_rows) {
                const std::int64_t step = one_by_one ? 1 : count;
                use(workspace, step == 1 ? 1 : most_lanes);
                for (std::int64_t l = first; l < first + count; l += step)
                    run_lines(x_ + l * from, y_ + l * to, {step, from, 1}, {step, to, 1});
            } else {
                const std::int64_t block = begin / groups * inner_;
                const auto offset = [&](std::int64_t numbers, bool is_complex) {
                    return block * numbers + first * (is_complex ? 2 : 1);
                };
                use(workspace, count == 1 ? 1 : most_lanes);
                run_lines(x_ + offset(from, kind_ != Kind::of_reals), y_ + offset(to, kind_ != Kind::to_reals),
                          {count, 1, inner_}, {count, 1, inner_});
            }
        }
    }

private:
    // Batches as if of real numbers: of complex ones, each distance is twice that.
    static Batch pairs_of(const Batch& reals) {
        return {reals.lanes, reals.line == 1 ? 2 : reals.line, 2 * reals.step};
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
        return s_ == 1 && batch.step == 1 && !plan_.needs_convolution && has_room_;
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
        run_stages(plan_, 1, Pairs<const T, is_inverse>{x}, a_, b_, to_pairs<is_inverse>(y));
    }
    template <bool is_inverse>
    static auto to_pairs(T* y) {
        return [y](const Split<T>&) { return Pairs<T, is_inverse>{y}; };
    }

    void run_of_reals(const T* x, T* y, const Batch& from, const Batch& to) {
        const std::int64_t n = plan_.length;
        if (plan_.is_halved && is_direct(from)) {
            run_stages(plan_, 1, Pairs<const T, false>{x}, a_, b_, [](const Split<T>& buffer) { return buffer; });
            return part_reals(Pairs<T, false>{y});
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
            part_reals(b_);
            exchange();
        } else {
            for (std::int64_t l = 0; l < s_; ++l) a_.im[l] = 0;
        }
        write_pairs(y, a_, plan_.extent / 2 + 1, s_, pairs_of(to));
    }

    void run_to_reals(const T* x, T* y, const Batch& from, const Batch& to) {
        const std::int64_t n = plan_.length, bins = plan_.extent / 2 + 1;
        if (plan_.is_halved && is_direct(from)) {
            join_reals(Pairs<const T, false>{x}, a_);
            return run_stages(plan_, 1, a_, a_, b_, to_pairs<true>(y));
        }
        read_pairs(a_, x, bins, s_, pairs_of(from));
        for (std::int64_t l = 0; l < s_; ++l) a_.im[l] = 0;
        if (plan_.is_halved) {
            join_reals(a_, b_);
            exchange();
        } else {
            for (std::int64_t k = 1; k < bins; ++k)
                for (std::int64_t l = 0; l < s_; ++l) {
                    a_.re[(n - k) * s_ + l] = a_.re[k * s_ + l];
                    a_.im[(n - k) * s_ + l] = -a_.im[k * s_ + l];
                }
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

    // ---- lines in buffer a

    void transform() {
        if (!plan_.needs_convolution) return run_stages(plan_, s_, a_, b_);
        return s_ == 1 ? convolve<true>() : convolve<false>();
    }
    template <bool is_alone>
    void convolve() {
        const std::int64_t count = is_alone ? plan_.length : plan_.length * most_lanes;
        run_stages(plan_, s_, Continued<T, is_alone>{a_, plan_.chirp, count}, a_, b_,
                   [&](const Split<T>& buffer) { return Filtered<T, is_alone>{buffer, plan_.filter}; });
        run_stages(plan_, s_, a_, a_, b_,
                   [&](const Split<T>& buffer) { return Shortened<T, is_alone>{buffer, plan_.chirp, count}; });
    }

    // ---- of the transform of half as many complex numbers, z[j] = x[2 j] + i x[2 j + 1], and the other way round

    // Calls f(first index, vector of 1) or, for vectors of several, f(first index, such a vector) for 1 <= k < n.
    template <class F>
    [[gnu::always_inline]] void for_each_bin(const F& f) {
        using P = Wide<T>;
        constexpr std::int64_t width = Pack<P>::width;
        const std::int64_t n = plan_.length;
        std::int64_t k = 1;
        if (s_ == 1)
            for (; k + width <= n; k += width) f(k, 0, P{});
        for (; k < n; ++k)
            if (s_ == 1)
                f(k, 0, T{});
            else
                for (std::int64_t l = 0; l < s_; l += width) f(k, l, P{});
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
        if (s_ == 1) return plan_.halves.template at<P>(k);
        return {all_of<P>(plan_.halves.re[k]), all_of<P>(plan_.halves.im[k])};
    }

    template <class To>
    void part_reals(const To& y) {
        const std::int64_t n = plan_.length;
        for (std::int64_t l = 0; l < s_; ++l) {
            const Complex<T> z = a_.template at<T>(l);
            y.set(l, Complex<T>{z.re + z.im, 0});
            y.set(n * s_ + l, Complex<T>{z.re - z.im, 0});
        }
        for_each_bin([&]<class P>(std::int64_t k, std::int64_t lane, P) {
            const P half = all_of<P>(static_cast<T>(0.5));
            const Complex<P> z = bin<P>(a_, k, lane), o = opposite<P>(a_, k, lane);
            const Complex<P> u = times({z.re - o.re, z.im + o.im}, factor<P>(k));
            y.set(k * s_ + lane, Complex<P>{half * ((z.re + o.re) + u.im), half * ((z.im - o.im) - u.re)});
        });
    }
    // Real and imaginary parts exchanged.
    template <class From>
    void join_reals(const From& x, const Split<T>& y) {
        const std::int64_t n = plan_.length;
        for (std::int64_t l = 0; l < s_; ++l) {
            const Complex<T> first = x.template at<T>(l), last = x.template at<T>(n * s_ + l);
            y.set(l, Complex<T>{first.re - last.re, first.re + last.re});
        }
        for_each_bin([&]<class P>(std::int64_t k, std::int64_t lane, P) {
            const Complex<P> z = bin<P>(x, k, lane), o = opposite<P>(x, k, lane), w = factor<P>(k);
            const Complex<P> u = times(Complex<P>{z.re - o.re, z.im + o.im}, Complex<P>{w.re, -w.im});
            y.set(k * s_ + lane, Complex<P>{(z.im - o.im) + u.re, (z.re + o.re) - u.im});
        });
    }

    const Plan<T> plan_;
    const T* x_;
    T* y_;
    Kind kind_;
    std::int64_t inner_, lanes_, outer_;
    std::int64_t s_ = 1;
    bool has_room_;  // for vectors, where a line is alone
    Split<T> a_{}, b_{};
};

template <class T>
void transform(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
               std::int64_t end, void* workspace) {
    Transform<T> all(static_cast<const T*>(slots[operands[0]]), static_cast<T*>(slots[operands[1]]), extents,
                     slots[operands[2]]);
    if (extents[7] == 0)
        all.make_tables(begin, end, extents[6], workspace);
    else
        all.run(begin, end, workspace);
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
