#include "frontend/functions/activations.h"

#include "frontend/tensor/record.h"
#include "ir/functions/activations.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::LocScope;

}  // namespace

Tensor relu(const Tensor& x, Where where) {
    const LocScope scope(where, "relu", x);
    return f::relu(x);
}
Tensor gelu(const Tensor& x, Where where) {
    const LocScope scope(where, "gelu", x);
    return f::gelu(x);
}
Tensor silu(const Tensor& x, Where where) {
    const LocScope scope(where, "silu", x);
    return f::silu(x);
}

}  // namespace lathe
