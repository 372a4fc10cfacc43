// Attention with projections of its own.
#pragma once

#include <optional>

#include "frontend/nn/generator.h"
#include "frontend/nn/linear.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

// Which keys a query does not see. As of torch.nn, and other than of scaled_dot_product_attention(), true leaves out;
// floats are added to the scores instead.
struct AttentionMask {
    Tensor attn_mask = {};         // [queries, keys] or [sequences * heads, queries, keys]; or empty
    Tensor key_padding_mask = {};  // [sequences, keys]; or empty
    bool is_causal = false;        // only keys up to the query's own place are seen

    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(attn_mask);
        visit(key_padding_mask);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(attn_mask);
        visit(key_padding_mask);
    }
    bool structure() const { return is_causal; }
};

struct MultiheadAttentionOptions {
    double dropout = 0;  // of the weights of keys, in training
    bool bias = true;
    std::optional<std::int64_t> kdim = {}, vdim = {};  // widths of keys and values, if not that of queries
    bool batch_first = false;
    Dtype dtype = Dtype::f32;
};

// Attention of several heads, each of a part of the width: Vaswani and others, "Attention is all you need", 2017.
// Sequences are [length, sequences, width], or with the first two axes exchanged if batch_first, or [length, width] for
// a single one. Parameters have PyTorch's names and layouts. Gives the result alone, not the weights of keys. A query
// that sees no key gets out_proj's bias, where PyTorch gives NaN.
class MultiheadAttention final : public ModuleOf<Tensor(Tensor, Tensor, Tensor, AttentionMask)> {
public:
    MultiheadAttention(std::int64_t width, std::int64_t heads, Generator& random, Where where = Where::current())
        : MultiheadAttention(width, heads, {}, random, where) {}
    MultiheadAttention(std::int64_t width, std::int64_t heads, const MultiheadAttentionOptions& options,
                       Generator& random, Where where = Where::current());

    using ModuleOf::operator();
    Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                      Where where = Where::current()) const {
        return ModuleOf::operator()(query, key, value, {}, where);
    }
    // Of a sequence to itself.
    Tensor operator()(const Tensor& x, const AttentionMask& mask, Where where = Where::current()) const {
        return ModuleOf::operator()(x, x, x, mask, where);
    }
    Tensor operator()(const Tensor& x, Where where = Where::current()) const {
        return ModuleOf::operator()(x, x, x, {}, where);
    }

    Parameter in_proj_weight;                               // [3 * width, width]: of queries, keys and values; or
    Parameter q_proj_weight, k_proj_weight, v_proj_weight;  // where their widths differ
    Parameter in_proj_bias;                                 // [3 * width]
    Linear out_proj;

private:
    Tensor forward(const Tensor& query, const Tensor& key, const Tensor& value,
                   const AttentionMask& mask) const override;
    std::int64_t width_, heads_;
    MultiheadAttentionOptions options_;
    Generator random_;
};

}  // namespace lathe::nn
