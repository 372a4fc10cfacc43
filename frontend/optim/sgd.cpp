#include "frontend/optim/sgd.h"

#include "frontend/functions/functions.h"

namespace lathe::optim {
namespace {

// The first velocity is the gradient itself: steps are counted where that is not what the formula gives.
bool is_counted(const SgdOptions& o) { return o.momentum != 0 && o.dampening != 0; }

}  // namespace

Optimizer::Memories Sgd::memories(const SgdOptions& o) {
    Memories all;
    if (o.momentum != 0) all.of_parameters.push_back({"velocity"});
    if (is_counted(o)) all.of_group.push_back({"step"});
    return all;
}

void Sgd::begin(std::size_t group, Step& step) {
    if (!is_counted(options(group))) return;
    const Tensor& count = group_state(group, "step");
    step.set(count, count + 1);
    step.shared[group] = {lathe::where(count == 0, 1.0, full_like(count, 1 - options(group).dampening))};
}

void Sgd::update(std::size_t i, const Tensor& gradient, Step& step) {
    const SgdOptions& o = options_of(i);
    const Tensor p = wide(parameter(i));
    Tensor g = descent(i, gradient);
    if (o.momentum != 0) {
        const Tensor& before = state(i, "velocity");
        const Tensor fresh = is_counted(o) ? g * convert(step.shared[group_of(i)][0], g.dtype()) : g;
        const Tensor velocity = before * double(o.momentum) + fresh;
        step.set(before, velocity);
        g = o.nesterov ? g + velocity * double(o.momentum) : velocity;
    }
    step.set(parameter(i), p - g * rate(i));
}

}  // namespace lathe::optim
