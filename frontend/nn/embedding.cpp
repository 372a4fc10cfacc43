#include "frontend/nn/embedding.h"

#include <fmt/format.h>

#include "frontend/nn/layer.h"

namespace lathe::nn {

Embedding::Embedding(std::int64_t count, std::int64_t width, const EmbeddingLayerOptions& options, Generator& random,
                     Where where)
    : Module(OfLibrary{}), options_{.padding_idx = options.padding_idx} {
    const detail::LocScope scope(where, "Embedding");
    require_float_weights("Embedding", options.dtype, where);
    detail::require_at_least("Embedding", "count", count, 0, where);
    detail::require_at_least("Embedding", "width", width, 0, where);
    Tensor rows = convert(random_normal(random.next_key(), {count, width}), options.dtype);
    if (options.padding_idx) {
        const std::int64_t row = *options.padding_idx + (*options.padding_idx < 0 ? count : 0);
        if (row < 0 || row >= count)
            detail::refuse("Embedding", fmt::format("padding_idx {} is none of {} rows", *options.padding_idx, count),
                           where);
        rows = rows.at({row}).set(0);
    }
    weight = register_parameter("weight", rows);
}

Tensor Embedding::forward(const Tensor& indices) const { return embedding(indices, weight, options_); }

}  // namespace lathe::nn
