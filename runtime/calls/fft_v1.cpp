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
#include "runtime/calls/fft_batches.h"
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
          outer_(extents[5]) {}

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
        constexpr std::int64_t enough = 64;
        const bool one_by_one = in_rows && plan_.length % most_lanes == 0 && plan_.length >= enough;
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

    void run_complex(const T* x, T* y, const Batch& from, const Batch& to) {
        const bool is_inverse = kind_ == Kind::inverse;
        if (s_ == 1 && from.step == 1 && !plan_.needs_convolution && plan_.radices.count > 1 &&
            plan_.radices.of[0] == 8 && plan_.radices.of[plan_.radices.count - 1] % 4 == 0)
            return is_inverse ? run_directly<true>(x, y) : run_directly<false>(x, y);
        const std::int64_t n = plan_.length;
        read_pairs(is_inverse ? a_.swapped() : a_, x, n, s_, pairs_of(from));
        transform();
        write_pairs(y, is_inverse ? a_.swapped() : a_, n, s_, pairs_of(to));
    }
    // The first stage reads the line, and the last one writes it.
    template <bool is_inverse>
    void run_directly(const T* x, T* y) {
        const Pairs<const T, is_inverse> from{x};
        const Pairs<T, is_inverse> to{y};
        for_each_stage(plan_, 1, [&](const Stage<T>& stage, int i) {
            if (i == 0) return run_stage<8>(from, a_, stage);
            if (i + 1 == plan_.radices.count)
                return stage.radix == 8 ? run_stage<8>(a_, to, stage) : run_stage<4>(a_, to, stage);
            run_any_stage(a_, b_, stage);
            exchange();
        });
    }

    void run_of_reals(const T* x, T* y, const Batch& from, const Batch& to) {
        const std::int64_t n = plan_.length;
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
        if (plan_.is_halved)
            part_reals();
        else
            for (std::int64_t l = 0; l < s_; ++l) a_.im[l] = 0;
        write_pairs(y, a_, plan_.extent / 2 + 1, s_, pairs_of(to));
    }

    void run_to_reals(const T* x, T* y, const Batch& from, const Batch& to) {
        const std::int64_t n = plan_.length, bins = plan_.extent / 2 + 1;
        read_pairs(a_, x, bins, s_, pairs_of(from));
        for (std::int64_t l = 0; l < s_; ++l) a_.im[l] = 0;
        if (plan_.is_halved)
            join_reals();
        else
            for (std::int64_t k = 1; k < bins; ++k)
                for (std::int64_t l = 0; l < s_; ++l) {
                    a_.re[(n - k) * s_ + l] = a_.re[k * s_ + l];
                    a_.im[(n - k) * s_ + l] = -a_.im[k * s_ + l];
                }
        a_ = a_.swapped();
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
        const std::int64_t n = plan_.length, all = plan_.smooth_length;
        multiply(n, plan_.chirp);
        for (std::int64_t j = n * s_; j < all * s_; ++j) a_.set(j, Complex<T>{});
        run_stages(plan_, s_, a_, b_);
        multiply(all, plan_.filter);
        a_ = a_.swapped();
        run_stages(plan_, s_, a_, b_);
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
    template <class P>
    [[gnu::always_inline]] Complex<P> bin(std::int64_t k, std::int64_t lane) const {
        return a_.template at<P>(k * s_ + lane);
    }
    template <class P>
    [[gnu::always_inline]] Complex<P> opposite(std::int64_t k, std::int64_t lane) const {
        const std::int64_t other = plan_.length - k;
        if (s_ != 1) return a_.template at<P>(other * s_ + lane);
        const Complex<P> x = a_.template at<P>(other - Pack<P>::width + 1);
        return {reversed(x.re), reversed(x.im)};
    }
    template <class P>
    [[gnu::always_inline]] Complex<P> factor(std::int64_t k) const {
        if (s_ == 1) return plan_.halves.template at<P>(k);
        return {all_of<P>(plan_.halves.re[k]), all_of<P>(plan_.halves.im[k])};
    }

    void part_reals() {
        const std::int64_t n = plan_.length;
        for (std::int64_t l = 0; l < s_; ++l) {
            const Complex<T> z = a_.template at<T>(l);
            b_.set(l, Complex<T>{z.re + z.im, 0});
            b_.set(n * s_ + l, Complex<T>{z.re - z.im, 0});
        }
        for_each_bin([this]<class P>(std::int64_t k, std::int64_t lane, P) {
            const P half = all_of<P>(static_cast<T>(0.5));
            const Complex<P> z = bin<P>(k, lane), o = opposite<P>(k, lane);
            const Complex<P> u = times({z.re - o.re, z.im + o.im}, factor<P>(k));
            b_.set(k * s_ + lane, Complex<P>{half * ((z.re + o.re) + u.im), half * ((z.im - o.im) - u.re)});
        });
        exchange();
    }
    void join_reals() {
        const std::int64_t n = plan_.length;
        for (std::int64_t l = 0; l < s_; ++l)
            b_.set(l, Complex<T>{a_.re[l] + a_.re[n * s_ + l], a_.re[l] - a_.re[n * s_ + l]});
        for_each_bin([this]<class P>(std::int64_t k, std::int64_t lane, P) {
            const Complex<P> x = bin<P>(k, lane), o = opposite<P>(k, lane), w = factor<P>(k);
            const Complex<P> u = times(Complex<P>{x.re - o.re, x.im + o.im}, Complex<P>{w.re, -w.im});
            b_.set(k * s_ + lane, Complex<P>{(x.re + o.re) - u.im, (x.im - o.im) + u.re});
        });
        exchange();
    }

    const Plan<T> plan_;
    const T* x_;
    T* y_;
    Kind kind_;
    std::int64_t inner_, lanes_, outer_;
    std::int64_t s_ = 1;
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
