// Optimisers that divide each element's step by what its gradients have been.
#pragma once

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

// v = alpha * v + (1 - alpha) * g^2, a = g / (sqrt(v) + epsilon), p -= rate * a; with momentum b = momentum * b + a
// takes the place of a. Centred: v less the square of the mean of g, m = alpha * m + (1 - alpha) * g. Tieleman and
// Hinton, lecture 6.5 of "Neural networks for machine learning", 2012; centred in Graves, "Generating sequences with
// recurrent neural networks", 2013.
struct RmsPropOptions {
    Setting<double> learning_rate = by_default(1e-2);
    Setting<double> alpha = by_default(0.99), epsilon = by_default(1e-8);
    Setting<double> weight_decay = by_default(0.0);
    Setting<double> momentum = by_default(0.0);
    Setting<bool> centered = by_default(false);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = RmsPropOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("alpha", &O::alpha, not_negative),
                          detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("momentum", &O::momentum, not_negative),
                          detail::field("centered", &O::centered), detail::field("maximize", &O::maximize));
    }
};
class RmsProp final : public OptimizerOf<RmsProp, RmsPropOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "RmsProp";
    static Memories memories(const RmsPropOptions& options);
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

// v += g^2, p -= rate / (1 + (t - 1) * learning_rate_decay) * g / (sqrt(v) + epsilon), v begins at initial_accumulator.
// Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
struct AdagradOptions {
    Setting<double> learning_rate = by_default(1e-2);
    Setting<double> learning_rate_decay = by_default(0.0);
    Setting<double> weight_decay = by_default(0.0);
    Setting<double> initial_accumulator = by_default(0.0);
    Setting<double> epsilon = by_default(1e-10);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = AdagradOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("learning_rate_decay", &O::learning_rate_decay, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("initial_accumulator", &O::initial_accumulator, not_negative),
                          detail::field("epsilon", &O::epsilon, not_negative), detail::field("maximize", &O::maximize));
    }
};
class Adagrad final : public OptimizerOf<Adagrad, AdagradOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "Adagrad";
    static Memories memories(const AdagradOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

// v = rho * v + (1 - rho) * g^2, d = sqrt(u + epsilon) / sqrt(v + epsilon) * g, u = rho * u + (1 - rho) * d^2,
// p -= rate * d. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
struct AdadeltaOptions {
    Setting<double> learning_rate = by_default(1.0);
    Setting<double> rho = by_default(0.9), epsilon = by_default(1e-6);
    Setting<double> weight_decay = by_default(0.0);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = AdadeltaOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("rho", &O::rho, below_one), detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("maximize", &O::maximize));
    }
};
class Adadelta final : public OptimizerOf<Adadelta, AdadeltaOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "Adadelta";
    static Memories memories(const AdadeltaOptions& options);
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

}  // namespace lathe::optim
