// What functions ask of their operands before the ops do.
#pragma once

#include <optional>
#include <string_view>

#include "frontend/tensor/record.h"
#include "ir/functions/basic.h"

namespace lathe::detail {

// The others are operands that the message names too.
template <class... Others>
void require_floats(std::string_view function, const Tensor& x, const Others&... others) {
    if (!ir::is_float(x.dtype()))
        ir::functions::refuse(function, "wants floats; convert() makes them of others", x, others...);
}

// An empty tensor stands for an operand that the user left out.
inline std::optional<Tensor> optional(const Tensor& x) {
    return x.is_empty() ? std::nullopt : std::optional<Tensor>(value_of(x));
}

}  // namespace lathe::detail
