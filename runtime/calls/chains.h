// Scans of the lines of a tensor from their first element to their last, for functions that have to be one chain. A
// link depends on the one before it; so several lines advance together: columns that lie side by side, or dense lines.
//
// The extents that all of them begin with: dtype, whether the last element comes first, elements of a line, how far
// apart they are, and how many lines advance together where they are not dense (0: they are). Iterations: lines, or so
// many of those that lie side by side.
#ifndef LATHE_RUNTIME_CALLS_CHAINS_H
#define LATHE_RUNTIME_CALLS_CHAINS_H

#include <cstdint>

#include "runtime/aot.h"
#include "runtime/narrow_floats.h"

// How elements accumulate.
template <class T, class Sum>
struct Plain {
    using Element = T;
    using Accumulator = Sum;
    using Result = Sum;
    static Sum widen(T x) { return static_cast<Sum>(x); }
    static Sum narrow(Sum sum) { return sum; }
};
template <float (*widen_of)(std::uint16_t), std::uint16_t (*narrow_to)(float)>
struct Narrow {
    using Element = std::uint16_t;
    using Accumulator = float;
    using Result = std::uint16_t;
    static float widen(std::uint16_t x) { return widen_of(x); }
    static std::uint16_t narrow(float sum) { return narrow_to(sum); }
};
using F16 = Narrow<lathe_float_of_f16, lathe_f16_of>;
using BF16 = Narrow<lathe_float_of_bf16, lathe_bf16_of>;

// Calls run of the type that accumulates elements of a dtype. Integers wrap, so that they accumulate as unsigned ones.
template <class Run>
void with_sums_of(std::int64_t dtype, const Run& run) {
    switch (dtype) {
        case LATHE_F64:
            return run(Plain<double, double>{});
        case LATHE_F32:
            return run(Plain<float, float>{});
        case LATHE_F16:
            return run(F16{});
        case LATHE_BF16:
            return run(BF16{});
        case LATHE_I32:
            return run(Plain<std::int32_t, std::uint64_t>{});
        case LATHE_I16:
            return run(Plain<std::int16_t, std::uint64_t>{});
        case LATHE_I8:
            return run(Plain<std::int8_t, std::uint64_t>{});
        case LATHE_U32:
            return run(Plain<std::uint32_t, std::uint64_t>{});
        case LATHE_U16:
            return run(Plain<std::uint16_t, std::uint64_t>{});
        case LATHE_U8:
        case LATHE_BOOL:
            return run(Plain<std::uint8_t, std::uint64_t>{});
        default:
            return run(Plain<std::uint64_t, std::uint64_t>{});
    }
}

constexpr std::int64_t most_columns = 64;

// Lines that lie side by side in iterations [begin, end): calls f(first element, its distance to the next one, lines).
template <class F>
void for_each_panel(const std::int64_t* extents, std::int64_t begin, std::int64_t end, const F& f) {
    const bool reverse = extents[1] != 0;
    const std::int64_t count = extents[2], inner = extents[3], columns = extents[4];
    const std::int64_t panels = (inner + columns - 1) / columns;
    for (; begin < end; ++begin) {
        const std::int64_t column = begin % panels * columns;
        const std::int64_t width = inner - column < columns ? inner - column : columns;
        f(begin / panels * count * inner + (reverse ? (count - 1) * inner : 0) + column, reverse ? -inner : inner,
          width);
    }
}

// A scan says what a link of its chains is: `State start()`, and `State next(state, element, number of the link)`,
// which also stores the results of the element.
// As many lines as `lines` says or, where that is 0, `width`.
template <std::int64_t lines, class Scan>
void run_chains(const Scan& scan, std::int64_t first, std::int64_t pitch, std::int64_t step, std::int64_t count,
                std::int64_t width = 0) {
    const std::int64_t n = lines == 0 ? width : lines;
    typename Scan::State states[lines == 0 ? most_columns : lines];
    for (std::int64_t l = 0; l < n; ++l) states[l] = scan.start();
    for (std::int64_t i = 0; i < count; ++i, first += step)
        for (std::int64_t l = 0; l < n; ++l) states[l] = scan.next(states[l], first + l * pitch, i);
}

template <class Scan>
void scan_chains(const Scan& scan, const std::int64_t* extents, std::int64_t begin, std::int64_t end) {
    const bool reverse = extents[1] != 0;
    const std::int64_t count = extents[2];
    constexpr std::int64_t together = 8;
    if (extents[4] != 0)
        return for_each_panel(extents, begin, end, [&](std::int64_t first, std::int64_t step, std::int64_t width) {
            if (width == most_columns)
                run_chains<most_columns>(scan, first, 1, step, count);
            else
                run_chains<0>(scan, first, 1, step, count, width);
        });
    const auto first_of = [&](std::int64_t line) { return line * count + (reverse ? count - 1 : 0); };
    for (; end - begin >= together; begin += together)
        run_chains<together>(scan, first_of(begin), count, reverse ? -1 : 1, count);
    for (; begin < end; ++begin) run_chains<1>(scan, first_of(begin), count, reverse ? -1 : 1, count);
}

#endif
