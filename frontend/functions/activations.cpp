#include "frontend/functions/activations.h"

#include "frontend/tensor/record.h"
#include "ir/functions/activations.h"

namespace lathe {
namespace {

namespace f = ir::functions;
using detail::blaming;
using detail::LocScope;

}  // namespace

Tensor relu(const Tensor& x, Where where) {
    const LocScope scope(where, "relu", x);
    return blaming(where, "relu", [&] { return f::relu(x); });
}
Tensor relu6(const Tensor& x, Where where) {
    const LocScope scope(where, "relu6", x);
    return blaming(where, "relu6", [&] { return f::relu6(x); });
}
Tensor leaky_relu(const Tensor& x, double slope, Where where) {
    const LocScope scope(where, "leaky_relu", x);
    return blaming(where, "leaky_relu", [&] { return f::leaky_relu(x, slope); });
}
Tensor prelu(const Tensor& x, const Tensor& slope, Where where) {
    const LocScope scope(where, "prelu", x, slope);
    return blaming(where, "prelu", [&] { return f::prelu(x, slope); });
}
Tensor elu(const Tensor& x, double alpha, Where where) {
    const LocScope scope(where, "elu", x);
    return blaming(where, "elu", [&] { return f::elu(x, alpha); });
}
Tensor celu(const Tensor& x, double alpha, Where where) {
    const LocScope scope(where, "celu", x);
    return blaming(where, "celu", [&] { return f::celu(x, alpha); });
}
Tensor selu(const Tensor& x, Where where) {
    const LocScope scope(where, "selu", x);
    return blaming(where, "selu", [&] { return f::selu(x); });
}
Tensor gelu(const Tensor& x, GeluOptions options, Where where) {
    const LocScope scope(where, "gelu", x);
    return blaming(where, "gelu", [&] { return options.tanh ? f::gelu_by_tanh(x) : f::gelu(x); });
}
Tensor silu(const Tensor& x, Where where) {
    const LocScope scope(where, "silu", x);
    return blaming(where, "silu", [&] { return f::silu(x); });
}
Tensor mish(const Tensor& x, Where where) {
    const LocScope scope(where, "mish", x);
    return blaming(where, "mish", [&] { return f::mish(x); });
}
Tensor softplus(const Tensor& x, SoftplusOptions options, Where where) {
    const LocScope scope(where, "softplus", x);
    return blaming(where, "softplus", [&] { return f::softplus(x, options.beta, options.threshold); });
}
Tensor softsign(const Tensor& x, Where where) {
    const LocScope scope(where, "softsign", x);
    return blaming(where, "softsign", [&] { return f::softsign(x); });
}
Tensor log_sigmoid(const Tensor& x, Where where) {
    const LocScope scope(where, "log_sigmoid", x);
    return blaming(where, "log_sigmoid", [&] { return f::log_sigmoid(x); });
}
Tensor hardtanh(const Tensor& x, HardtanhOptions options, Where where) {
    const LocScope scope(where, "hardtanh", x);
    return blaming(where, "hardtanh", [&] { return f::hardtanh(x, options.low, options.high); });
}
Tensor hardsigmoid(const Tensor& x, Where where) {
    const LocScope scope(where, "hardsigmoid", x);
    return blaming(where, "hardsigmoid", [&] { return f::hardsigmoid(x); });
}
Tensor hardswish(const Tensor& x, Where where) {
    const LocScope scope(where, "hardswish", x);
    return blaming(where, "hardswish", [&] { return f::hardswish(x); });
}
Tensor softshrink(const Tensor& x, double lambda, Where where) {
    const LocScope scope(where, "softshrink", x);
    return blaming(where, "softshrink", [&] { return f::softshrink(x, lambda); });
}
Tensor hardshrink(const Tensor& x, double lambda, Where where) {
    const LocScope scope(where, "hardshrink", x);
    return blaming(where, "hardshrink", [&] { return f::hardshrink(x, lambda); });
}
Tensor tanhshrink(const Tensor& x, Where where) {
    const LocScope scope(where, "tanhshrink", x);
    return blaming(where, "tanhshrink", [&] { return f::tanhshrink(x); });
}
Tensor threshold(const Tensor& x, double limit, double value, Where where) {
    const LocScope scope(where, "threshold", x);
    return blaming(where, "threshold", [&] { return f::threshold(x, limit, value); });
}
Tensor glu(const Tensor& x, std::int64_t axis, Where where) {
    const LocScope scope(where, "glu", x);
    return blaming(where, "glu", [&] { return f::glu(x, axis); });
}
Tensor logit(const Tensor& x, std::optional<double> eps, Where where) {
    const LocScope scope(where, "logit", x);
    return blaming(where, "logit", [&] { return f::logit(x, eps); });
}

}  // namespace lathe
