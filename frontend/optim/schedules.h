// Learning rates that change from step to step.
//
//   optim::Schedule schedule(optimizer, optim::CosineAnnealingLR{.period = 1000});
//   for (...) {
//       step(x, y);            // compiled or not
//       schedule.step();       // sets the rates of the optimiser: nothing is compiled anew
//   }
//
// What says the rate is a curve: a function of the rate that the optimiser had, and of how many steps the schedule has
// made. Those below have the names and formulas of PyTorch's schedules, in closed form. step() belongs outside of
// compiled functions, between their calls.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

using Curve = std::function<double(double base, std::int64_t t)>;

// base * gamma^floor(t / step_size)
struct StepLR {
    std::int64_t step_size = 1;
    double gamma = 0.1;
    double operator()(double base, std::int64_t t) const;
};
// base * gamma^(how many milestones are not beyond t)
struct MultiStepLR {
    std::vector<std::int64_t> milestones;
    double gamma = 0.1;
    double operator()(double base, std::int64_t t) const;
};
// base * gamma^t
struct ExponentialLR {
    double gamma = 0.1;
    double operator()(double base, std::int64_t t) const;
};
// base * factor for t < steps, then base
struct ConstantLR {
    double factor = 1.0 / 3;
    std::int64_t steps = 5;
    double operator()(double base, std::int64_t t) const;
};
// base times what goes in a line from `start` to `end` in `steps` steps: a warm-up.
struct LinearLR {
    double start = 1.0 / 3, end = 1;
    std::int64_t steps = 5;
    double operator()(double base, std::int64_t t) const;
};
// base * (1 - t / steps)^power, then 0
struct PolynomialLR {
    std::int64_t steps = 5;
    double power = 1;
    double operator()(double base, std::int64_t t) const;
};
// minimum + (base - minimum) * (1 + cos(pi * t / period)) / 2. Loshchilov and Hutter, "SGDR: stochastic gradient
// descent with warm restarts", 2017. Beyond the period the rate rises again.
struct CosineAnnealingLR {
    std::int64_t period = 1;
    double minimum = 0;
    double operator()(double base, std::int64_t t) const;
};
// The same from the start after each period; each is `growth` times as long as the one before.
struct CosineAnnealingWarmRestarts {
    std::int64_t period = 1;
    std::int64_t growth = 1;
    double minimum = 0;
    double operator()(double base, std::int64_t t) const;
};
// From max_rate / div_factor up to max_rate in the first `warm_up` of the steps, then down to a final_div_factor-th of
// where it began; with three phases down to where it began in as many steps, then the rest. The optimiser's own rate
// does not count, and its momentum stays as it is. Smith and Topin, "Super-convergence", 2018.
struct OneCycleLR {
    double max_rate = 0.1;
    std::int64_t steps = 1;
    double warm_up = 0.3;
    bool linear = false;  // not along a cosine
    double div_factor = 25, final_div_factor = 1e4;
    bool three_phases = false;
    double operator()(double base, std::int64_t t) const;
};
// base * factor(t)
struct LambdaLR {
    std::function<double(std::int64_t t)> factor;
    double operator()(double base, std::int64_t t) const;
};
// Curves one after the other: from milestones[i] on, the one behind; each counts from its own start.
struct SequentialLR {
    std::vector<Curve> curves;
    std::vector<std::int64_t> milestones;  // one less
    double operator()(double base, std::int64_t t) const;
};

// Sets the rates of all groups of the optimiser, at once those for t = 0. It keeps the optimiser's variables, not the
// optimiser; groups that are added later keep their rates.
class Schedule {
public:
    explicit Schedule(const Optimizer& optimizer, Curve curve, Where where = Where::current());
    void step(Where where = Where::current());
    std::int64_t position() const { return position_; }

    // "position", i64 of rank 0, and "base_rates", f64 of [groups].
    NamedState named_state() const;
    void load_state(const NamedState& state, Where where = Where::current());

private:
    void set_rates(Where where) const;
    std::vector<Tensor> rates_;  // the optimiser's variables
    std::vector<double> base_;
    std::int64_t position_ = 0;
    Curve curve_;
};

struct PlateauOptions {
    bool maximize = false;  // better is more, not less
    double factor = 0.1;
    std::int64_t patience = 10;
    double threshold = 1e-4;   // how much is better: of the best so far,
    bool is_absolute = false;  // or as a difference
    std::int64_t cooldown = 0;
    double minimum = 0, epsilon = 1e-8;
};
// Multiplies the rates by `factor` when `patience` steps and one more have not been better than the best before; for
// `cooldown` steps after that none counts as bad. Rates stay at `minimum`, and where they would change by epsilon or
// less.
class ReduceLROnPlateau {
public:
    explicit ReduceLROnPlateau(const Optimizer& optimizer, PlateauOptions options = {}, Where where = Where::current());
    void step(double metric, Where where = Where::current());

    // "best", f64, and "bad_steps" and "cooldown", i64, of rank 0; rates are of the optimiser's state.
    NamedState named_state() const;
    void load_state(const NamedState& state, Where where = Where::current());

private:
    std::vector<Tensor> rates_;
    PlateauOptions options_;
    double best_;
    std::int64_t bad_steps_ = 0, cooldown_ = 0;
};

}  // namespace lathe::optim
