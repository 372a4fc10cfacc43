#include "frontend/optim/adaptive.h"

#include "frontend/functions/functions.h"

namespace lathe::optim {

Optimizer::Memories RmsProp::memories(const RmsPropOptions& o) {
    Memories all{{{"mean_square"}}, {}};
    if (o.centered) all.of_parameters.push_back({"mean"});
    if (o.momentum != 0) all.of_parameters.push_back({"velocity"});
    return all;
}

void RmsProp::update(std::size_t i, const Tensor& gradient, Step& step) {
    const RmsPropOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const auto moved = [&](std::string_view name, const Tensor& x) {
        const Tensor next = state(i, name) * double(o.alpha) + x * (1 - o.alpha);
        step.set(state(i, name), next);
        return next;
    };
    Tensor square = moved("mean_square", g * g);
    if (o.centered) {
        const Tensor mean = moved("mean", g);
        square = square - mean * mean;
    }
    Tensor change = g / (sqrt(square) + double(o.epsilon));
    if (o.momentum != 0) {
        change = state(i, "velocity") * double(o.momentum) + change;
        step.set(state(i, "velocity"), change);
    }
    step.set(parameter(i), p - change * rate(i));
}

Optimizer::Memories Adagrad::memories(const AdagradOptions& o) {
    Memories all{{{"sum_of_squares", o.initial_accumulator}}, {}};
    if (o.learning_rate_decay != 0) all.of_group.push_back({"step"});
    return all;
}

void Adagrad::begin(std::size_t group, Step& step) {
    const AdagradOptions& o = options(group);
    if (o.learning_rate_decay == 0) return;
    const Tensor& count = group_state(group, "step");
    step.shared[group] = {1 + count * double(o.learning_rate_decay)};
    step.set(count, count + 1);
}

void Adagrad::update(std::size_t i, const Tensor& gradient, Step& step) {
    const AdagradOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const Tensor squares = state(i, "sum_of_squares") + g * g;
    step.set(state(i, "sum_of_squares"), squares);
    Tensor step_size = rate(i);
    if (o.learning_rate_decay != 0) step_size = step_size / convert(step.shared[group_of(i)][0], p.dtype());
    step.set(parameter(i), p - step_size * g / (sqrt(squares) + double(o.epsilon)));
}

Optimizer::Memories Adadelta::memories(const AdadeltaOptions&) {
    return {{{"mean_square"}, {"mean_square_change"}}, {}};
}

void Adadelta::update(std::size_t i, const Tensor& gradient, Step& step) {
    const AdadeltaOptions& o = options_of(i);
    const Tensor p = wide(parameter(i)), g = descent(i, gradient);
    const Tensor &square_before = state(i, "mean_square"), &change_before = state(i, "mean_square_change");
    const auto moved = [&](const Tensor& mean, const Tensor& x) { return mean * double(o.rho) + x * x * (1 - o.rho); };
    const Tensor square = moved(square_before, g);
    const Tensor change = sqrt(change_before + double(o.epsilon)) / sqrt(square + double(o.epsilon)) * g;
    step.set(square_before, square);
    step.set(change_before, moved(change_before, change));
    step.set(parameter(i), p - change * rate(i));
}

}  // namespace lathe::optim
