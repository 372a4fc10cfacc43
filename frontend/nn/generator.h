// Keys for random numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "frontend/tensor/named_tensor.h"

namespace lathe::nn {

// Keys one after the other: equal seeds give equal numbers on every machine and any number of threads. Copies share
// their state. The state is a variable: a compiled function that takes keys takes the next ones at every call. Threads
// that share a generator each get keys of their own, in any order.
class Generator {
public:
    explicit Generator(std::uint64_t seed, Where where = Where::current());
    // A u64 of rank 0: splitmix64 of the seed and a counter.
    Tensor next_key(Where where = Where::current()) const;

    // "counter", a u64 of rank 0: which keys come next.
    std::vector<NamedTensor> named_state() const;
    void load_state(const std::vector<NamedTensor>& state, Where where = Where::current());

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace lathe::nn
