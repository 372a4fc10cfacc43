#include "frontend/nn/attention.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "frontend/nn/init.h"
#include "frontend/nn/layer.h"

namespace lathe::nn {
namespace {

using detail::LocScope;
using detail::refuse;

constexpr std::string_view layer = "MultiheadAttention";

// Before anything is made of them.
std::int64_t checked_width(std::int64_t width, std::int64_t heads, const MultiheadAttentionOptions& o, Where where) {
    const LocScope scope(where, layer);
    require_float_weights(layer, o.dtype, where);
    detail::require_at_least(layer, "width", width, 1, where);
    detail::require_at_least(layer, "heads", heads, 1, where);
    if (width % heads != 0)
        refuse(layer, fmt::format("a width of {} does not divide into {} heads", width, heads), where);
    detail::require_between(layer, "dropout", o.dropout, 0, 1, where);
    return width;
}

// Numbers that are added to scores.
Tensor as_scores(const Tensor& mask, Dtype dtype) {
    if (mask.dtype() != Dtype::boolean) return mask;
    return masked_fill(zeros(mask.type().shape, dtype), mask, -std::numeric_limits<double>::infinity());
}

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t width, std::int64_t heads, const MultiheadAttentionOptions& options,
                                       Generator& random, Where where)
    : ModuleOf(OfLibrary{}),
      out_proj(checked_width(width, heads, options, where), width, {.bias = options.bias, .dtype = options.dtype},
               random, where),
      width_(width),
      heads_(heads),
      options_(options),
      random_(random) {
    const LocScope scope(where, layer);
    const auto projection = [&](std::int64_t outputs, std::int64_t inputs) {
        return init::xavier_uniform(random)({outputs, inputs}, options.dtype);
    };
    const std::int64_t key_width = options.kdim.value_or(width), value_width = options.vdim.value_or(width);
    const bool together = key_width == width && value_width == width;
    in_proj_weight = register_parameter("in_proj_weight", together ? projection(3 * width, width) : Tensor());
    q_proj_weight = register_parameter("q_proj_weight", together ? Tensor() : projection(width, width));
    k_proj_weight = register_parameter("k_proj_weight", together ? Tensor() : projection(width, key_width));
    v_proj_weight = register_parameter("v_proj_weight", together ? Tensor() : projection(width, value_width));
    in_proj_bias = register_parameter("in_proj_bias", options.bias ? zeros({3 * width}, options.dtype) : Tensor());
    register_module("out_proj", out_proj);
    if (options.bias) out_proj.bias.set(zeros({width}, options.dtype));
}

Tensor MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionMask& mask) const {
    const bool single = query.rank() == 2;
    for (const Tensor* t : {&query, &key, &value})
        if (t->rank() != (single ? 2 : 3)) refuse(layer, "wants queries, keys and values of 3 axes each, or of 2", {});
    const auto sequences_first = [&](const Tensor& x) {
        return single ? unsqueeze(x, 0) : options_.batch_first ? x : swapaxes(x, 0, 1);
    };
    const bool together = !in_proj_weight.is_empty();
    const Parameter* const separate[] = {&q_proj_weight, &k_proj_weight, &v_proj_weight};
    // [sequences, heads, length, width of a head]
    const auto projected = [&](const Tensor& x, std::int64_t part) {
        const Tensor w = together ? narrow(in_proj_weight, 0, part * width_, width_)
                                  : detail::value_of(static_cast<const Tensor&>(*separate[part]));
        const Tensor y = in_proj_bias.is_empty()
                             ? linear(sequences_first(x), w)
                             : linear(sequences_first(x), w, narrow(in_proj_bias, 0, part * width_, width_));
        return swapaxes(unflatten(y, -1, {heads_, width_ / heads_}), 1, 2);
    };
    const Tensor q = projected(query, 0), k = projected(key, 1), v = projected(value, 2);

    AttentionOptions attention{.causal = mask.is_causal};
    if (!mask.attn_mask.is_empty()) {
        attention.mask = as_scores(mask.attn_mask, q.dtype());
        if (attention.mask.rank() == 3) attention.mask = unflatten(attention.mask, 0, {-1, heads_});
    }
    if (!mask.key_padding_mask.is_empty()) {
        const Tensor& given = mask.key_padding_mask;
        if (given.rank() != (single ? 1 : 2)) refuse(layer, "wants a key_padding_mask of [sequences, keys]", {});
        const Tensor scores = as_scores(unsqueeze(given, single ? Axes{0, 1, 2} : Axes{1, 2}), q.dtype());
        attention.mask = attention.mask.is_empty() ? scores : attention.mask + scores;
    }
    Tensor y;
    if (options_.dropout > 0 && is_training()) {
        // The definition: what fuses it has no place for dropout.
        Tensor scores = matmul(q, k.t()) * (1 / std::sqrt(static_cast<double>(width_ / heads_)));
        if (attention.causal) {
            const Dim queries = q.dim(2), keys = k.dim(2);
            const Tensor later = unsqueeze(arange(queries), 1) < unsqueeze(arange(keys), 0);
            scores = masked_fill(scores, later, -std::numeric_limits<double>::infinity());
        }
        if (!attention.mask.is_empty()) scores = scores + attention.mask;
        y = matmul(dropout(random_.next_key(), softmax(scores), options_.dropout), v);
    } else {
        y = scaled_dot_product_attention(q, k, v, attention);
    }
    y = out_proj(flatten(swapaxes(y, 1, 2), 2, 3));
    return single ? squeeze(y, 0) : options_.batch_first ? y : swapaxes(y, 0, 1);
}

}  // namespace lathe::nn
