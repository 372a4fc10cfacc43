#include "frontend/optim/optimizer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "frontend/functions/functions.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe::optim {

using lathe::detail::blame;
using lathe::detail::Frame;
using lathe::detail::LocScope;

Optimizer::Optimizer(std::vector<Tensor> parameters, double learning_rate, Where where)
    : Optimizer(std::move(parameters), learning_rate, Memories{}, where) {}
Optimizer::Optimizer(std::vector<Tensor> parameters, double learning_rate, const Memories& memories, Where where) {
    add(std::move(parameters), learning_rate, memories, where);
}

void Optimizer::add(std::vector<Tensor> parameters, double learning_rate, const Memories& memories, Where where) {
    const LocScope scope(where, name_);
    const std::size_t group = groups_.size();
    std::vector<Tensor> all = parameters_;
    all.insert(all.end(), parameters.begin(), parameters.end());
    detail::require_variables(name_, all, where);
    std::vector<NamedState> states;
    for (const Tensor& p : parameters) {
        NamedState& state = states.emplace_back();
        for (const Memory& m : memories.of_parameters)
            state.emplace_back(m.name, variable(wide(full_like(p, m.initial)), std::string(m.name), false));
    }
    NamedState numbers;
    const auto add_number = [&](std::string_view name, double initial) {
        numbers.emplace_back(name, variable(Tensor::scalar(initial), std::string(name), false));
    };
    add_number("learning_rate", learning_rate);
    for (const Memory& m : memories.of_group) add_number(m.name, m.initial);

    parameters_ = std::move(all);
    group_of_.resize(parameters_.size(), group);
    std::ranges::move(states, std::back_inserter(state_));
    groups_.push_back(std::move(numbers));
}

const Tensor& Optimizer::find(const NamedState& variables, std::string_view name) {
    const auto found = std::ranges::find(variables, name, &NamedTensor::first);
    if (found == variables.end())
        throw UserError(fmt::format("optimizer: there is no state \"{}\" among its memories", name), blame({}));
    return found->second;
}

double Optimizer::learning_rate(std::size_t group, Where where) const {
    if (group >= groups_.size())
        throw UserError(fmt::format("learning_rate: there is no group {} of {}", group, groups_.size()), blame(where));
    return find(groups_[group], "learning_rate").item<double>(where);
}

void Optimizer::set_learning_rate(double rate, Where where) {
    for (std::size_t group = 0; group < groups_.size(); ++group) set_learning_rate(group, rate, where);
}
void Optimizer::set_learning_rate(std::size_t group, double rate, Where where) {
    if (group >= groups_.size())
        throw UserError(fmt::format("set_learning_rate: there is no group {} of {}", group, groups_.size()),
                        blame(where));
    find(groups_[group], "learning_rate").set(Tensor::scalar(rate), where);
}

Tensor Optimizer::multiplied(std::size_t group, std::string_view name, double factor, Step& step) const {
    const Tensor next = group_state(group, name) * factor;
    step.set(group_state(group, name), next);
    return next;
}

Tensor Optimizer::wide(const Tensor& x) { return convert(x, ir::accumulator_of(x.dtype())); }

Tensor Optimizer::rate(std::size_t i) const {
    return convert(find(groups_[group_of_[i]], "learning_rate"), ir::accumulator_of(parameters_[i].dtype()));
}

void Optimizer::begin(std::size_t, Step&) {}

void Optimizer::step(Where where) {
    const LocScope scope(where, "step");
    step_where(nullptr, where);
}

void Optimizer::step_if(const Tensor& condition, Where where) {
    const LocScope scope(where, "step_if", condition);
    if (condition.dtype() != Dtype::boolean || condition.rank() != 0)
        lathe::detail::refuse("step_if", "wants a bool of rank 0 as the condition", where);
    step_where(&condition, where);
}

void Optimizer::step_where(const Tensor* condition, Where where) {
    Step step;
    bool any = false;
    {
        std::optional<Frame> users;
        if (!of_library_) users.emplace(where);
        step.shared.resize(groups_.size());
        for (std::size_t group = 0; group < groups_.size(); ++group) begin(group, step);
        for (std::size_t i = 0; i < parameters_.size(); ++i)
            if (const Tensor gradient = parameters_[i].grad(); !gradient.is_empty()) {
                update(i, gradient, step);
                any = true;
            }
    }
    if (!any && !parameters_.empty())
        throw UserError(fmt::format("{}: no parameter has a derivative; backward() has to {}",
                                    condition == nullptr ? "step" : "step_if",
                                    detail::is_traced() ? "be part of the same compiled function" : "come before"),
                        blame(where));
    for (Update& u : step.updates) {
        u.value = convert(u.value, u.variable.dtype());
        if (condition != nullptr) u.value = lathe::where(*condition, u.value, u.variable);
    }
    if (!detail::is_traced()) {  // as one program
        std::vector<Tensor> values;
        for (const Update& u : step.updates) values.push_back(u.value);
        eval(values, where);
    }
    for (const Update& u : step.updates) u.variable.set(u.value, where);
    zero_grad(where);
}

void Optimizer::zero_grad(Where where) const {
    for (const Tensor& p : parameters_) p.zero_grad(where);
}

NamedState Optimizer::named_state() const {
    NamedState all;
    for (std::size_t i = 0; i < state_.size(); ++i)
        for (const auto& [name, variable] : state_[i]) all.emplace_back(fmt::format("{}.{}", i, name), variable);
    for (std::size_t group = 0; group < groups_.size(); ++group)
        for (const auto& [name, variable] : groups_[group])
            all.emplace_back(fmt::format("groups.{}.{}", group, name), variable);
    return all;
}

void Optimizer::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::load_variables(name_, named_state(), state, where);
}

}  // namespace lathe::optim
