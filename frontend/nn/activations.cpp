#include "frontend/nn/activations.h"

#include "frontend/nn/layer.h"

namespace lathe::nn {

PReLU::PReLU(PReLUOptions options, Where where) : Module(OfLibrary{}) {
    const detail::LocScope scope(where, "PReLU");
    require_float_weights("PReLU", options.dtype, where);
    detail::require_at_least("PReLU", "count", options.count, 1, where);
    weight = register_parameter("weight", full({options.count}, options.init, options.dtype));
}

Tensor PReLU::forward(const Tensor& x) const { return prelu(x, weight); }

}  // namespace lathe::nn
