// trace_model() for whoever has the weights in memory already.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "frontend/model/model.h"

namespace lathe::detail {

// Gives away the elements of a tensor that the function has read, where they need no copy. The tensor is read no more.
using TakeWeight = std::function<std::optional<Array>(const Tensor&)>;

Model trace_model(const TensorFunction& body, const std::vector<TensorSpec>& specs, const TraceOptions& options,
                  const TakeWeight& take, Where where);

}  // namespace lathe::detail
