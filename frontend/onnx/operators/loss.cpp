// Losses by classes, and one step of optimizers.
#include <limits>
#include <span>

#include <fmt/format.h>

#include "frontend/functions/elementwise.h"
#include "frontend/functions/losses.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/reductions.h"
#include "frontend/onnx/operators.h"

namespace lathe::onnx {
namespace {

// ---- losses: the classes are axis 1

CrossEntropyOptions class_loss(const NodeCall& c) {
    const std::string name = c.text("reduction", "mean");
    if (name != "none" && name != "mean" && name != "sum")
        c.refuse("the reduction is none of 'none', 'mean' and 'sum'");
    CrossEntropyOptions options;
    options.axis = 1;
    options.weights = c.optional(2);
    options.reduction = name == "none" ? Reduction::none : name == "sum" ? Reduction::sum : Reduction::mean;
    if (c.find("ignore_index") != nullptr) options.ignore_index = c.integer("ignore_index");
    if (c[0].rank() < 2) c.refuse("wants scores of classes along axis 1");
    if (!ir::is_integer(c.value(1).dtype())) c.refuse("the labels are no integers");
    return options;
}
Results negative_log_likelihood(NodeCall& c) { return {nll_loss(c[0], c[1], class_loss(c))}; }
Results softmax_cross_entropy(NodeCall& c) {
    const CrossEntropyOptions options = class_loss(c);
    Results results{cross_entropy(c[0], c[1], options)};
    if (c.wants(1)) results.emplace_back(log_softmax(c[0], 1));
    return results;
}

// ---- optimizers: the operands are the rate, how many steps there were, and for each of some tensors its value, its
// gradient, and what is known of earlier gradients; all values first, then all gradients, and so on

struct Step {
    Tensor rate, count;  // in the dtype of the tensors
    Tensor x, gradient;  // regularized
    std::span<const Tensor> history;
};
Tensor number_of(const NodeCall& c, std::size_t i, Dtype dtype) {
    if (c[i].rank() > 1) c.refuse(fmt::format("operand {} is no single number", i));
    return reshape(convert(c[i], dtype), Shape{});
}
// What update() gives for each tensor: the new value, and the new history.
template <class Update>
Results optimized(NodeCall& c, std::size_t history, const Update& update) {
    const std::size_t kinds = 2 + history;
    if (c.size() < 2 + kinds || (c.size() - 2) % kinds != 0)
        c.refuse(fmt::format("{} operands are no rate, count and {} for each tensor", c.size(), kinds));
    const std::size_t count = (c.size() - 2) / kinds;
    const double norm = c.number("norm_coefficient", 0);
    Results results((1 + history) * count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto operand = [&](std::size_t kind) { return c[2 + kind * count + i]; };
        std::vector<Tensor> before;
        for (std::size_t k = 0; k < history; ++k) before.push_back(operand(2 + k));
        const Tensor x = operand(0);
        const std::vector<Tensor> after =
            update(Step{number_of(c, 0, x.dtype()), number_of(c, 1, x.dtype()), x, operand(1) + x * norm, before});
        for (std::size_t k = 0; k < after.size(); ++k) results[k * count + i] = after[k];
    }
    return results;
}

Results adam(NodeCall& c) {
    const double alpha = c.number("alpha", 0.9F), beta = c.number("beta", 0.999F), epsilon = c.number("epsilon", 1e-6F);
    const double decay = c.number("norm_coefficient_post", 0);
    return optimized(c, 2, [&](const Step& s) -> std::vector<Tensor> {
        const Tensor v = s.history[0] * alpha + s.gradient * (1 - alpha);
        const Tensor h = s.history[1] * beta + s.gradient * s.gradient * (1 - beta);
        const Tensor adjusted = s.rate * sqrt(1 - pow(beta, s.count)) / (1 - pow(alpha, s.count));
        const Tensor rate = where(s.count > 0, adjusted, s.rate);
        return {(s.x - rate * v / (sqrt(h) + epsilon)) * (1 - decay), v, h};
    });
}
Results adagrad(NodeCall& c) {
    const double decay = c.number("decay_factor", 0), epsilon = c.number("epsilon", 1e-6F);
    return optimized(c, 1, [&](const Step& s) -> std::vector<Tensor> {
        const Tensor rate = s.rate / (1 + s.count * decay), h = s.history[0] + s.gradient * s.gradient;
        return {s.x - rate * s.gradient / (sqrt(h) + epsilon), h};
    });
}
Results momentum(NodeCall& c) {
    const std::string mode = c.text("mode", "");
    if (mode != "standard" && mode != "nesterov") c.refuse("the mode is neither 'standard' nor 'nesterov'");
    for (const char* const name : {"alpha", "beta", "norm_coefficient"})
        if (c.find(name) == nullptr) c.refuse(fmt::format("the attribute {} is missing", name));
    const double alpha = c.number("alpha", 0), beta = c.number("beta", 0);
    return optimized(c, 1, [&](const Step& s) -> std::vector<Tensor> {
        const Tensor scaled = where(s.count > 0, s.gradient * beta, s.gradient);
        const Tensor v = s.history[0] * alpha + scaled;
        const Tensor direction = mode == "nesterov" ? s.gradient + v * alpha : v;
        return {s.x - s.rate * direction, v};
    });
}

constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view training = "ai.onnx.preview.training";

constexpr Operator rows[] = {
    {"Adagrad", adagrad, Known::no, nullptr, nullptr, 1, any, training},
    {"Adam", adam, Known::no, nullptr, nullptr, 1, any, training},
    {"Momentum", momentum, Known::no, nullptr, nullptr, 1, any, training},
    {"NegativeLogLikelihoodLoss", negative_log_likelihood, Known::no, nullptr, nullptr, 12},
    {"SoftmaxCrossEntropyLoss", softmax_cross_entropy, Known::no, nullptr, nullptr, 12},
};

}  // namespace

Operators loss_operators() { return rows; }

}  // namespace lathe::onnx
