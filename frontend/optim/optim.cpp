#include "frontend/optim/optim.h"

#include <optional>

#include "frontend/functions/functions.h"
#include "frontend/trace/trace.h"

namespace lathe::optim {

Optimizer::Optimizer(std::vector<Tensor> parameters, double learning_rate, Where where)
    : Optimizer({"optimizer"}, std::move(parameters), learning_rate, where) {
    of_library_ = false;
}

Optimizer::Optimizer(OfLibrary self, std::vector<Tensor> parameters, double learning_rate, Where where)
    : parameters_(std::move(parameters)), of_library_(true) {
    const detail::LocScope scope(where, self.name);
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (!parameters_[i].is_variable())
            throw UserError(std::string(self.name) + ": parameter " + std::to_string(i) + " is no variable (" +
                                (parameters_[i].is_empty() ? "empty" : parameters_[i].type().to_string()) + ")",
                            detail::blame(where));
    learning_rate_ = variable(Tensor::scalar(learning_rate), "learning_rate", false);
}

void Optimizer::set_learning_rate(double rate, Where where) { learning_rate_.set(Tensor::scalar(rate), where); }

Tensor Optimizer::rate(const Tensor& like) const { return convert(learning_rate_, like.dtype()); }

Tensor Optimizer::wide(const Tensor& x) { return convert(x, ir::accumulator_of(x.dtype())); }

Tensor Optimizer::state(std::size_t i, std::string name) const {
    return variable(wide(zeros_like(parameters_[i])), std::move(name), false);
}

void Optimizer::begin(Step&) {}

void Optimizer::step(Where where) {
    const detail::LocScope scope(where, "step");
    Step step;
    bool any = false;
    {
        std::optional<detail::Frame> users;
        if (!of_library_) users.emplace(where);
        begin(step);
        for (std::size_t i = 0; i < parameters_.size(); ++i)
            if (const Tensor gradient = parameters_[i].grad(); !gradient.is_empty()) {
                update(i, gradient, step);
                any = true;
            }
    }
    if (!any && !parameters_.empty())
        throw UserError(std::string("step: no parameter has a derivative; backward() has to ") +
                            (Trace::current() != nullptr ? "be part of the same compiled function" : "come before"),
                        detail::blame(where));
    for (Update& u : step.updates) u.value = convert(u.value, u.variable.dtype());
    if (Trace::current() == nullptr) {  // as one program
        std::vector<Tensor> values;
        for (const Update& u : step.updates) values.push_back(u.value);
        eval(values, where);
    }
    for (const Update& u : step.updates) u.variable.set(u.value, where);
    for (const Tensor& p : parameters_) p.zero_grad();
}

Sgd::Sgd(std::vector<Tensor> parameters, SgdOptions options, Where where)
    : Optimizer({"Sgd"}, std::move(parameters), options.learning_rate, where), options_(options) {
    const detail::LocScope scope(where, "Sgd");
    if (options_.momentum != 0)
        for (std::size_t i = 0; i < parameter_count(); ++i) velocity_.push_back(state(i, "velocity"));
}

void Sgd::update(std::size_t i, const Tensor& gradient, Step& step) {
    const Tensor p = wide(parameter(i));
    Tensor g = wide(gradient);
    if (options_.weight_decay != 0) g = g + p * options_.weight_decay;
    if (options_.momentum != 0) {
        g = velocity_[i] * options_.momentum + g;
        step.updates.push_back({velocity_[i], g});
    }
    step.updates.push_back({parameter(i), p - g * rate(p)});
}

Adam::Adam(std::vector<Tensor> parameters, AdamOptions options, Where where)
    : Adam({"Adam"}, std::move(parameters), options, false, where) {}

Adam::Adam(OfLibrary self, std::vector<Tensor> parameters, AdamOptions options, bool decoupled, Where where)
    : Optimizer(self, std::move(parameters), options.learning_rate, where),
      options_(options),
      decoupled_(decoupled),
      power1_(variable(Tensor::scalar(1.0), "beta1_power", false)),
      power2_(variable(Tensor::scalar(1.0), "beta2_power", false)) {
    const detail::LocScope scope(where, self.name);
    for (std::size_t i = 0; i < parameter_count(); ++i) {
        first_.push_back(state(i, "first_moment"));
        second_.push_back(state(i, "second_moment"));
    }
}

void Adam::begin(Step& step) {
    const Tensor power1 = power1_ * options_.beta1;
    const Tensor power2 = power2_ * options_.beta2;
    step.shared = {1 - power1, rsqrt(1 - power2)};
    step.updates.push_back({power1_, power1});
    step.updates.push_back({power2_, power2});
}

void Adam::update(std::size_t i, const Tensor& gradient, Step& step) {
    const Tensor p = wide(parameter(i));
    const auto as_parameter = [&](const Tensor& x) { return convert(x, p.dtype()); };
    Tensor g = wide(gradient);
    if (options_.weight_decay != 0 && !decoupled_) g = g + p * options_.weight_decay;
    const Tensor first = first_[i] * options_.beta1 + g * (1 - options_.beta1);
    const Tensor second = second_[i] * options_.beta2 + g * g * (1 - options_.beta2);
    const Tensor step_size = rate(p) / as_parameter(step.shared[0]);
    const Tensor denominator = sqrt(second) * as_parameter(step.shared[1]) + options_.epsilon;
    Tensor next = p;
    if (options_.weight_decay != 0 && decoupled_) next = p - p * (rate(p) * options_.weight_decay);
    step.updates.push_back({first_[i], first});
    step.updates.push_back({second_[i], second});
    step.updates.push_back({parameter(i), next - step_size * first / denominator});
}

}  // namespace lathe::optim
