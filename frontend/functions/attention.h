// Attention.
#pragma once

#include "frontend/tensor/tensor.h"

namespace lathe {

struct AttentionOptions {
    Tensor mask = {};  // if not empty: booleans say which pairs take part, floats are added to the scores; broadcasts
    bool causal = false;  // only keys up to the query's own place take part
    double scale = 0;     // of the scores; 0: 1 / sqrt(width)
};
// softmax(q k^T scale + mask) v, with q [.., heads, queries, width], k [.., heads, keys, width] and v [.., heads, keys,
// width of values]. There may be fewer heads of keys and values: each is for as many neighbouring heads of queries. A
// query that nothing takes part for gets zeros. f16 and bf16 are computed in f32 throughout and rounded once.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options = {}, Where where = Where::current());

struct RotaryOptions {
    bool neighbours = false;  // pairs are neighbours on the last axis, not elements of its two halves
};
// Rotary embedding: pairs of elements of the last axis as points of a plane, turned by angles whose cosines and sines
// are [.., length, width / 2] and broadcast.
Tensor rotary_embedding(const Tensor& x, const Tensor& cosines, const Tensor& sines, RotaryOptions options = {},
                        Where where = Where::current());

}  // namespace lathe
