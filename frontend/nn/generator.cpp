#include "frontend/nn/generator.h"

#include <mutex>

#include "frontend/functions/functions.h"
#include "frontend/optim/state.h"
#include "frontend/tensor/blame.h"

namespace lathe::nn {

struct Generator::State {
    Tensor counter;    // the seed and a multiple of the golden ratio
    std::mutex mutex;  // held from reading the counter to setting it
};

Generator::Generator(std::uint64_t seed, Where where) : state_(std::make_shared<State>()) {
    const detail::LocScope scope(where, "Generator");
    state_->counter = variable(Tensor::scalar(seed), "random_state", false);
}

Tensor Generator::next_key(Where where) const {
    // splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    const detail::LocScope scope(where, "next_key");
    Tensor z;
    {
        const std::lock_guard lock(state_->mutex);
        z = state_->counter + 0x9e3779b97f4a7c15ULL;
        state_->counter.set(z, where);
    }
    z = bit_xor(z, shift_right(z, 30)) * 0xbf58476d1ce4e5b9ULL;
    z = bit_xor(z, shift_right(z, 27)) * 0x94d049bb133111ebULL;
    return bit_xor(z, shift_right(z, 31));
}

optim::NamedState Generator::named_state() const { return {{"counter", state_->counter}}; }

void Generator::load_state(const optim::NamedState& state, Where where) {
    const detail::LocScope scope(where, "load_state");
    optim::detail::require_outside_of_traces("load_state", "load states before", where);
    const std::lock_guard lock(state_->mutex);
    optim::detail::load_variables("Generator", named_state(), state, where);
}

}  // namespace lathe::nn
