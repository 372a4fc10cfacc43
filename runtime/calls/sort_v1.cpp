// Stable sorts of the lines of a tensor. What is sorted are words: a key, an unsigned integer in the order of the
// elements, and the place of the element where places are wanted. A key determines its element, but for the sign of a
// zero and the bits of a NaN.
//
// Operands: x, then the sorted elements and their places, each where it is wanted. Extents: dtype, whether the greatest
// comes first, whether elements are wanted, whether places are, elements of a line, how far apart they are, and whether
// places need 8 bytes. Iterations: lines.
#include "runtime/aot.h"
#include "runtime/calls/calls.h"

namespace {

constexpr std::int64_t digits = 256;
constexpr std::int64_t few = 64;  // words that are sorted by insertion

// ---- keys

enum class Kind { unsigned_integer, signed_integer, floating };

template <class T, Kind kind, T infinity = 0>
struct Keys {
    using Bits = T;
    static constexpr bool is_floating = kind == Kind::floating;
    static constexpr T sign = static_cast<T>(T{1} << (8 * sizeof(T) - 1)), all = static_cast<T>(~T{0});

    static T key(T x, bool descending) {
        const T turn = descending ? all : T{0};
        if constexpr (kind == Kind::unsigned_integer) return static_cast<T>(x ^ turn);
        if constexpr (kind == Kind::signed_integer) return static_cast<T>(x ^ sign ^ turn);
        const T magnitude = static_cast<T>(x & ~sign);
        if (magnitude > infinity) return all;
        if (magnitude == 0) x = 0;
        return static_cast<T>(((x & sign) != 0 ? ~x : x | sign) ^ turn);
    }
    static T element(T key, bool descending) {
        const T turn = descending ? all : T{0};
        if constexpr (kind == Kind::unsigned_integer) return static_cast<T>(key ^ turn);
        if constexpr (kind == Kind::signed_integer) return static_cast<T>(key ^ sign ^ turn);
        if (key == all) return static_cast<T>(infinity | infinity >> 1);  // a quiet NaN
        key = static_cast<T>(key ^ turn);
        return static_cast<T>((key & sign) != 0 ? key & ~sign : ~key);
    }
};
using F64 = Keys<std::uint64_t, Kind::floating, 0x7ff0000000000000u>;
using F32 = Keys<std::uint32_t, Kind::floating, 0x7f800000u>;
using F16 = Keys<std::uint16_t, Kind::floating, 0x7c00u>;
using BF16 = Keys<std::uint16_t, Kind::floating, 0x7f80u>;

// ---- words

template <class T>
struct KeyAlone {
    using Key = T;
    T bits;
    static KeyAlone make(T key, std::int64_t) { return {key}; }
    T key() const { return bits; }
};
template <class T>
struct KeyAndPlace {
    using Key = T;
    std::uint64_t bits;
    static KeyAndPlace make(T key, std::int64_t place) {
        return {std::uint64_t{key} << 32 | static_cast<std::uint32_t>(place)};
    }
    T key() const { return static_cast<T>(bits >> 32); }
    std::int64_t place() const { return static_cast<std::uint32_t>(bits); }
};
template <class T>
struct KeyAndWidePlace {
    using Key = T;
    std::uint64_t key_bits;
    std::int64_t at;
    static KeyAndWidePlace make(T key, std::int64_t place) { return {key, place}; }
    T key() const { return static_cast<T>(key_bits); }
    std::int64_t place() const { return at; }
};

template <class Word>
void insertion_sort(Word* words, std::int64_t count) {
    for (std::int64_t i = 1; i < count; ++i) {
        const Word word = words[i];
        const auto key = word.key();
        std::int64_t at = i;
        for (; at > 0 && key < words[at - 1].key(); --at) words[at] = words[at - 1];
        words[at] = word;
    }
}

// By each byte of the keys, the least significant first; a byte that all have in common changes nothing. `counts` has a
// table for each byte. Gives that of the two arrays where the words end up.
template <class Word>
Word* radix_sort(Word* from, Word* to, std::int64_t count, std::int64_t (*counts)[digits]) {
    using Key = typename Word::Key;
    for (unsigned byte = 0; byte < sizeof(Key); ++byte)
        for (std::int64_t d = 0; d < digits; ++d) counts[byte][d] = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const Key key = from[i].key();
        for (unsigned byte = 0; byte < sizeof(Key); ++byte) ++counts[byte][key >> (8 * byte) & 0xff];
    }
    for (unsigned byte = 0; byte < sizeof(Key); ++byte) {
        std::int64_t* const places = counts[byte];
        if (places[from[0].key() >> (8 * byte) & 0xff] == count) continue;
        std::int64_t sum = 0;
        for (std::int64_t d = 0; d < digits; ++d) {
            const std::int64_t own = places[d];
            places[d] = sum;
            sum += own;
        }
        for (std::int64_t i = 0; i < count; ++i) to[places[from[i].key() >> (8 * byte) & 0xff]++] = from[i];
        Word* const other = from;
        from = to;
        to = other;
    }
    return from;
}

// ---- lines

template <class K>
struct Line {
    const typename K::Bits* x;
    typename K::Bits* elements;  // null where they are not wanted
    std::int64_t* places;        // likewise
    std::int64_t count, step;
    bool descending;
};

// The zeros among the sorted elements get the signs that they had, in their order.
template <class K, class Word>
void restore_zeros(const Line<K>& line, const Word* words) {
    const auto zero = K::key(0, line.descending);
    std::int64_t first = 0, last = line.count;  // where they begin is between these
    while (first < last) {
        const std::int64_t middle = first + (last - first) / 2;
        if (words[middle].key() < zero)
            first = middle + 1;
        else
            last = middle;
    }
    if constexpr (requires { words->place(); }) {
        for (std::int64_t i = first; i < line.count && words[i].key() == zero; ++i)
            line.elements[i * line.step] = line.x[words[i].place() * line.step];
    } else {
        for (std::int64_t i = 0; i < line.count; ++i) {
            const auto x = line.x[i * line.step];
            if ((x & ~K::sign) == 0) line.elements[first++ * line.step] = x;
        }
    }
}

template <class K, class Word>
void sort_line(const Line<K>& line, void* workspace) {
    auto* const counts = static_cast<std::int64_t(*)[digits]>(workspace);
    Word* words = reinterpret_cast<Word*>(counts + 8);
    bool has_negative_zero = false;
    for (std::int64_t i = 0; i < line.count; ++i) {
        const auto x = line.x[i * line.step];
        if (K::is_floating) has_negative_zero |= x == K::sign;
        words[i] = Word::make(K::key(x, line.descending), i);
    }
    if (line.count <= few)
        insertion_sort(words, line.count);
    else
        words = radix_sort(words, words + line.count, line.count, counts);
    if constexpr (requires { words->place(); })
        for (std::int64_t i = 0; i < line.count; ++i) line.places[i * line.step] = words[i].place();
    if (line.elements == nullptr) return;
    for (std::int64_t i = 0; i < line.count; ++i)
        line.elements[i * line.step] = K::element(words[i].key(), line.descending);
    if (has_negative_zero) restore_zeros(line, words);
}

template <class K>
void sort_lines(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
                std::int64_t end, lathe_task* task) {
    using Bits = typename K::Bits;
    const std::int64_t count = extents[4], inner = extents[5];
    const bool wants_elements = extents[2] != 0, wants_places = extents[3] != 0, is_wide = extents[6] != 0;
    const auto* const x = static_cast<const Bits*>(slots[operands[0]]);
    auto* const elements = static_cast<Bits*>(wants_elements ? slots[operands[1]] : nullptr);
    auto* const places = static_cast<std::int64_t*>(wants_places ? slots[operands[wants_elements ? 2 : 1]] : nullptr);
    if (count == 0) return;
    for (; begin < end; ++begin) {
        const std::int64_t first = begin / inner * count * inner + begin % inner;
        const Line<K> line{x + first,
                           wants_elements ? elements + first : nullptr,
                           wants_places ? places + first : nullptr,
                           count,
                           inner,
                           extents[1] != 0};
        if (!wants_places)
            sort_line<K, KeyAlone<Bits>>(line, task->workspace);
        else if (is_wide)
            sort_line<K, KeyAndWidePlace<Bits>>(line, task->workspace);
        else if constexpr (sizeof(Bits) < 8)
            sort_line<K, KeyAndPlace<Bits>>(line, task->workspace);
    }
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_sort_v1(void* const* slots, const std::uint32_t* operands,
                                                         const std::int64_t* extents, std::int64_t begin,
                                                         std::int64_t end, lathe_task* task) {
    const auto run = [&](lathe_kernel function) { function(slots, operands, extents, begin, end, task); };
    switch (extents[0]) {
        case LATHE_F64:
            return run(sort_lines<F64>);
        case LATHE_F32:
            return run(sort_lines<F32>);
        case LATHE_F16:
            return run(sort_lines<F16>);
        case LATHE_BF16:
            return run(sort_lines<BF16>);
        case LATHE_I64:
            return run(sort_lines<Keys<std::uint64_t, Kind::signed_integer>>);
        case LATHE_I32:
            return run(sort_lines<Keys<std::uint32_t, Kind::signed_integer>>);
        case LATHE_I16:
            return run(sort_lines<Keys<std::uint16_t, Kind::signed_integer>>);
        case LATHE_I8:
            return run(sort_lines<Keys<std::uint8_t, Kind::signed_integer>>);
        case LATHE_U64:
            return run(sort_lines<Keys<std::uint64_t, Kind::unsigned_integer>>);
        case LATHE_U32:
            return run(sort_lines<Keys<std::uint32_t, Kind::unsigned_integer>>);
        case LATHE_U16:
            return run(sort_lines<Keys<std::uint16_t, Kind::unsigned_integer>>);
        default:  // u8 and booleans
            return run(sort_lines<Keys<std::uint8_t, Kind::unsigned_integer>>);
    }
}
