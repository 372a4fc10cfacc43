// Rows of a matrix by their numbers.
#pragma once

#include "frontend/functions/indexing.h"
#include "frontend/nn/generator.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

struct EmbeddingLayerOptions {
    std::optional<std::int64_t> padding_idx = {};  // a row of zeros that is not trained; negative: from the end
    Dtype dtype = Dtype::f32;
};
// weight: [count, width], which begins normal with mean 0 and variance 1. Indices are integers of any shape; the result
// has the axis of a row behind theirs.
class Embedding final : public Module {
public:
    Embedding(std::int64_t count, std::int64_t width, Generator& random, Where where = Where::current())
        : Embedding(count, width, {}, random, where) {}
    Embedding(std::int64_t count, std::int64_t width, const EmbeddingLayerOptions& options, Generator& random,
              Where where = Where::current());

    Parameter weight;

private:
    Tensor forward(const Tensor& indices) const override;
    EmbeddingOptions options_;
};

}  // namespace lathe::nn
