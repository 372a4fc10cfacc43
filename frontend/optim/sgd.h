// Stochastic gradient descent.
#pragma once

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

// p -= rate * v, where v = momentum * v + (1 - dampening) * g, and of the first step g itself; without momentum v = g.
// Nesterov: p -= rate * (g + momentum * v). Sutskever et al., "On the importance of initialization and momentum in deep
// learning", 2013, as PyTorch has it: the rate is no part of v.
struct SgdOptions {
    Setting<double> learning_rate = by_default(1e-2);
    Setting<double> momentum = by_default(0.0);
    Setting<double> dampening = by_default(0.0);
    Setting<double> weight_decay = by_default(0.0);  // of the parameter, added to the gradient
    Setting<bool> nesterov = by_default(false);
    Setting<bool> maximize = by_default(false);

    static constexpr auto fields() {
        using O = SgdOptions;
        using enum detail::Range;
        return std::tuple(detail::field("learning_rate", &O::learning_rate, not_negative),
                          detail::field("momentum", &O::momentum, not_negative),
                          detail::field("dampening", &O::dampening),
                          detail::field("weight_decay", &O::weight_decay, not_negative),
                          detail::field("nesterov", &O::nesterov), detail::field("maximize", &O::maximize));
    }
};
class Sgd final : public OptimizerOf<Sgd, SgdOptions> {
public:
    using OptimizerOf::OptimizerOf;

private:
    friend OptimizerOf;
    static constexpr const char* name = "Sgd";
    static Memories memories(const SgdOptions& options);
    void begin(std::size_t group, Step& step) override;
    void update(std::size_t i, const Tensor& gradient, Step& step) override;
};

}  // namespace lathe::optim
