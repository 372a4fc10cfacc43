// Activations, and functions of the error and gamma families.
#include <cmath>

#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

template <Tensor (*function)(const Tensor&, Where)>
Tensors plain(const Call& c) {
    c.expect_names({"inplace"});
    return {function(c.tensor(0), Where::current())};
}

template <Tensor (*function)(const Tensor&, double, Where)>
Tensors with_number(const Call& c, const char* name, double otherwise) {
    return {function(c.tensor(0), c.number(1, name, otherwise), Where::current())};
}

Tensors polygammas(const Call& c) {
    // Their function takes the order first, and its records have the tensor first.
    const std::int64_t order = c.integer(1, "n");
    if (order == 0) return {digamma(c.tensor(0))};
    // The derivative of order 1 is that of order 2.
    throw NotOurs("orders from 2 on, NaN here below 0");
}

}  // namespace

Translations activations() {
    return {
        {"nn.functional.relu6", plain<relu6>},
        {"nn.functional.selu", plain<selu>},
        {"nn.functional.mish", plain<mish>},
        {"nn.functional.softsign", plain<softsign>},
        {"nn.functional.logsigmoid", plain<log_sigmoid>},
        {"nn.functional.hardsigmoid", plain<hardsigmoid>},
        {"nn.functional.hardswish", plain<hardswish>},
        {"nn.functional.tanhshrink", plain<tanhshrink>},
        {"nn.functional.leaky_relu", [](const Call& c) { return with_number<leaky_relu>(c, "negative_slope", 0.01); }},
        {"nn.functional.elu", [](const Call& c) { return with_number<elu>(c, "alpha", 1); }},
        {"nn.functional.celu", [](const Call& c) { return with_number<celu>(c, "alpha", 1); }},
        {"nn.functional.softshrink", [](const Call& c) { return with_number<softshrink>(c, "lambd", 0.5); }},
        {"nn.functional.hardshrink", [](const Call& c) { return with_number<hardshrink>(c, "lambd", 0.5); }},
        {"nn.functional.hardtanh",
         [](const Call& c) -> Tensors {
             return {hardtanh(c.tensor(0), {.low = c.number(1, "min_val", -1), .high = c.number(2, "max_val", 1)})};
         }},
        {"nn.functional.softplus",
         [](const Call& c) -> Tensors {
             return {
                 softplus(c.tensor(0), {.beta = c.number(1, "beta", 1), .threshold = c.number(2, "threshold", 20)})};
         }},
        {"nn.functional.threshold",
         [](const Call& c) -> Tensors {
             return {threshold(c.tensor(0), c.number(1, "threshold", 0), c.number(2, "value", 0))};
         }},
        {"nn.functional.gelu",
         [](const Call& c) -> Tensors {
             return {gelu(c.tensor(0), {.tanh = c.text(1, "approximate", "none") == "tanh"})};
         }},
        {"nn.functional.glu", [](const Call& c) -> Tensors { return {glu(c.tensor(0), c.integer(1, "dim", -1))}; }},
        {"nn.functional.prelu",
         [](const Call& c) -> Tensors {
             if (c.tensor(0).rank() == 0) throw NotOurs("a tensor without axes");
             return {prelu(c.tensor(0), c.tensor(1, "weight"))};
         }},
        {"logit",
         [](const Call& c) -> Tensors {
             const Json& eps = c.argument(1, "eps");
             if (c.number(1, "eps", 0) > 0.5) throw NotOurs("limits that cross");
             return {logit(c.tensor(0), eps.is_number() ? std::optional<double>(eps.get<double>()) : std::nullopt)};
         }},
        {"round",
         [](const Call& c) -> Tensors {
             const std::int64_t decimals = c.integer(99, "decimals", 0);
             if (decimals == 0) return {round(c.tensor(0))};
             const double scale = std::pow(10, std::abs(decimals));  // exact, unlike a negative power
             const Tensor x = c.tensor(0);
             return {decimals > 0 ? round(x * scale) / scale : round(x / scale) * scale};
         }},
        {"erfc", plain<erfc>},
        {"erfinv", plain<erfinv>},
        {"lgamma", plain<lgamma>},
        {"digamma", plain<digamma>},
        {"polygamma", polygammas},
        {"special.polygamma", polygammas},
    };
}

}  // namespace lathe::oracle
