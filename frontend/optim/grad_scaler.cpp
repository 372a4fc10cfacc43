#include "frontend/optim/grad_scaler.h"

#include <algorithm>

#include "frontend/functions/functions.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/tensor/node.h"

namespace lathe::optim {

using lathe::detail::blame;
using lathe::detail::LocScope;

GradScaler::GradScaler(GradScalerOptions options, Where where) : options_(options) {
    const LocScope scope(where, "GradScaler");
    lathe::detail::require_above("GradScaler", "initial_scale", options.initial_scale, 0, where);
    lathe::detail::require_above("GradScaler", "growth_factor", options.growth_factor, 1, where);
    lathe::detail::require_between("GradScaler", "backoff_factor", options.backoff_factor, 0, 1, where);
    lathe::detail::require_at_least("GradScaler", "growth_interval", options.growth_interval, 1, where);
    scale_ = variable(Tensor::scalar(options.initial_scale), "scale", false);
    good_steps_ = variable(Tensor::scalar(0.0), "good_steps", false);
}

Tensor GradScaler::scale(const Tensor& loss, Where where) const {
    const LocScope scope(where, "scale", loss);
    if (!is_float(loss.dtype()) || loss.rank() != 0)
        lathe::detail::refuse("scale", "wants a float of rank 0 as the loss", where);
    const Dtype dtype = ir::accumulator_of(loss.dtype());
    return convert(loss, dtype) * convert(scale_, dtype);
}

// What was unscaled in the trace that is being recorded, or outside of all. Those of a trace that ended without
// update(), as by an error, are forgotten.
std::vector<GradScaler::Unscaled*> GradScaler::current() {
    const std::uint32_t now = lathe::detail::trace_serial;
    std::erase_if(unscaled_, [&](const Unscaled& u) { return u.trace != 0 && u.trace != now; });
    std::vector<Unscaled*> found;
    for (Unscaled& u : unscaled_)
        if (u.trace == now) found.push_back(&u);
    return found;
}

GradScaler::Unscaled* GradScaler::find(const Optimizer& optimizer) {
    for (Unscaled* u : current())
        if (u->optimizer == &optimizer) return u;
    return nullptr;
}

void GradScaler::unscale(const Optimizer& optimizer, Where where) {
    const LocScope scope(where, "unscale");
    if (find(optimizer) != nullptr)
        throw UserError("unscale: the optimiser's derivatives are unscaled already; update() begins anew",
                        blame(where));
    Tensor is_finite = Tensor::scalar(true);
    for (const Tensor& p : optimizer.parameters()) {
        const Tensor gradient = p.grad();
        if (gradient.is_empty()) continue;
        const Dtype dtype = ir::accumulator_of(gradient.dtype());
        const Tensor unscaled = convert(gradient, dtype) / convert(scale_, dtype);
        is_finite = logical_and(is_finite, all(isfinite(gradient)));
        p.set_grad(convert(unscaled, gradient.dtype()), where);
    }
    unscaled_.push_back({&optimizer, is_finite, lathe::detail::trace_serial});
}

void GradScaler::step(Optimizer& optimizer, Where where) {
    const LocScope scope(where, "step");
    if (find(optimizer) == nullptr) unscale(optimizer, where);
    Unscaled& unscaled = *find(optimizer);
    if (unscaled.stepped) throw UserError("step: the optimiser has made its step; update() begins anew", blame(where));
    optimizer.step_if(unscaled.is_finite, where);
    unscaled.stepped = true;
}

void GradScaler::update(Where where) {
    const LocScope scope(where, "update");
    const std::vector<Unscaled*> all = current();
    if (all.empty()) throw UserError("update: no optimiser has made a step", blame(where));
    Tensor is_finite = all[0]->is_finite;
    for (const Unscaled* u : std::span(all).subspan(1)) is_finite = logical_and(is_finite, u->is_finite);
    std::erase_if(unscaled_, [](const Unscaled& u) { return u.trace == lathe::detail::trace_serial; });
    const Tensor good = lathe::where(is_finite, good_steps_ + 1, 0.0);
    const Tensor grows = good >= static_cast<double>(options_.growth_interval);
    const Tensor next = lathe::where(is_finite, lathe::where(grows, scale_ * options_.growth_factor, scale_),
                                     scale_ * options_.backoff_factor);
    const Tensor count = lathe::where(grows, 0.0, good);
    const Tensor values[] = {next, count};
    if (!detail::is_traced()) eval(values, where);
    scale_.set(next, where);
    good_steps_.set(count, where);
}

void GradScaler::load_state(const NamedState& state, Where where) {
    const LocScope scope(where, "load_state");
    detail::load_variables("GradScaler", named_state(), state, where);
}

}  // namespace lathe::optim
