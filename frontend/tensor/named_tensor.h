// Tensors by name: what modules, optimisers and files of weights exchange.
#pragma once

#include <string>
#include <utility>

#include "frontend/tensor/tensor.h"

namespace lathe {

using NamedTensor = std::pair<std::string, Tensor>;

}  // namespace lathe
