// Activation functions.
#include "frontend/functions/activations.h"
#include "frontend/functions/binary.h"
#include "frontend/functions/elementwise.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

template <Tensor (*function)(const Tensor&, Where)>
Results plain(NodeCall& c) {
    return {function(c[0], Where::current())};
}

Results leaky(NodeCall& c) { return {leaky_relu(c[0], c.number("alpha", 0.01))}; }
Results exponential(NodeCall& c) { return {elu(c[0], c.number("alpha", 1))}; }
Results continuous(NodeCall& c) { return {celu(c[0], c.number("alpha", 1))}; }

// gamma * x, or gamma * (alpha * e^x - alpha) where it is not positive.
Results scaled_exponential(NodeCall& c) {
    const double alpha = c.number("alpha", 1.67326319217681884765625),
                 gamma = c.number("gamma", 1.05070102214813232422);
    return {elu(c[0], alpha) * gamma};
}

Results hard_sigmoid(NodeCall& c) { return {clamp(c[0] * c.number("alpha", 0.2F) + c.number("beta", 0.5), 0, 1)}; }

Results gaussian(NodeCall& c) {
    const std::string form = c.text("approximate", "none");
    if (form != "none" && form != "tanh") c.refuse("there is no approximation " + form);
    return {gelu(c[0], {.tanh = form == "tanh"})};
}

Results swish(NodeCall& c) {
    const double alpha = c.number("alpha", 1);
    const Tensor x = c[0];
    return {alpha == 1 ? silu(x) : x * sigmoid(x * alpha)};
}

// The slope broadcasts to x, and has x's dtype.
Results parametric(NodeCall& c) {
    const Tensor x = c[0];
    return {where(x < 0, x * c[1], x)};
}

Results thresholded(NodeCall& c) { return {threshold(c[0], c.number("alpha", 1), 0)}; }

// x without what lies between -lambd and lambd, moved by the bias toward 0.
Results shrink(NodeCall& c) {
    const Tensor x = c[0];
    const double limit = c.number("lambd", 0.5), bias = c.number("bias", 0);
    return {where(x < -limit, x + bias, where(x > limit, x - bias, 0))};
}

constexpr auto rows =
    counting(Counts::by_elements, {
                                      {"Celu", continuous},
                                      {"Elu", exponential},
                                      {"Gelu", gaussian},
                                      {"HardSigmoid", hard_sigmoid},
                                      {"HardSwish", plain<hardswish>},
                                      {"LeakyRelu", leaky},
                                      {"Mish", plain<mish>},
                                      {"PRelu", parametric},
                                      {"Relu", plain<relu>},
                                      {"Selu", scaled_exponential},
                                      {"Shrink", shrink},
                                      {"Sigmoid", plain<sigmoid>},
                                      {"Softplus", [](NodeCall& c) -> Results { return {softplus(c[0])}; }},
                                      {"Softsign", plain<softsign>},
                                      {"Swish", swish},
                                      {"ThresholdedRelu", thresholded},
                                  });

}  // namespace

Operators activation_operators() { return rows; }

}  // namespace lathe::onnx
