// y[i] = a[i] * y[i - 1] + b[i] along the lines of a tensor, y[0] = b[0]: see chains.h. Product and sum are rounded one
// by one, as the least x86-64 does it. Operands: a, b, y.
#include "runtime/calls/calls.h"
#include "runtime/calls/chains.h"

namespace {

template <class T>
struct Recurrence {
    using State = typename T::Accumulator;
    const typename T::Element *a, *b;
    typename T::Result* y;

    State start() const { return 0; }
    State next(State before, std::int64_t at, std::int64_t number) const {
        const State more = T::widen(b[at]), value = number == 0 ? more : T::widen(a[at]) * before + more;
        y[at] = T::narrow(value);
        return value;
    }
};

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_linear_recurrence_v1(void* const* slots, const std::uint32_t* operands,
                                                                      const std::int64_t* extents, std::int64_t begin,
                                                                      std::int64_t end, lathe_task*) {
    const auto run = [&]<class T>(T) {
        using Element = typename T::Element;
        const Recurrence<T> recurrence{static_cast<const Element*>(slots[operands[0]]),
                                       static_cast<const Element*>(slots[operands[1]]),
                                       static_cast<typename T::Result*>(slots[operands[2]])};
        scan_chains(recurrence, extents, begin, end);
    };
    switch (extents[0]) {
        case LATHE_F64:
            return run(Plain<double, double>{});
        case LATHE_F16:
            return run(F16{});
        case LATHE_BF16:
            return run(BF16{});
        default:
            return run(Plain<float, float>{});
    }
}
