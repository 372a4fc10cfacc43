// Where values belong among sorted ones, by halving: the first place before which all are less, or, from the right, not
// greater. Elements compare as sorts order them.
//
// Operands: the sorted elements, the values, the places. Extents: dtype, whether from the right, sorted elements of a
// line, values of a line, and how many of those an iteration takes. Iterations: parts of the lines of values.
#include "runtime/calls/calls.h"
#include "runtime/calls/sort_words.h"

namespace {

constexpr std::int64_t together = 8;  // values that are searched for side by side: each step of one waits for memory

// Whether an element goes before a value. f32 and f64 are compared as they are, and others by their keys.
template <class K, bool right>
struct Before {
    typename K::Bits key;
    Before() = default;
    explicit Before(typename K::Bits x) : key(K::key(x, false)) {}
    bool operator()(typename K::Bits x) const { return right ? K::key(x, false) <= key : K::key(x, false) < key; }
};
template <class Float, class K, bool right>
struct FloatBefore {
    Float value;
    bool is_nan;
    FloatBefore() = default;
    explicit FloatBefore(typename K::Bits x) : value(__builtin_bit_cast(Float, x)), is_nan(value != value) {}
    bool operator()(typename K::Bits x) const {
        const auto other = __builtin_bit_cast(Float, x);
        return (right ? other <= value : other < value) | (is_nan & (right | (other == other)));
    }
};
template <bool right>
struct Before<F32, right> : FloatBefore<float, F32, right> {
    using FloatBefore<float, F32, right>::FloatBefore;
};
template <bool right>
struct Before<F64, right> : FloatBefore<double, F64, right> {
    using FloatBefore<double, F64, right>::FloatBefore;
};

// As many values as `width`. What is left to look at halves alike for all of them.
template <class K, bool right, std::int64_t width>
void find(const typename K::Bits* sorted, std::int64_t count, const typename K::Bits* x, std::int64_t* places) {
    using Test = Before<K, right>;
    std::int64_t low[width] = {};
    Test is_before[width];
    for (std::int64_t i = 0; i < width; ++i) is_before[i] = Test(x[i]);
    for (std::int64_t left = count; left > 0;) {
        const std::int64_t half = (left + 1) / 2;
        for (std::int64_t i = 0; i < width; ++i)  // without a branch, which nobody could predict
            low[i] += half & -static_cast<std::int64_t>(is_before[i](sorted[low[i] + half - 1]));
        left -= half;
    }
    for (std::int64_t i = 0; i < width; ++i) places[i] = low[i];
}

template <class K, bool right>
void search(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
            std::int64_t end) {
    using Bits = typename K::Bits;
    const std::int64_t count = extents[2], values = extents[3], part = extents[4];
    const std::int64_t parts = (values + part - 1) / part;
    for (; begin < end; ++begin) {
        const std::int64_t line = begin / parts, first = begin % parts * part;
        const std::int64_t last = values - first < part ? values : first + part;
        const Bits* const sorted = static_cast<const Bits*>(slots[operands[0]]) + line * count;
        const Bits* const x = static_cast<const Bits*>(slots[operands[1]]) + line * values;
        auto* const places = static_cast<std::int64_t*>(slots[operands[2]]) + line * values;
        std::int64_t i = first;
        for (; i + together <= last; i += together) find<K, right, together>(sorted, count, x + i, places + i);
        for (; i < last; ++i) find<K, right, 1>(sorted, count, x + i, places + i);
    }
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_searchsorted_v1(void* const* slots, const std::uint32_t* operands,
                                                                 const std::int64_t* extents, std::int64_t begin,
                                                                 std::int64_t end, lathe_task*) {
    with_keys(extents[0], [&]<class K>(K) {
        (extents[1] != 0 ? search<K, true> : search<K, false>)(slots, operands, extents, begin, end);
    });
}
