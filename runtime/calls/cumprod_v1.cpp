// Products of the elements up to each along the lines of a tensor, from 1 on: see chains.h. Operands: x, y.
#include "runtime/calls/calls.h"
#include "runtime/calls/chains.h"

namespace {

template <class T>
struct Products {
    using State = typename T::Accumulator;
    const typename T::Element* x;
    typename T::Result* y;

    State start() const { return 1; }
    State next(State before, std::int64_t at, std::int64_t) const {
        const State product = before * T::widen(x[at]);
        y[at] = T::narrow(product);
        return product;
    }
};

}  // namespace

extern "C" LATHE_PLAN_DEFINITION void lathe_call_cumprod_v1(void* const* slots, const std::uint32_t* operands,
                                                            const std::int64_t* extents, std::int64_t begin,
                                                            std::int64_t end, lathe_task*) {
    with_sums_of(extents[0], [&]<class T>(T) {
        const Products<T> products{static_cast<const typename T::Element*>(slots[operands[0]]),
                                   static_cast<typename T::Result*>(slots[operands[1]])};
        scan_chains(products, extents, begin, end);
    });
}
