// Derivatives of several batches for one step of the optimiser, as of one that memory does not hold.
//
//   optim::GradientAccumulator accumulator(optimizer, 4);
//   auto micro_step = jit([&](const Tensor& x, const Tensor& y) {
//       Tensor loss = cross_entropy(model(x), y);
//       loss.backward();
//       accumulator.step();        // the fourth one makes the optimiser's step, with the mean of four derivatives
//       return loss;
//   });
//
// Sums live in variables from one call to the next. Within one program scan() does the same: the loss is carried
// through the batches, in checkpoint() where their values should not all be kept, and the mean is differentiated:
//
//   auto [total, losses] = scan([&](const Tensor& sum, const Batch& b) {
//       Tensor loss = checkpoint([&](const Batch& b) { return cross_entropy(model(b.x), b.y); }, b);
//       return std::pair(sum + loss, loss);
//   }, zeros({}), batches);
//   (total / 4).backward();
//   optimizer.step();
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

class GradientAccumulator {
public:
    // The optimiser has to outlive it. All its groups are there already.
    explicit GradientAccumulator(Optimizer& optimizer, std::int64_t micro_steps, Where where = Where::current());
    // add(), and flush() where it was the last of so many micro-steps. What decides is a variable: nothing is asked
    // for.
    void step(Where where = Where::current());
    // Moves the derivatives that backward() left to the sums.
    void add(Where where = Where::current());
    // The optimiser's step with the mean of what was added since the last one, for instance in an epoch's last batches,
    // which are fewer. Not where there is nothing.
    void flush(Where where = Where::current());

    // "0.sum", ..., and "count", f64 of rank 0.
    NamedState named_state() const;
    void load_state(const NamedState& state, Where where = Where::current());

private:
    void flush_if(const Tensor& condition, Where where);
    Optimizer* optimizer_;
    std::vector<Tensor> sums_;
    Tensor count_;
    std::int64_t micro_steps_;
};

}  // namespace lathe::optim
