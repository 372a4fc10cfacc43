#include "frontend/optim/clipping.h"

#include "frontend/functions/functions.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/optim/state.h"

namespace lathe::optim {

using lathe::detail::LocScope;

Tensor clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm, double p, Where where) {
    const LocScope scope(where, "clip_grad_norm");
    detail::require_variables("clip_grad_norm", parameters, where);
    lathe::detail::require_above("clip_grad_norm", "max_norm", max_norm, 0, where);
    lathe::detail::require_above("clip_grad_norm", "p", p, 0, where);
    bool is_f64 = true;
    for (const Tensor& x : parameters)
        if (!x.grad().is_empty()) is_f64 = is_f64 && x.dtype() == Dtype::f64;
    const Dtype dtype = is_f64 ? Dtype::f64 : Dtype::f32;
    std::vector<Tensor> norms;
    for (const Tensor& x : parameters)
        if (const Tensor g = x.grad(); !g.is_empty()) norms.push_back(norm(convert(g, dtype), {}, {.p = p}));
    if (norms.empty()) return zeros({});
    const Tensor total = norm(stack(norms), {}, {.p = p});
    const Tensor scale = minimum(max_norm / (total + 1e-6), 1.0);
    for (const Tensor& x : parameters)
        if (const Tensor g = x.grad(); !g.is_empty()) x.set_grad(convert(convert(g, dtype) * scale, g.dtype()), where);
    return total;
}

void clip_grad_value(const std::vector<Tensor>& parameters, double max, Where where) {
    const LocScope scope(where, "clip_grad_value");
    detail::require_variables("clip_grad_value", parameters, where);
    lathe::detail::require_above("clip_grad_value", "max", max, 0, where);
    for (const Tensor& x : parameters)
        if (const Tensor g = x.grad(); !g.is_empty()) x.set_grad(maximum(minimum(g, max), -max), where);
}

}  // namespace lathe::optim
