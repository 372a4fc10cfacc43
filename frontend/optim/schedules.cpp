#include "frontend/optim/schedules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe::optim {
namespace {

using lathe::detail::blame;
using lathe::detail::LocScope;

// From `from` at 0 to `to` at 1, along half a wave of the cosine.
double along_cosine(double from, double to, double at) {
    return to + (from - to) * (1 + std::cos(std::numbers::pi * at)) / 2;
}

std::vector<Tensor> rates_of(const Optimizer& optimizer) {
    std::vector<Tensor> rates;
    for (const auto& [name, variable] : optimizer.named_state())
        if (name.starts_with("groups.") && name.ends_with(".learning_rate")) rates.push_back(variable);
    return rates;
}

// A schedule's number, when a rate is asked for: curves are made of what the user writes, without a line of their own.
void require_positive(std::string_view curve, std::string_view name, std::int64_t n) {
    if (n < 1) throw UserError(fmt::format("{}: {} is {}, less than 1", curve, name, n), blame({}));
}

}  // namespace

double StepLR::operator()(double base, std::int64_t t) const {
    require_positive("StepLR", "step_size", step_size);
    return base * std::pow(gamma, static_cast<double>(t / step_size));
}

double MultiStepLR::operator()(double base, std::int64_t t) const {
    return base * std::pow(gamma, std::ranges::count_if(milestones, [&](std::int64_t m) { return m <= t; }));
}

double ExponentialLR::operator()(double base, std::int64_t t) const {
    return base * std::pow(gamma, static_cast<double>(t));
}

double ConstantLR::operator()(double base, std::int64_t t) const { return t < steps ? base * factor : base; }

double LinearLR::operator()(double base, std::int64_t t) const {
    require_positive("LinearLR", "steps", steps);
    if (t >= steps) return base * end;
    return base * (start + (end - start) * static_cast<double>(t) / static_cast<double>(steps));
}

double PolynomialLR::operator()(double base, std::int64_t t) const {
    if (t >= steps) return 0;
    return base * std::pow(1 - static_cast<double>(t) / static_cast<double>(steps), power);
}

double CosineAnnealingLR::operator()(double base, std::int64_t t) const {
    require_positive("CosineAnnealingLR", "period", period);
    return along_cosine(base, minimum, static_cast<double>(t) / static_cast<double>(period));
}

double CosineAnnealingWarmRestarts::operator()(double base, std::int64_t t) const {
    require_positive("CosineAnnealingWarmRestarts", "period", period);
    require_positive("CosineAnnealingWarmRestarts", "growth", growth);
    std::int64_t length = period;
    if (growth == 1)
        t %= length;
    else
        while (t >= length) {
            t -= length;
            length = length > std::numeric_limits<std::int64_t>::max() / growth
                         ? std::numeric_limits<std::int64_t>::max()
                         : length * growth;
        }
    return along_cosine(base, minimum, static_cast<double>(t) / static_cast<double>(length));
}

double OneCycleLR::operator()(double, std::int64_t t) const {
    require_positive("OneCycleLR", "steps", steps);
    const double initial = max_rate / div_factor, last = initial / final_div_factor;
    const auto total = static_cast<double>(steps);
    struct Phase {
        double end, from, to;
    };
    std::vector<Phase> phases{{warm_up * total - 1, initial, max_rate}};
    if (three_phases) phases.push_back({2 * warm_up * total - 2, max_rate, initial});
    phases.push_back({total - 1, phases.back().to, last});
    double start = 0;
    for (const Phase& phase : phases) {
        if (static_cast<double>(t) > phase.end) {
            start = phase.end;
            continue;
        }
        const double at = (static_cast<double>(t) - start) / (phase.end - start);
        return linear ? phase.from + (phase.to - phase.from) * at : along_cosine(phase.from, phase.to, at);
    }
    return last;
}

double LambdaLR::operator()(double base, std::int64_t t) const {
    if (!factor) throw UserError("LambdaLR: there is no function", blame({}));
    return base * factor(t);
}

double SequentialLR::operator()(double base, std::int64_t t) const {
    if (curves.size() != milestones.size() + 1)
        throw UserError(fmt::format("SequentialLR: {} curves need {} milestones, not {}", curves.size(),
                                    curves.empty() ? 0 : curves.size() - 1, milestones.size()),
                        blame({}));
    const auto passed = static_cast<std::size_t>(
        std::ranges::count_if(milestones, [&](std::int64_t milestone) { return milestone <= t; }));
    const std::size_t now = std::min(passed, curves.size() - 1);
    return curves[now](base, now == 0 ? t : t - milestones[now - 1]);
}

Schedule::Schedule(const Optimizer& optimizer, Curve curve, Where where)
    : rates_(rates_of(optimizer)), curve_(std::move(curve)) {
    const LocScope scope(where, "Schedule");
    detail::require_outside_of_traces("Schedule", "make schedules before", where);
    for (const Tensor& rate : rates_) base_.push_back(rate.item<double>(where));
    set_rates(where);
}

void Schedule::set_rates(Where where) const {
    for (std::size_t i = 0; i < rates_.size(); ++i) rates_[i].set(Tensor::scalar(curve_(base_[i], position_)), where);
}

void Schedule::step(Where where) {
    const LocScope scope(where, "step");
    detail::require_outside_of_traces("step", "let schedules step between the calls of a compiled function", where);
    ++position_;
    set_rates(where);
}

NamedState Schedule::named_state() const {
    return {{"position", Tensor::scalar(position_)},
            {"base_rates", Tensor::from(base_, {static_cast<std::int64_t>(base_.size())})}};
}

void Schedule::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::require_outside_of_traces("load_state", "load states before", where);
    const std::vector<Tensor> values = detail::match_state("Schedule", named_state(), state, where);
    base_ = values[1].to_vector<double>(where);
    position_ = values[0].item<std::int64_t>(where);
    set_rates(where);
}

ReduceLROnPlateau::ReduceLROnPlateau(const Optimizer& optimizer, PlateauOptions options, Where where)
    : rates_(rates_of(optimizer)),
      options_(options),
      best_(options.maximize ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()) {
    if (!(options.factor < 1))
        throw UserError(fmt::format("ReduceLROnPlateau: factor is {}, not below 1", options.factor), blame(where));
}

void ReduceLROnPlateau::step(double metric, Where where) {
    const LocScope scope(where, "step");
    detail::require_outside_of_traces("step", "let schedules step between the calls of a compiled function", where);
    const PlateauOptions& o = options_;
    // As a minimum is sought.
    const double now = o.maximize ? -metric : metric, best = o.maximize ? -best_ : best_;
    const double margin = o.is_absolute || std::isinf(best) ? o.threshold : o.threshold * best * (o.maximize ? -1 : 1);
    if (now < best - margin) {
        best_ = metric;
        bad_steps_ = 0;
    } else {
        ++bad_steps_;
    }
    if (cooldown_ > 0) {
        --cooldown_;
        bad_steps_ = 0;
    }
    if (bad_steps_ <= o.patience) return;
    for (const Tensor& rate : rates_) {
        const double before = rate.item<double>(where), after = std::max(before * o.factor, o.minimum);
        if (before - after > o.epsilon) rate.set(Tensor::scalar(after), where);
    }
    cooldown_ = o.cooldown;
    bad_steps_ = 0;
}

NamedState ReduceLROnPlateau::named_state() const {
    return {{"best", Tensor::scalar(best_)},
            {"bad_steps", Tensor::scalar(bad_steps_)},
            {"cooldown", Tensor::scalar(cooldown_)}};
}

void ReduceLROnPlateau::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::require_outside_of_traces("load_state", "load states before", where);
    const std::vector<Tensor> values = detail::match_state("ReduceLROnPlateau", named_state(), state, where);
    best_ = values[0].item<double>(where);
    bad_steps_ = values[1].item<std::int64_t>(where);
    cooldown_ = values[2].item<std::int64_t>(where);
}

}  // namespace lathe::optim
