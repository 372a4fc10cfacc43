// Words that sorts move: a key, an unsigned integer in the order of the elements, and the place of the element where
// that is wanted. A key determines its element, but for the sign of a zero and the bits of a NaN. Each call has its own
// copy, as it is an object of its own.
#ifndef LATHE_RUNTIME_CALLS_SORT_WORDS_H
#define LATHE_RUNTIME_CALLS_SORT_WORDS_H

#include <cstdint>

#include "runtime/aot.h"

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

// Calls f with the keys of a dtype.
template <class F>
void with_keys(std::int64_t dtype, const F& f) {
    switch (dtype) {
        case LATHE_F64:
            return f(F64());
        case LATHE_F32:
            return f(F32());
        case LATHE_F16:
            return f(F16());
        case LATHE_BF16:
            return f(BF16());
        case LATHE_I64:
            return f(Keys<std::uint64_t, Kind::signed_integer>());
        case LATHE_I32:
            return f(Keys<std::uint32_t, Kind::signed_integer>());
        case LATHE_I16:
            return f(Keys<std::uint16_t, Kind::signed_integer>());
        case LATHE_I8:
            return f(Keys<std::uint8_t, Kind::signed_integer>());
        case LATHE_U64:
            return f(Keys<std::uint64_t, Kind::unsigned_integer>());
        case LATHE_U32:
            return f(Keys<std::uint32_t, Kind::unsigned_integer>());
        case LATHE_U16:
            return f(Keys<std::uint16_t, Kind::unsigned_integer>());
        default:
            return f(Keys<std::uint8_t, Kind::unsigned_integer>());
    }
}

}  // namespace

#endif
