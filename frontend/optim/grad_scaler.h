// Scaled losses, for derivatives that f16 would not hold: small ones become 0 there.
//
//   optim::GradScaler scaler;
//   auto step = jit([&](const Tensor& x, const Tensor& y) {
//       Tensor loss = ...;
//       scaler.scale(loss).backward();
//       scaler.unscale(optimizer);                                // optional: clip_grad_norm() belongs behind it
//       scaler.step(optimizer);                                   // not where a derivative is infinite or NaN
//       scaler.update();
//       return loss;
//   });
//
// Whether a step is taken is decided where the program runs: the parameters are selected from old and new ones, and
// nothing is asked for. Micikevicius et al., "Mixed precision training", 2018.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/optim/optimizer.h"

namespace lathe::optim {

struct GradScalerOptions {
    double initial_scale = 65536;
    double growth_factor = 2, backoff_factor = 0.5;
    std::int64_t growth_interval = 2000;  // steps in a row without an infinite derivative, before the scale grows
};

class GradScaler {
public:
    explicit GradScaler(GradScalerOptions options = {}, Where where = Where::current());
    // loss * scale, f32 or wider: f16 has no room for the product.
    Tensor scale(const Tensor& loss, Where where = Where::current()) const;
    // Divides the derivatives of the optimiser's parameters by the scale; step() does so where it has not been done.
    void unscale(const Optimizer& optimizer, Where where = Where::current());
    void step(Optimizer& optimizer, Where where = Where::current());
    // The next scale, after the steps of all optimisers: less where one of them found what is not finite.
    void update(Where where = Where::current());
    double current_scale(Where where = Where::current()) const { return scale_.item<double>(where); }

    // "scale" and "good_steps", f64 of rank 0.
    NamedState named_state() const { return {{"scale", scale_}, {"good_steps", good_steps_}}; }
    void load_state(const NamedState& state, Where where = Where::current());

private:
    GradScalerOptions options_;
    Tensor scale_, good_steps_;  // variables
    // What has been unscaled since the last update(), within one trace or outside of all.
    struct Unscaled {
        const Optimizer* optimizer;
        Tensor is_finite;
        std::uint32_t trace;
        bool stepped = false;
    };
    std::vector<Unscaled*> current();
    Unscaled* find(const Optimizer& optimizer);
    std::vector<Unscaled> unscaled_;
};

}  // namespace lathe::optim
