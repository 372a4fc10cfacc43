// A table of what a module is made of.
#pragma once

#include <string>
#include <vector>

#include "frontend/nn/module.h"

namespace lathe::nn {

namespace internal {

std::string summary(const AnyModule& model, const std::vector<ir::Type>& inputs,
                    const lathe::detail::TensorFunction& call, Where where);

}  // namespace internal

// A row for each module by its path: class, types of what it computed last, own parameters; and totals. `call` takes
// tensors of these types, {{Dtype::f32, {16, 64}}}, and calls the model with them. It is traced, so that nothing is
// computed, and no variable is set.
template <class Call>
std::string summary(const AnyModule& model, const std::vector<ir::Type>& inputs, const Call& call,
                    Where where = Where::current()) {
    return internal::summary(model, inputs, [&](std::span<const Tensor> x) { return tensors_of(call(x)); }, where);
}
inline std::string summary(const Module& model, const std::vector<ir::Type>& inputs, Where where = Where::current()) {
    return summary(model, inputs, [&](std::span<const Tensor> x) { return model(x[0], where); }, where);
}

}  // namespace lathe::nn
