#include "frontend/optim/accumulator.h"

#include <fmt/format.h>

#include "frontend/functions/functions.h"
#include "frontend/functions/operand_checks.h"

namespace lathe::optim {

using lathe::detail::blame;
using lathe::detail::LocScope;

GradientAccumulator::GradientAccumulator(Optimizer& optimizer, std::int64_t micro_steps, Where where)
    : optimizer_(&optimizer), micro_steps_(micro_steps) {
    const LocScope scope(where, "GradientAccumulator");
    lathe::detail::require_at_least("GradientAccumulator", "micro_steps", micro_steps, 1, where);
    for (const Tensor& p : optimizer.parameters())
        sums_.push_back(variable(convert(zeros_like(p), ir::accumulator_of(p.dtype())), "gradient_sum", false));
    count_ = variable(Tensor::scalar(0.0), "micro_steps", false);
}

void GradientAccumulator::add(Where where) {
    const LocScope scope(where, "add");
    const std::vector<Tensor>& parameters = optimizer_->parameters();
    if (parameters.size() != sums_.size())
        throw UserError(fmt::format("add: the optimiser has {} parameters, not {} as when the accumulator was made",
                                    parameters.size(), sums_.size()),
                        blame(where));
    std::vector<Tensor> targets, values;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
        const Tensor gradient = parameters[i].grad();
        if (gradient.is_empty()) continue;
        targets.push_back(sums_[i]);
        values.push_back(sums_[i] + convert(gradient, sums_[i].dtype()));
    }
    if (targets.empty() && !sums_.empty())
        throw UserError("add: no parameter has a derivative; backward() has to come before, in the same function",
                        blame(where));
    targets.push_back(count_);
    values.push_back(count_ + 1);
    if (!detail::is_traced()) eval(values, where);
    for (std::size_t i = 0; i < targets.size(); ++i) targets[i].set(values[i], where);
    optimizer_->zero_grad(where);
}

void GradientAccumulator::flush_if(const Tensor& condition, Where where) {
    const std::vector<Tensor>& parameters = optimizer_->parameters();
    for (std::size_t i = 0; i < sums_.size(); ++i) {
        const Tensor mean = sums_[i] / convert(maximum(count_, 1), sums_[i].dtype());
        parameters[i].set_grad(convert(mean, parameters[i].dtype()), where);
    }
    std::vector<Tensor> rest;
    for (const Tensor& sum : sums_) rest.push_back(lathe::where(condition, 0.0, sum));
    rest.push_back(lathe::where(condition, 0.0, count_));
    optimizer_->step_if(condition, where);
    if (!detail::is_traced()) eval(rest, where);
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i].set(rest[i], where);
    count_.set(rest.back(), where);
}

void GradientAccumulator::flush(Where where) {
    const LocScope scope(where, "flush");
    flush_if(count_ > 0, where);
}

void GradientAccumulator::step(Where where) {
    const LocScope scope(where, "step");
    add(where);
    flush_if(count_ >= static_cast<double>(micro_steps_), where);
}

NamedState GradientAccumulator::named_state() const {
    NamedState all;
    for (std::size_t i = 0; i < sums_.size(); ++i) all.emplace_back(fmt::format("{}.sum", i), sums_[i]);
    all.emplace_back("count", count_);
    return all;
}

void GradientAccumulator::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::load_variables("GradientAccumulator", named_state(), state, where);
}

}  // namespace lathe::optim
