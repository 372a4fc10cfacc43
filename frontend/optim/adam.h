// Adam and its kin: steps by running means of the gradient and of its square.
//
// In all of them m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g^2, which begin at 0; m' and v' are
// m / (1 - beta1^t) and v / (1 - beta2^t) in step t. beta^t counts the steps of the optimiser since the group joined.
#pragma once

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

// p -= rate * m' / (sqrt(v') + epsilon). Kingma and Ba, "Adam: a method for stochastic optimization", 2015. AdamW takes
// rate * weight_decay * p off the parameter besides: Loshchilov and Hutter, "Decoupled weight decay regularization",
// 2019. AMSGrad divides by the root of the greatest v so far: Reddi et al., "On the convergence of Adam and beyond",
// 2018.
template <bool is_decoupled>
struct AdamOptionsOf {
    Setting<double> learning_rate = by_default(1e-3);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.999), epsilon = by_default(1e-8);
    Setting<double> weight_decay = by_default(is_decoupled ? 1e-2 : 0.0);  // Adam: added to the gradient
    Setting<bool> amsgrad = by_default(false);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = AdamOptionsOf;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("beta1", &O::beta1, below_one), detail::field("beta2", &O::beta2, below_one),
                          detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("amsgrad", &O::amsgrad), detail::field("maximize", &O::maximize));
    }
};
using AdamOptions = AdamOptionsOf<false>;
using AdamWOptions = AdamOptionsOf<true>;

template <bool is_decoupled>
class AdamOf final : public OptimizerOf<AdamOf<is_decoupled>, AdamOptionsOf<is_decoupled>> {
    using Base = OptimizerOf<AdamOf, AdamOptionsOf<is_decoupled>>;

public:
    using Base::Base;

private:
    friend Base;
    static constexpr const char* name = is_decoupled ? "AdamW" : "Adam";
    static constexpr bool decoupled = is_decoupled;
    static Optimizer::Memories memories(const AdamOptionsOf<is_decoupled>& options);
    void begin(std::size_t group, Optimizer::Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Optimizer::Step& step) override;
};
using Adam = AdamOf<false>;
using AdamW = AdamOf<true>;

// p -= rate / (1 - beta1^t) * m / u, where u = max(beta2 * u, |g| + epsilon). The same paper, section 7.1.
struct AdamaxOptions {
    Setting<double> learning_rate = by_default(2e-3);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.999), epsilon = by_default(1e-8);
    Setting<double> weight_decay = by_default(0.0);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = AdamaxOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("beta1", &O::beta1, below_one), detail::field("beta2", &O::beta2, below_one),
                          detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("maximize", &O::maximize));
    }
};
class Adamax final : public OptimizerOf<Adamax, AdamaxOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "Adamax";
    static Memories memories(const AdamaxOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

// Nesterov's momentum in Adam, with the schedule mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2). Dozat,
// "Incorporating Nesterov momentum into Adam", 2016.
struct NAdamOptions {
    Setting<double> learning_rate = by_default(2e-3);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.999), epsilon = by_default(1e-8);
    Setting<double> weight_decay = by_default(0.0);
    Setting<double> momentum_decay = by_default(4e-3);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = NAdamOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("beta1", &O::beta1, below_one), detail::field("beta2", &O::beta2, below_one),
                          detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("momentum_decay", &O::momentum_decay, not_negative),
                          detail::field("maximize", &O::maximize));
    }
};
class NAdam final : public OptimizerOf<NAdam, NAdamOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "NAdam";
    static Memories memories(const NAdamOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

// Adam whose first steps, for as long as the variance of v is large, go by m' alone. Liu et al., "On the variance of
// the adaptive learning rate and beyond", 2020.
struct RAdamOptions {
    Setting<double> learning_rate = by_default(1e-3);
    Setting<double> beta1 = by_default(0.9), beta2 = by_default(0.999), epsilon = by_default(1e-8);
    Setting<double> weight_decay = by_default(0.0);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = RAdamOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("beta1", &O::beta1, below_one), detail::field("beta2", &O::beta2, below_one),
                          detail::field("epsilon", &O::epsilon, not_negative),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("maximize", &O::maximize));
    }
};
class RAdam final : public OptimizerOf<RAdam, RAdamOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "RAdam";
    static Memories memories(const RAdamOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

}  // namespace lathe::optim
