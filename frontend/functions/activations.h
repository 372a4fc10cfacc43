// Activation functions, of floats. Where a derivative jumps, it is at the edge as it is on the side that does not
// depend on x, or is flatter. NaN stays NaN.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

Tensor relu(const Tensor& x, Where where = Where::current());   // max(x, 0)
Tensor relu6(const Tensor& x, Where where = Where::current());  // min(max(0, x), 6)
// x, or slope * x where it is not positive
Tensor leaky_relu(const Tensor& x, double slope = 0.01, Where where = Where::current());
// the same; one slope, or one for each index of axis 1
Tensor prelu(const Tensor& x, const Tensor& slope, Where where = Where::current());
// x, or alpha * (e^x - 1) where it is not positive
Tensor elu(const Tensor& x, double alpha = 1, Where where = Where::current());
Tensor celu(const Tensor& x, double alpha = 1, Where where = Where::current());  // x, or alpha * (e^(x / alpha) - 1)
Tensor selu(const Tensor& x, Where where = Where::current());                    // 1.0507 * elu(x, 1.6733)
struct GeluOptions {
    bool tanh = false;  // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) instead
};
// x / 2 * (1 + erf(x / sqrt(2)))
Tensor gelu(const Tensor& x, GeluOptions options = {}, Where where = Where::current());
Tensor silu(const Tensor& x, Where where = Where::current());  // x * sigmoid(x)
Tensor mish(const Tensor& x, Where where = Where::current());  // x * tanh(softplus(x))
struct SoftplusOptions {
    double beta = 1;
    double threshold = 20;  // of beta * x, from where the result is x
};
// log(1 + e^(beta * x)) / beta
Tensor softplus(const Tensor& x, SoftplusOptions options = {}, Where where = Where::current());
Tensor softsign(const Tensor& x, Where where = Where::current());     // x / (1 + |x|)
Tensor log_sigmoid(const Tensor& x, Where where = Where::current());  // log(sigmoid(x))
struct HardtanhOptions {
    double low = -1, high = 1;
};
// x limited to [low, high]
Tensor hardtanh(const Tensor& x, HardtanhOptions options = {}, Where where = Where::current());
Tensor hardsigmoid(const Tensor& x, Where where = Where::current());  // relu6(x + 3) / 6
Tensor hardswish(const Tensor& x, Where where = Where::current());    // x * hardsigmoid(x)
// x - lambda, x + lambda, or 0 between -lambda and lambda
Tensor softshrink(const Tensor& x, double lambda = 0.5, Where where = Where::current());
// x, or 0 between -lambda and lambda
Tensor hardshrink(const Tensor& x, double lambda = 0.5, Where where = Where::current());
Tensor tanhshrink(const Tensor& x, Where where = Where::current());  // x - tanh(x)
// x, or value where it is not above the limit
Tensor threshold(const Tensor& x, double limit, double value, Where where = Where::current());
// The first half along the axis times the sigmoid of the second.
Tensor glu(const Tensor& x, std::int64_t axis = -1, Where where = Where::current());
// log(x / (1 - x)), with eps of x limited to [eps, 1 - eps]
Tensor logit(const Tensor& x, std::optional<double> eps = {}, Where where = Where::current());

}  // namespace lathe
