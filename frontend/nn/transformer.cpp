#include "frontend/nn/transformer.h"

#include "frontend/nn/layer.h"

namespace lathe::nn {
namespace {

MultiheadAttention attention_of(std::int64_t width, std::int64_t heads, const TransformerOptions& o, Generator& random,
                                Where where) {
    return {width,
            heads,
            {.dropout = o.dropout, .bias = o.bias, .batch_first = o.batch_first, .dtype = o.dtype},
            random,
            where};
}

LayerNorm norm_of(std::int64_t width, const TransformerOptions& o, Where where) {
    return LayerNorm(width, {.epsilon = o.layer_norm_eps, .bias = o.bias, .dtype = o.dtype}, where);
}

// x and what a part makes of it.
template <class Part>
Tensor with_part(const Tensor& x, const LayerNorm& norm, const Dropout& dropout, bool norm_first, const Part& part) {
    return norm_first ? x + dropout(part(norm(x))) : norm(x + dropout(part(x)));
}

template <class Layer>
ModuleList<Layer> copies_of(const Layer& layer, std::int64_t count, std::string_view stack, Where where) {
    detail::require_at_least(stack, "count", count, 0, where);
    ModuleList<Layer> layers;
    for (std::int64_t i = 0; i < count; ++i) layers.append(clone(layer, where), where);
    return layers;
}

}  // namespace

Feedforward::Feedforward(std::int64_t width, const TransformerOptions& o, Generator& random, Where where)
    : linear1(width, o.dim_feedforward, {.bias = o.bias, .dtype = o.dtype}, random, where),
      linear2(o.dim_feedforward, width, {.bias = o.bias, .dtype = o.dtype}, random, where),
      dropout(o.dropout, random, where),
      activation(o.activation) {}

Tensor Feedforward::operator()(const Tensor& x) const {
    const Tensor inner = linear1(x);
    return linear2(dropout(activation == TransformerActivation::relu ? relu(inner) : gelu(inner)));
}

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t width, std::int64_t heads, const TransformerOptions& o,
                                                 Generator& random, Where where)
    : ModuleOf(OfLibrary{}),
      self_attn_(register_module("self_attn", attention_of(width, heads, o, random, where))),
      feedforward_(width, o, random, where),
      norm1_(register_module("norm1", norm_of(width, o, where))),
      norm2_(register_module("norm2", norm_of(width, o, where))),
      dropout1_(register_module("dropout1", Dropout(o.dropout, random, where))),
      dropout2_(register_module("dropout2", Dropout(o.dropout, random, where))),
      norm_first_(o.norm_first) {
    register_module("linear1", feedforward_.linear1);
    register_module("dropout", feedforward_.dropout);
    register_module("linear2", feedforward_.linear2);
}

Tensor TransformerEncoderLayer::forward(const Tensor& x, const AttentionMask& mask) const {
    const Tensor attended =
        with_part(x, norm1_, dropout1_, norm_first_, [&](const Tensor& y) { return self_attn_(y, mask); });
    return with_part(attended, norm2_, dropout2_, norm_first_, feedforward_);
}

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t width, std::int64_t heads, const TransformerOptions& o,
                                                 Generator& random, Where where)
    : ModuleOf(OfLibrary{}),
      self_attn_(register_module("self_attn", attention_of(width, heads, o, random, where))),
      multihead_attn_(register_module("multihead_attn", attention_of(width, heads, o, random, where))),
      feedforward_(width, o, random, where),
      norm1_(register_module("norm1", norm_of(width, o, where))),
      norm2_(register_module("norm2", norm_of(width, o, where))),
      norm3_(register_module("norm3", norm_of(width, o, where))),
      dropout1_(register_module("dropout1", Dropout(o.dropout, random, where))),
      dropout2_(register_module("dropout2", Dropout(o.dropout, random, where))),
      dropout3_(register_module("dropout3", Dropout(o.dropout, random, where))),
      norm_first_(o.norm_first) {
    register_module("linear1", feedforward_.linear1);
    register_module("dropout", feedforward_.dropout);
    register_module("linear2", feedforward_.linear2);
}

Tensor TransformerDecoderLayer::forward(const Tensor& x, const Tensor& memory, const AttentionMask& mask,
                                        const AttentionMask& memory_mask) const {
    const Tensor attended =
        with_part(x, norm1_, dropout1_, norm_first_, [&](const Tensor& y) { return self_attn_(y, mask); });
    const Tensor informed = with_part(attended, norm2_, dropout2_, norm_first_,
                                      [&](const Tensor& y) { return multihead_attn_(y, memory, memory, memory_mask); });
    return with_part(informed, norm3_, dropout3_, norm_first_, feedforward_);
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t count,
                                       std::optional<LayerNorm> norm, Where where)
    : ModuleOf(OfLibrary{}),
      layers_(register_module("layers", copies_of(layer, count, "TransformerEncoder", where))),
      norm_(std::move(norm)) {
    if (norm_) register_module("norm", *norm_);
}

Tensor TransformerEncoder::forward(const Tensor& x, const AttentionMask& mask) const {
    Tensor y = x;
    for (std::size_t i = 0; i < layers_.size(); ++i) y = layers_.at(i)(y, mask);
    return norm_ ? (*norm_)(y) : y;
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t count,
                                       std::optional<LayerNorm> norm, Where where)
    : ModuleOf(OfLibrary{}),
      layers_(register_module("layers", copies_of(layer, count, "TransformerDecoder", where))),
      norm_(std::move(norm)) {
    if (norm_) register_module("norm", *norm_);
}

Tensor TransformerDecoder::forward(const Tensor& x, const Tensor& memory, const AttentionMask& mask,
                                   const AttentionMask& memory_mask) const {
    Tensor y = x;
    for (std::size_t i = 0; i < layers_.size(); ++i) y = layers_.at(i)(y, memory, mask, memory_mask);
    return norm_ ? (*norm_)(y) : y;
}

}  // namespace lathe::nn
