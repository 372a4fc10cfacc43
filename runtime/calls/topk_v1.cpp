// The first elements, in sorted order, of the lines of a tensor. What may be among them is collected until there is no
// more room; then all but the first go, and the last of these is what others have to precede. Many are sorted for that,
// few are cut in two. Elements come in ascending places, so that of equal ones those that came first stay.
//
// Operands: x, then the elements and their places, each where it is wanted. Extents: dtype, whether the greatest comes
// first, whether elements are wanted, whether places are, elements of a line, how far apart they are, how many are
// wanted, and how many there is room for. Iterations: lines.
#include <algorithm>

#include "runtime/calls/calls.h"
#include "runtime/calls/sort_words.h"

namespace {

constexpr std::int64_t many = 1024;  // words that are sorted by their bytes

template <class K>
void choose(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
            std::int64_t end, void* workspace) {
    using Bits = typename K::Bits;
    using Word = KeyAndWidePlace<Bits>;
    const bool descending = extents[1] != 0, wants_elements = extents[2] != 0, wants_places = extents[3] != 0;
    const std::int64_t count = extents[4], inner = extents[5], wanted = extents[6], room = extents[7];
    const auto* const all = static_cast<const Bits*>(slots[operands[0]]);
    Bits* const elements = wants_elements ? static_cast<Bits*>(slots[operands[1]]) : nullptr;
    std::int64_t* const places =
        wants_places ? static_cast<std::int64_t*>(slots[operands[wants_elements ? 2 : 1]]) : nullptr;
    auto* const counts = static_cast<std::int64_t(*)[digits]>(workspace);
    if (wanted == 0) return;
    for (; begin < end; ++begin) {
        const Bits* const x = all + begin / inner * count * inner + begin % inner;
        Word *words = reinterpret_cast<Word*>(counts + 8), *other = words + room;
        // Equal elements differ in their places.
        const auto precedes = [](const Word& a, const Word& b) {
            return a.key() < b.key() || (a.key() == b.key() && a.place() < b.place());
        };
        const auto sort = [&](std::int64_t n) {
            if (n < many) return std::sort(words, words + n, precedes);
            Word* const sorted = radix_sort(words, other, n, counts);  // keeps the order of places
            if (sorted == words) return;
            other = words;
            words = sorted;
        };
        const auto choose_first = [&](std::int64_t n) {
            if (wanted >= many) return sort(n);
            if (n > wanted) std::nth_element(words, words + (wanted - 1), words + n, precedes);
        };
        std::int64_t found = 0;
        Bits last = 0;
        bool is_bounded = false;
        for (std::int64_t i = 0; i < count; ++i) {
            const Bits key = K::key(x[i * inner], descending);
            if (is_bounded && key >= last) continue;
            if (found == room) {
                choose_first(found);
                found = wanted;
                last = words[wanted - 1].key();
                is_bounded = true;
                if (key >= last) continue;
            }
            words[found++] = Word::make(key, i);
        }
        choose_first(found);
        if (wanted < many) sort(wanted);
        const std::int64_t first = begin / inner * wanted * inner + begin % inner;
        for (std::int64_t i = 0; i < wanted; ++i) {
            const std::int64_t place = words[i].place();
            if (elements != nullptr) elements[first + i * inner] = x[place * inner];
            if (places != nullptr) places[first + i * inner] = place;
        }
    }
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_topk_v1(void* const* slots, const std::uint32_t* operands,
                                                         const std::int64_t* extents, std::int64_t begin,
                                                         std::int64_t end, lathe_task* task) {
    with_keys(extents[0], [&]<class K>(K) { choose<K>(slots, operands, extents, begin, end, task->workspace); });
}
