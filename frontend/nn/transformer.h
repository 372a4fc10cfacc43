// Transformers: Vaswani and others, "Attention is all you need", 2017. Parameters have PyTorch's names. Sequences are
// [length, sequences, width], or with the first two axes exchanged if batch_first.
#pragma once

#include <optional>

#include "frontend/nn/attention.h"
#include "frontend/nn/containers.h"
#include "frontend/nn/dropout.h"
#include "frontend/nn/normalization.h"

namespace lathe::nn {

enum class TransformerActivation : std::uint8_t { relu, gelu };

struct TransformerOptions {
    std::int64_t dim_feedforward = 2048;
    double dropout = 0.1;
    TransformerActivation activation = TransformerActivation::relu;
    double layer_norm_eps = 1e-5;
    bool batch_first = false;
    bool norm_first = false;  // normalise what goes into each part, not the sum of it and what comes out
    bool bias = true;
    Dtype dtype = Dtype::f32;
};

// The two products of a layer, which each place goes through alone.
struct Feedforward {
    Feedforward(std::int64_t width, const TransformerOptions& options, Generator& random, Where where);

    Linear linear1, linear2;
    Dropout dropout;
    TransformerActivation activation;

    Tensor operator()(const Tensor& x) const;
};

class TransformerEncoderLayer final : public ModuleOf<Tensor(Tensor, AttentionMask)> {
public:
    TransformerEncoderLayer(std::int64_t width, std::int64_t heads, const TransformerOptions& options,
                            Generator& random, Where where = Where::current());
    TransformerEncoderLayer(std::int64_t width, std::int64_t heads, Generator& random, Where where = Where::current())
        : TransformerEncoderLayer(width, heads, {}, random, where) {}

    using ModuleOf::operator();
    Tensor operator()(const Tensor& x, Where where = Where::current()) const {
        return ModuleOf::operator()(x, {}, where);
    }

private:
    Tensor forward(const Tensor& x, const AttentionMask& mask) const override;
    MultiheadAttention self_attn_;
    Feedforward feedforward_;
    LayerNorm norm1_, norm2_;
    Dropout dropout1_, dropout2_;
    bool norm_first_;
};

// Beside its own sequence it reads a memory: the results of an encoder.
class TransformerDecoderLayer final : public ModuleOf<Tensor(Tensor, Tensor, AttentionMask, AttentionMask)> {
public:
    TransformerDecoderLayer(std::int64_t width, std::int64_t heads, const TransformerOptions& options,
                            Generator& random, Where where = Where::current());
    TransformerDecoderLayer(std::int64_t width, std::int64_t heads, Generator& random, Where where = Where::current())
        : TransformerDecoderLayer(width, heads, {}, random, where) {}

    using ModuleOf::operator();
    Tensor operator()(const Tensor& x, const Tensor& memory, Where where = Where::current()) const {
        return ModuleOf::operator()(x, memory, {}, {}, where);
    }

private:
    Tensor forward(const Tensor& x, const Tensor& memory, const AttentionMask& mask,
                   const AttentionMask& memory_mask) const override;
    MultiheadAttention self_attn_, multihead_attn_;
    Feedforward feedforward_;
    LayerNorm norm1_, norm2_, norm3_;
    Dropout dropout1_, dropout2_, dropout3_;
    bool norm_first_;
};

// Copies of a layer, one after the other, and a normalisation of the last one's results, if there is one.
class TransformerEncoder final : public ModuleOf<Tensor(Tensor, AttentionMask)> {
public:
    TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t count, std::optional<LayerNorm> norm = {},
                       Where where = Where::current());

    using ModuleOf::operator();
    Tensor operator()(const Tensor& x, Where where = Where::current()) const {
        return ModuleOf::operator()(x, {}, where);
    }

private:
    Tensor forward(const Tensor& x, const AttentionMask& mask) const override;
    ModuleList<TransformerEncoderLayer> layers_;
    std::optional<LayerNorm> norm_;
};
class TransformerDecoder final : public ModuleOf<Tensor(Tensor, Tensor, AttentionMask, AttentionMask)> {
public:
    TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t count, std::optional<LayerNorm> norm = {},
                       Where where = Where::current());

    using ModuleOf::operator();
    Tensor operator()(const Tensor& x, const Tensor& memory, Where where = Where::current()) const {
        return ModuleOf::operator()(x, memory, {}, {}, where);
    }

private:
    Tensor forward(const Tensor& x, const Tensor& memory, const AttentionMask& mask,
                   const AttentionMask& memory_mask) const override;
    ModuleList<TransformerDecoderLayer> layers_;
    std::optional<LayerNorm> norm_;
};

}  // namespace lathe::nn
