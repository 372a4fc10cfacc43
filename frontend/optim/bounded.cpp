#include "frontend/optim/bounded.h"

#include "frontend/functions/functions.h"

namespace lathe::optim {

Optimizer::Memories Lamb::memories(const LambOptions&) {
    return {{{"first_moment"}, {"second_moment"}}, {{"beta1_power", 1}, {"beta2_power", 1}}};
}

void Lamb::begin(std::size_t group, Step& step) {
    const Tensor power1 = multiplied(group, "beta1_power", options(group).beta1, step);
    const Tensor power2 = multiplied(group, "beta2_power", options(group).beta2, step);
    step.shared[group] = {1 - power1, rsqrt(1 - power2)};
}

void Lamb::update(std::size_t i, const Tensor& gradient, Step& step) {
    const LambOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const auto shared = [&](std::size_t which) { return convert(step.shared[group_of(i)][which], p.dtype()); };
    const Tensor first = state(i, "first_moment") * double(o.beta1) + g * (1 - o.beta1);
    const Tensor second = state(i, "second_moment") * double(o.beta2) + g * g * (1 - o.beta2);
    step.set(state(i, "first_moment"), first);
    step.set(state(i, "second_moment"), second);
    Tensor change = first / shared(0) / (sqrt(second) * shared(1) + double(o.epsilon));
    if (o.weight_decay != 0) change = change + p * double(o.weight_decay);
    const Tensor of_parameter = norm(p), of_change = norm(change);
    const Tensor is_known = logical_and(of_parameter > 0.0, of_change > 0.0);
    const Tensor trust = lathe::where(is_known, of_parameter / of_change, 1.0);
    step.set(parameter(i), p - rate(i) * trust * change);
}

Optimizer::Memories Lion::memories(const LionOptions&) { return {{{"momentum"}}, {}}; }

void Lion::update(std::size_t i, const Tensor& gradient, Step& step) {
    const LionOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const Tensor& momentum = state(i, "momentum");
    Tensor change = sign(momentum * double(o.beta1) + g * (1 - o.beta1));
    if (o.weight_decay != 0) change = change + p * double(o.weight_decay);
    step.set(momentum, momentum * double(o.beta2) + g * (1 - o.beta2));
    step.set(parameter(i), p - change * rate(i));
}

Optimizer::Memories AdaBound::memories(const AdaBoundOptions& o) {
    Memories all{{{"first_moment"}, {"second_moment"}}, {{"step"}, {"beta1_power", 1}, {"beta2_power", 1}}};
    if (o.amsbound) all.of_parameters.push_back({"greatest_second_moment"});
    return all;
}

void AdaBound::begin(std::size_t group, Step& step) {
    const AdaBoundOptions& o = options(group);
    const Tensor count = group_state(group, "step") + 1;
    step.set(group_state(group, "step"), count);
    const Tensor power1 = multiplied(group, "beta1_power", o.beta1, step);
    const Tensor power2 = multiplied(group, "beta2_power", o.beta2, step);
    const Tensor& rate = group_state(group, "learning_rate");
    const Tensor limit = rate * (o.final_rate / o.learning_rate);
    const Tensor time = count * double(o.gamma);
    step.shared[group] = {rate * sqrt(1 - power2) / (1 - power1), limit * (1 - 1 / (time + 1)), limit * (1 + 1 / time)};
}

void AdaBound::update(std::size_t i, const Tensor& gradient, Step& step) {
    const AdaBoundOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const auto shared = [&](std::size_t which) { return convert(step.shared[group_of(i)][which], p.dtype()); };
    const Tensor first = state(i, "first_moment") * double(o.beta1) + g * (1 - o.beta1);
    const Tensor second = state(i, "second_moment") * double(o.beta2) + g * g * (1 - o.beta2);
    step.set(state(i, "first_moment"), first);
    step.set(state(i, "second_moment"), second);
    Tensor scale = second;
    if (o.amsbound) {
        scale = maximum(state(i, "greatest_second_moment"), second);
        step.set(state(i, "greatest_second_moment"), scale);
    }
    const Tensor step_size = shared(0) / (sqrt(scale) + double(o.epsilon));
    step.set(parameter(i), p - minimum(maximum(step_size, shared(1)), shared(2)) * first);
}

}  // namespace lathe::optim
