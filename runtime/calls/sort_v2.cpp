// Stable sorts of the lines of a tensor. What is sorted are words: a key, an unsigned integer in the order of the
// elements, and the place of the element where places are wanted. A key determines its element, but for the sign of a
// zero and the bits of a NaN.
//
// A few long lines are cut into parts, which threads sort together: by each byte of the keys, the least significant
// first, they count the words of each part and then move them to where the counts say that they go. Those are the
// phases; where one range is all of the first, that is one thread's, which sorts whole lines as it sorts many.
//
// Operands: x, then the sorted elements and their places, each where it is wanted, then memory in common. Extents:
// dtype, whether the greatest comes first, whether elements are wanted, whether places are, elements of a line, how far
// apart they are, whether places need 8 bytes, parts of a line, lines, and the phase. Iterations: parts of lines.
#include "runtime/aot.h"
#include "runtime/calls/calls.h"
#include "runtime/calls/phases.h"
#include "runtime/calls/sort_words.h"

namespace {

// ---- lines

template <class K>
struct Line {
    const typename K::Bits* x;
    typename K::Bits* elements;  // null where they are not wanted
    std::int64_t* places;        // likewise
    std::int64_t count, step;
    bool descending;
};

// Where words of a key begin among sorted ones.
template <class Word>
std::int64_t first_of_key(const Word* words, std::int64_t count, typename Word::Key key) {
    std::int64_t first = 0, last = count;  // it is between these
    while (first < last) {
        const std::int64_t middle = first + (last - first) / 2;
        if (words[middle].key() < key)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

// The zeros among the sorted elements get the signs that they had, in their order.
template <class K, class Word>
void restore_zeros(const Line<K>& line, const Word* words) {
    const auto zero = K::key(0, line.descending);
    std::int64_t first = first_of_key(words, line.count, zero);
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

// ---- parts of lines

// What threads have in common of a line: what the first phase finds out of each part, where its words begin with some
// digit, and the words.
template <class Word>
struct Shared {
    using Key = typename Word::Key;
    struct Part {
        Key any, all;  // bits that some key has, and that all have
        std::int64_t zeros;
        std::int64_t has_negative_zero;
        std::int64_t counts[digits];
    };
    Part* parts;
    Word* words[2];

    static std::int64_t bytes(std::int64_t count, std::int64_t parts) {
        constexpr std::int64_t alignment = 64, part = sizeof(Part), word = sizeof(Word);
        return (parts * part + 2 * count * word + alignment - 1) / alignment * alignment;
    }
    Shared(void* memory, std::int64_t count, std::int64_t part_count)
        : parts(static_cast<Part*>(memory)), words{reinterpret_cast<Word*>(parts + part_count), words[0] + count} {}

    // Whether the keys differ in a byte: words move by those alone.
    bool differ(std::int64_t part_count, unsigned byte) const {
        Key any = 0, all = static_cast<Key>(~Key{0});
        for (std::int64_t p = 0; p < part_count; ++p) {
            any = static_cast<Key>(any | parts[p].any);
            all = static_cast<Key>(all & parts[p].all);
        }
        return ((any ^ all) >> (8 * byte) & 0xff) != 0;
    }
    // Which of the two arrays the words are in before they move by a byte.
    unsigned source(std::int64_t part_count, unsigned byte) const {
        unsigned moves = 0;
        for (unsigned b = 0; b < byte; ++b) moves += differ(part_count, b) ? 1 : 0;
        return moves % 2;
    }
};

template <class K, class Word>
class PartOfLine {
public:
    PartOfLine(const Line<K>& line, void* memory, std::int64_t parts, std::int64_t part)
        : line_(line),
          shared_(memory, line.count, parts),
          parts_(parts),
          own_(shared_.parts[part]),
          part_(part),
          begin_(line.count * part / parts),
          end_(line.count * (part + 1) / parts) {}

    void run(std::int64_t phase) {
        constexpr std::int64_t bytes = sizeof(Key);
        if (phase == 0) return make_words();
        if (phase == 2 * bytes) return write();
        if (phase == 2 * bytes + 1) return write_zeros();
        const auto byte = static_cast<unsigned>(phase / 2);
        if (!shared_.differ(parts_, byte)) return;
        const unsigned source = shared_.source(parts_, byte);
        if (phase % 2 == 0)
            count(shared_.words[source], byte);
        else
            move(shared_.words[source], shared_.words[1 - source], byte);
    }

private:
    using Key = typename Word::Key;

    void clear_counts() {
        for (std::int64_t d = 0; d < digits; ++d) own_.counts[d] = 0;
    }

    void make_words() {
        const auto zero = K::key(0, line_.descending);
        Key any = 0, all = static_cast<Key>(~Key{0});
        std::int64_t zeros = 0;
        bool has_negative_zero = false;
        clear_counts();
        for (std::int64_t i = begin_; i < end_; ++i) {
            const auto x = line_.x[i * line_.step];
            const auto key = K::key(x, line_.descending);
            if (K::is_floating) has_negative_zero |= x == K::sign;
            zeros += key == zero;
            any = static_cast<Key>(any | key);
            all = static_cast<Key>(all & key);
            ++own_.counts[key & 0xff];
            shared_.words[0][i] = Word::make(key, i);
        }
        own_.any = any;
        own_.all = all;
        own_.zeros = zeros;
        own_.has_negative_zero = has_negative_zero ? 1 : 0;
    }

    void count(const Word* words, unsigned byte) {
        clear_counts();
        for (std::int64_t i = begin_; i < end_; ++i) ++own_.counts[words[i].key() >> (8 * byte) & 0xff];
    }

    void move(const Word* from, Word* to, unsigned byte) {
        std::int64_t places[digits], all[digits];
        for (std::int64_t d = 0; d < digits; ++d) places[d] = all[d] = 0;
        for (std::int64_t p = 0; p < parts_; ++p) {
            const std::int64_t* const counts = shared_.parts[p].counts;
            if (p < part_)
                for (std::int64_t d = 0; d < digits; ++d) places[d] += counts[d];
            for (std::int64_t d = 0; d < digits; ++d) all[d] += counts[d];
        }
        for (std::int64_t d = 0, sum = 0; d < digits; ++d) {
            places[d] += sum;
            sum += all[d];
        }
        for (std::int64_t i = begin_; i < end_; ++i) to[places[from[i].key() >> (8 * byte) & 0xff]++] = from[i];
    }

    const Word* sorted() const { return shared_.words[shared_.source(parts_, sizeof(Key))]; }
    bool restores_zeros() const {
        bool any = false;
        for (std::int64_t p = 0; p < parts_; ++p) any |= shared_.parts[p].has_negative_zero != 0;
        return any && line_.elements != nullptr;
    }

    void write() {
        const Word* const words = sorted();
        const auto zero = K::key(0, line_.descending);
        if constexpr (requires { words->place(); }) {
            const bool zeros = restores_zeros();
            for (std::int64_t i = begin_; i < end_; ++i) line_.places[i * line_.step] = words[i].place();
            for (std::int64_t i = begin_; zeros && i < end_; ++i)
                if (words[i].key() == zero)
                    line_.elements[i * line_.step] = line_.x[words[i].place() * line_.step];
                else
                    line_.elements[i * line_.step] = K::element(words[i].key(), line_.descending);
            if (zeros) return;
        }
        if (line_.elements == nullptr) return;
        for (std::int64_t i = begin_; i < end_; ++i)
            line_.elements[i * line_.step] = K::element(words[i].key(), line_.descending);
    }

    // Those of this part follow those of the parts before.
    void write_zeros() {
        if constexpr (!requires(const Word& w) { w.place(); }) {
            if (!restores_zeros()) return;
            std::int64_t at = first_of_key(sorted(), line_.count, K::key(0, line_.descending));
            for (std::int64_t p = 0; p < part_; ++p) at += shared_.parts[p].zeros;
            for (std::int64_t i = begin_; i < end_; ++i) {
                const auto x = line_.x[i * line_.step];
                if ((x & ~K::sign) == 0) line_.elements[at++ * line_.step] = x;
            }
        }
    }

    const Line<K> line_;
    Shared<Word> shared_;
    std::int64_t parts_;
    typename Shared<Word>::Part& own_;
    std::int64_t part_, begin_, end_;  // this one, and its elements
};

// ---- all lines

template <class K, class Word>
void sort_some(const std::int64_t* extents, const Line<K>& all, std::int64_t begin, std::int64_t end, void* common,
               void* workspace) {
    const std::int64_t inner = all.step, count = all.count, parts = extents[7];
    const auto line = [&](std::int64_t i) {
        const std::int64_t first = i / inner * count * inner + i % inner;
        Line<K> out = all;
        out.x += first;
        if (out.elements != nullptr) out.elements += first;
        if (out.places != nullptr) out.places += first;
        return out;
    };
    if (parts == 1) {
        for (; begin < end; ++begin) sort_line<K, Word>(line(begin), workspace);
        return;
    }
    const std::int64_t phase = extents[9], lines = extents[8];
    char* const memory = static_cast<char*>(common) + 64;
    switch (work_of_range(phase, begin, end, lines * parts, static_cast<std::int64_t*>(common))) {
        case PhaseWork::whole_call:
            for (std::int64_t i = 0; i < lines; ++i) sort_line<K, Word>(line(i), memory);
            return;
        case PhaseWork::nothing:
            return;
        case PhaseWork::own_range:
            break;
    }
    for (; begin < end; ++begin) {
        const std::int64_t i = begin / parts;
        PartOfLine<K, Word>(line(i), memory + i * Shared<Word>::bytes(count, parts), parts, begin % parts).run(phase);
    }
}

template <class K>
void sort_lines(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
                std::int64_t end, lathe_task* task) {
    using Bits = typename K::Bits;
    const bool wants_elements = extents[2] != 0, wants_places = extents[3] != 0, is_wide = extents[6] != 0;
    const auto* operand = operands;
    Line<K> all{static_cast<const Bits*>(slots[*operand++]), nullptr, nullptr, extents[4], extents[5], extents[1] != 0};
    if (wants_elements) all.elements = static_cast<Bits*>(slots[*operand++]);
    if (wants_places) all.places = static_cast<std::int64_t*>(slots[*operand++]);
    if (all.count == 0 || begin == end) return;
    void* const common = extents[7] == 1 ? nullptr : slots[*operand];
    const auto run = [&](auto sort) { sort(extents, all, begin, end, common, task->workspace); };
    if (!wants_places)
        run(sort_some<K, KeyAlone<Bits>>);
    else if (is_wide)
        run(sort_some<K, KeyAndWidePlace<Bits>>);
    else if constexpr (sizeof(Bits) < 8)
        run(sort_some<K, KeyAndPlace<Bits>>);
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_sort_v2(void* const* slots, const std::uint32_t* operands,
                                                         const std::int64_t* extents, std::int64_t begin,
                                                         std::int64_t end, lathe_task* task) {
    with_keys(extents[0], [&]<class K>(K) { sort_lines<K>(slots, operands, extents, begin, end, task); });
}
