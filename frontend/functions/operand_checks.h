// What functions ask of their operands before the ops do.
#pragma once

#include <optional>

#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"

namespace lathe::detail {

using ir::functions::require_floats;

// An empty tensor stands for an operand that the user left out.
inline std::optional<Tensor> optional(const Tensor& x) {
    return x.is_empty() ? std::nullopt : std::optional<Tensor>(value_of(x));
}

}  // namespace lathe::detail
