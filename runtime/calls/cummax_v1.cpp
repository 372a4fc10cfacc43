// The greatest of the elements up to each along the lines of a tensor, and its position: see chains.h. Of equals the
// last one counts; NaN is greatest.
//
// Operands: x, then the greatest elements and their positions, each where it is wanted. Extents, behind those of all
// chains: whether elements are wanted, and whether positions are.
#include "runtime/calls/calls.h"
#include "runtime/calls/chains.h"

namespace {

template <class T>
struct Alike {
    using Element = T;
    static T number(T x) { return x; }
};
template <float (*widen)(std::uint16_t)>
struct AsFloat {
    using Element = std::uint16_t;
    static float number(std::uint16_t x) { return widen(x); }
};

template <class T>
struct Greatest {
    using Element = typename T::Element;
    struct State {
        Element element;
        std::int64_t number;  // of its link
    };
    const Element* x;
    Element* values;
    std::int64_t* positions;
    std::int64_t last;  // the number of the last link where that is the first element, else -1

    State start() const { return {}; }
    State next(State greatest, std::int64_t at, std::int64_t number) const {
        const Element element = x[at];
        const auto is = T::number(element), was = T::number(greatest.element);
        if (number == 0 || is >= was || is != is) greatest = {element, number};  // beside NaN neither comparison holds
        if (values != nullptr) values[at] = greatest.element;
        if (positions != nullptr) positions[at] = last < 0 ? greatest.number : last - greatest.number;
        return greatest;
    }
};

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_cummax_v1(void* const* slots, const std::uint32_t* operands,
                                                           const std::int64_t* extents, std::int64_t begin,
                                                           std::int64_t end, lathe_task*) {
    const bool wants_values = extents[5] != 0, wants_positions = extents[6] != 0;
    const auto run = [&]<class T>(T) {
        using Element = typename T::Element;
        const Greatest<T> greatest{
            static_cast<const Element*>(slots[operands[0]]),
            wants_values ? static_cast<Element*>(slots[operands[1]]) : nullptr,
            wants_positions ? static_cast<std::int64_t*>(slots[operands[wants_values ? 2 : 1]]) : nullptr,
            extents[1] != 0 ? extents[2] - 1 : -1};
        scan_chains(greatest, extents, begin, end);
    };
    switch (extents[0]) {
        case LATHE_F64:
            return run(Alike<double>{});
        case LATHE_F32:
            return run(Alike<float>{});
        case LATHE_F16:
            return run(AsFloat<lathe_float_of_f16>{});
        case LATHE_BF16:
            return run(AsFloat<lathe_float_of_bf16>{});
        case LATHE_I64:
            return run(Alike<std::int64_t>{});
        case LATHE_I32:
            return run(Alike<std::int32_t>{});
        case LATHE_I16:
            return run(Alike<std::int16_t>{});
        case LATHE_I8:
            return run(Alike<std::int8_t>{});
        case LATHE_U64:
            return run(Alike<std::uint64_t>{});
        case LATHE_U32:
            return run(Alike<std::uint32_t>{});
        case LATHE_U16:
            return run(Alike<std::uint16_t>{});
        default:
            return run(Alike<std::uint8_t>{});
    }
}
