// Losses.
#pragma once

#include <optional>

#include "frontend/tensor/tensor.h"

namespace lathe {

struct CrossEntropyOptions {
    std::optional<std::int64_t> ignore_index;  // rows with this label count neither in the mean nor in derivatives
};
// Mean over the rows of -log softmax(logits)[label]; logits [..., classes], labels [...] of an integer dtype. A label
// outside [0, classes) is an IndexError when that is computed.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, CrossEntropyOptions options = {},
                     Where where = Where::current());
// Mean of the squared differences of two tensors of one shape.
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where = Where::current());

}  // namespace lathe
