// Normalisation and attention.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

Tensor optional_tensor(const Call& c, std::size_t position, const char* name) {
    return c.has_tensor(position, name) ? c.tensor(position, name) : Tensor();
}

// The last axes, as many as PyTorch's normalized_shape has entries.
Axes last_axes(std::size_t count) {
    std::vector<std::int64_t> axes;
    for (std::size_t i = count; i > 0; --i) axes.push_back(-static_cast<std::int64_t>(i));
    return axes;
}

Tensors layers(const Call& c) {
    c.expect_names({"weight", "bias", "eps"});
    if (c.integers(1, "normalized_shape") == std::vector<std::int64_t>{1})
        throw NotOurs("normalising a single number: exactly 0 here, what rounding left there");
    return {layer_norm(c.tensor(0), last_axes(c.integers(1, "normalized_shape").size()),
                       {.scale = optional_tensor(c, 2, "weight"),
                        .offset = optional_tensor(c, 3, "bias"),
                        .epsilon = c.number(4, "eps", 1e-5)})};
}
Tensors root_mean_squares(const Call& c) {
    c.expect_names({"weight", "eps"});
    return {rms_norm(c.tensor(0), last_axes(c.integers(1, "normalized_shape").size()),
                     {.scale = optional_tensor(c, 2, "weight"), .epsilon = c.number(3, "eps", 0x1p-23)})};
}

Tensors batches(const Call& c) {
    if (c.tensor(0).rank() < 2) throw NotOurs("images without channels");
    const NormalizationOptions o{.scale = optional_tensor(c, 3, "weight"),
                                 .offset = optional_tensor(c, 4, "bias"),
                                 .epsilon = c.number(7, "eps", 1e-5)};
    if (c.flag(5, "training") || !c.has_tensor(1, "running_mean")) return {batch_norm(c.tensor(0), o)};
    return {batch_norm(c.tensor(0), c.tensor(1, "running_mean"), c.tensor(2, "running_var"), o)};
}
Tensors groups(const Call& c) {
    return {group_norm(c.tensor(0), c.integer(1, "num_groups"),
                       {.scale = optional_tensor(c, 2, "weight"),
                        .offset = optional_tensor(c, 3, "bias"),
                        .epsilon = c.number(4, "eps", 1e-5)})};
}
Tensors instances(const Call& c) {
    if (!c.flag(5, "use_input_stats", true)) throw NotOurs("statistics that are given");
    return {instance_norm(c.tensor(0), {.scale = optional_tensor(c, 3, "weight"),
                                        .offset = optional_tensor(c, 4, "bias"),
                                        .epsilon = c.number(7, "eps", 1e-5)})};
}
Tensors neighbouring_channels(const Call& c) {
    return {local_response_norm(
        c.tensor(0), c.integer(1, "size"),
        {.alpha = c.number(2, "alpha", 1e-4), .beta = c.number(3, "beta", 0.75), .k = c.number(4, "k", 1)})};
}

Tensors attend(const Call& c) {
    c.expect_names({"attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"});
    if (c.number(4, "dropout_p", 0) != 0) throw NotOurs("random numbers");
    return {scaled_dot_product_attention(c.tensor(0), c.tensor(1), c.tensor(2),
                                         {.mask = optional_tensor(c, 3, "attn_mask"),
                                          .causal = c.flag(5, "is_causal"),
                                          .scale = c.number(6, "scale", 0)})};
}

}  // namespace

Translations networks() {
    return {
        {"nn.functional.layer_norm", layers},
        {"nn.functional.rms_norm", root_mean_squares},
        {"nn.functional.batch_norm", batches},
        {"nn.functional.group_norm", groups},
        {"nn.functional.instance_norm", instances},
        {"nn.functional.local_response_norm", neighbouring_channels},
        {"nn.functional.scaled_dot_product_attention", attend},
    };
}

}  // namespace lathe::oracle
