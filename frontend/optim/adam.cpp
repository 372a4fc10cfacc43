#include "frontend/optim/adam.h"

#include "frontend/functions/functions.h"

namespace lathe::optim {
namespace {

// `average` moved towards x.
Tensor moved(const Tensor& average, double beta, const Tensor& x) { return average * beta + x * (1 - beta); }

}  // namespace

template <bool is_decoupled>
Optimizer::Memories AdamOf<is_decoupled>::memories(const AdamOptionsOf<is_decoupled>& o) {
    Optimizer::Memories all{{{"first_moment"}, {"second_moment"}}, {{"beta1_power", 1}, {"beta2_power", 1}}};
    if (o.amsgrad) all.of_parameters.push_back({"greatest_second_moment"});
    return all;
}

template <bool is_decoupled>
void AdamOf<is_decoupled>::begin(std::size_t group, Optimizer::Step& step) {
    const Tensor &before1 = this->group_state(group, "beta1_power"), &before2 = this->group_state(group, "beta2_power");
    const Tensor power1 = before1 * double(this->options(group).beta1);
    const Tensor power2 = before2 * double(this->options(group).beta2);
    step.set(before1, power1);
    step.set(before2, power2);
    step.shared[group] = {1 - power1, rsqrt(1 - power2)};
}

template <bool is_decoupled>
void AdamOf<is_decoupled>::update(std::size_t i, const Tensor& gradient, Optimizer::Step& step) {
    const auto& o = this->options_of(i);
    const Tensor& parameter = this->parameter(i);
    const Tensor p = this->wide(parameter), g = this->descent(i, gradient), rate = this->rate(i);
    const std::vector<Tensor>& shared = step.shared[this->group_of(i)];
    const Tensor &first_before = this->state(i, "first_moment"), &second_before = this->state(i, "second_moment");
    const Tensor first = moved(first_before, o.beta1, g);
    const Tensor second = moved(second_before, o.beta2, g * g);
    step.set(first_before, first);
    step.set(second_before, second);
    Tensor scale = second;
    if (o.amsgrad) {
        const Tensor& greatest = this->state(i, "greatest_second_moment");
        scale = maximum(greatest, second);
        step.set(greatest, scale);
    }
    const Tensor step_size = rate / convert(shared[0], p.dtype());
    const Tensor denominator = sqrt(scale) * convert(shared[1], p.dtype()) + double(o.epsilon);
    const Tensor kept = is_decoupled && o.weight_decay != 0 ? p - p * (rate * double(o.weight_decay)) : p;
    step.set(parameter, kept - step_size * first / denominator);
}

template class AdamOf<false>;
template class AdamOf<true>;

Optimizer::Memories Adamax::memories(const AdamaxOptions&) {
    return {{{"first_moment"}, {"infinity_norm"}}, {{"beta1_power", 1}}};
}

void Adamax::begin(std::size_t group, Step& step) {
    const Tensor& before = group_state(group, "beta1_power");
    const Tensor power = before * double(options(group).beta1);
    step.set(before, power);
    step.shared[group] = {1 - power};
}

void Adamax::update(std::size_t i, const Tensor& gradient, Step& step) {
    const AdamaxOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const Tensor first = moved(state(i, "first_moment"), o.beta1, g);
    const Tensor norm = maximum(state(i, "infinity_norm") * double(o.beta2), abs(g) + double(o.epsilon));
    step.set(state(i, "first_moment"), first);
    step.set(state(i, "infinity_norm"), norm);
    const Tensor step_size = rate(i) / convert(step.shared[group_of(i)][0], p.dtype());
    step.set(parameter(i), p - step_size * first / norm);
}

Optimizer::Memories NAdam::memories(const NAdamOptions&) {
    return {{{"first_moment"}, {"second_moment"}}, {{"step"}, {"beta2_power", 1}, {"momentum_product", 1}}};
}

void NAdam::begin(std::size_t group, Step& step) {
    const NAdamOptions& o = options(group);
    const Tensor count = group_state(group, "step") + 1;
    const auto momentum = [&](const Tensor& t) {
        return (1 - pow(0.96, t * double(o.momentum_decay)) * 0.5) * double(o.beta1);
    };
    const Tensor now = momentum(count), next = momentum(count + 1);
    const Tensor product = group_state(group, "momentum_product") * now;
    const Tensor power = group_state(group, "beta2_power") * double(o.beta2);
    step.set(group_state(group, "step"), count);
    step.set(group_state(group, "momentum_product"), product);
    step.set(group_state(group, "beta2_power"), power);
    step.shared[group] = {(1 - now) / (1 - product), next / (1 - product * next), rsqrt(1 - power)};
}

void NAdam::update(std::size_t i, const Tensor& gradient, Step& step) {
    const NAdamOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const auto shared = [&](std::size_t which) { return convert(step.shared[group_of(i)][which], p.dtype()); };
    const Tensor first = moved(state(i, "first_moment"), o.beta1, g);
    const Tensor second = moved(state(i, "second_moment"), o.beta2, g * g);
    step.set(state(i, "first_moment"), first);
    step.set(state(i, "second_moment"), second);
    const Tensor denominator = sqrt(second) * shared(2) + double(o.epsilon);
    step.set(parameter(i), p - rate(i) * (shared(0) * g + shared(1) * first) / denominator);
}

Optimizer::Memories RAdam::memories(const RAdamOptions&) {
    return {{{"first_moment"}, {"second_moment"}}, {{"step"}, {"beta1_power", 1}, {"beta2_power", 1}}};
}

// rho_t = rho - 2 t beta2^t / (1 - beta2^t) with rho = 2 / (1 - beta2) - 1 is how many gradients v is worth. From 5 on
// the step is m' r / (sqrt(v') + epsilon), r = sqrt((rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t)).
void RAdam::begin(std::size_t group, Step& step) {
    const RAdamOptions& o = options(group);
    const Tensor count = group_state(group, "step") + 1;
    step.set(group_state(group, "step"), count);
    const Tensor power1 = multiplied(group, "beta1_power", o.beta1, step);
    const Tensor power2 = multiplied(group, "beta2_power", o.beta2, step);
    const double rho = 2 / (1 - o.beta2) - 1;
    const Tensor rho_now = rho - count * power2 * 2.0 / (1 - power2);
    const Tensor is_adaptive = rho_now > 5.0;
    const Tensor known = lathe::where(is_adaptive, rho_now, 5.0);  // within the domain of the root
    const Tensor rectification =
        sqrt((known - 4.0) * (known - 2.0) * rho / ((rho - 4) * (rho - 2) * known)) * sqrt(1 - power2);
    step.shared[group] = {is_adaptive, 1 - power1, rectification};
}

void RAdam::update(std::size_t i, const Tensor& gradient, Step& step) {
    const RAdamOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const std::vector<Tensor>& shared = step.shared[group_of(i)];
    const Tensor first = moved(state(i, "first_moment"), o.beta1, g);
    const Tensor second = moved(state(i, "second_moment"), o.beta2, g * g);
    step.set(state(i, "first_moment"), first);
    step.set(state(i, "second_moment"), second);
    const Tensor scale =
        lathe::where(shared[0], convert(shared[2], p.dtype()) / (sqrt(second) + double(o.epsilon)), 1.0);
    step.set(parameter(i), p - rate(i) / convert(shared[1], p.dtype()) * first * scale);
}

}  // namespace lathe::optim
