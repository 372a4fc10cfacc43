// Optimisers whose steps are bounded: by the size of the parameter, to a sign, or between two rates.
#pragma once

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

// r = m' / (sqrt(v') + epsilon) + weight_decay * p, p -= rate * |p| / |r| * r with the norms of the whole parameter;
// the quotient is 1 where either is 0. m' and v' are those of Adam (see adam.h). You et al., "Large batch optimization
// for deep learning: training BERT in 76 minutes", 2020.
struct LambOptions {
    Setting<double> learning_rate = by_default(1e-3);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.999), epsilon = by_default(1e-6);
    Setting<double> weight_decay = by_default(0.0);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = LambOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("beta1", &O::beta1, below_one), detail::field("beta2", &O::beta2, below_one),
                          detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("maximize", &O::maximize));
    }
};
class Lamb final : public OptimizerOf<Lamb, LambOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "Lamb";
    static constexpr bool decoupled = true;
    static Memories memories(const LambOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

// p -= rate * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * p), then m = beta2 * m + (1 - beta2) * g. Chen et
// al., "Symbolic discovery of optimization algorithms", 2023.
struct LionOptions {
    Setting<double> learning_rate = by_default(1e-4);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.99);
    Setting<double> weight_decay = by_default(0.0);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = LionOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("beta1", &O::beta1, below_one), detail::field("beta2", &O::beta2, below_one),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("maximize", &O::maximize));
    }
};
class Lion final : public OptimizerOf<Lion, LionOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "Lion";
    static constexpr bool decoupled = true;
    static Memories memories(const LionOptions& options);
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

// p -= clamp(rate * sqrt(1 - beta2^t) / (1 - beta1^t) / (sqrt(v) + epsilon), low, high) * m, where both bounds tend to
// that of plain descent: low = f * (1 - 1 / (gamma * t + 1)), high = f * (1 + 1 / (gamma * t)), f = final_rate as the
// learning rate has changed since the start. Luo et al., "Adaptive gradient methods with dynamic bound of learning
// rate", 2019, with the correction of bias of the authors' program.
struct AdaBoundOptions {
    Setting<double> learning_rate = by_default(1e-3);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.999), epsilon = by_default(1e-8);
    Setting<double> final_rate = by_default(0.1), gamma = by_default(1e-3);
    Setting<double> weight_decay = by_default(0.0);  // added to the gradient
    Setting<bool> amsbound = by_default(false);      // v is the greatest so far
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = AdaBoundOptions;
        using enum detail::Range;
        return std::tuple(
            detail::field("learning_rate", &O::learning_rate, above_zero), detail::field("beta1", &O::beta1, below_one),
            detail::field("beta2", &O::beta2, below_one), detail::field("epsilon", &O::epsilon, not_negative),
            detail::field("final_rate", &O::final_rate, not_negative), detail::field("gamma", &O::gamma, above_zero),
            detail::field("weight_decay", &O::weight_decay, not_negative), detail::field("amsbound", &O::amsbound),
            detail::field("maximize", &O::maximize));
    }
};
class AdaBound final : public OptimizerOf<AdaBound, AdaBoundOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "AdaBound";
    static Memories memories(const AdaBoundOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

}  // namespace lathe::optim
