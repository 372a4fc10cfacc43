// Where values belong among sorted ones, by halving: the first place before which all are less, or, from the right, not
// greater. Elements compare as sorts order them.
//
// Operands: the sorted elements, the values, the places. Extents: dtype, whether from the right, sorted elements of a
// line, values of a line, and how many of those an iteration takes. Iterations: parts of the lines of values.
#include "runtime/calls/calls.h"
#include "runtime/calls/sort_words.h"

namespace {

template <class K>
void search(void* const* slots, const std::uint32_t* operands, const std::int64_t* extents, std::int64_t begin,
            std::int64_t end) {
    using Bits = typename K::Bits;
    const bool right = extents[1] != 0;
    const std::int64_t count = extents[2], values = extents[3], part = extents[4];
    const std::int64_t parts = (values + part - 1) / part;
    for (; begin < end; ++begin) {
        const std::int64_t line = begin / parts, first = begin % parts * part;
        const Bits* const sorted = static_cast<const Bits*>(slots[operands[0]]) + line * count;
        const Bits* const x = static_cast<const Bits*>(slots[operands[1]]) + line * values;
        auto* const places = static_cast<std::int64_t*>(slots[operands[2]]) + line * values;
        for (std::int64_t i = first; i < values && i < first + part; ++i) {
            const Bits key = K::key(x[i], false);
            std::int64_t low = 0, high = count;
            while (low < high) {
                const std::int64_t middle = low + (high - low) / 2;
                const Bits other = K::key(sorted[middle], false);
                const bool is_before = right ? other <= key : other < key;
                low = is_before ? middle + 1 : low;
                high = is_before ? high : middle;
            }
            places[i] = low;
        }
    }
}

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_searchsorted_v1(void* const* slots, const std::uint32_t* operands,
                                                                 const std::int64_t* extents, std::int64_t begin,
                                                                 std::int64_t end, lathe_task*) {
    with_keys(extents[0], [&]<class K>(K) { search<K>(slots, operands, extents, begin, end); });
}
