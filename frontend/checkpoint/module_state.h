// The state of modules in files: parameters and persistent buffers by their paths, laid out as PyTorch's state_dict()
// has them, so that either reads what the other has written.
//
//   save_checkpoint("digits.safetensors", state_dict(network));
//   load_into(network, load_checkpoint("digits.safetensors").root);
//   load_into(network, load_checkpoint("digits.pt").root.at("model"), {.prefix = "module."});
#pragma once

#include <vector>

#include "frontend/checkpoint/load_into.h"
#include "frontend/nn/module.h"

namespace lathe {

// The values of the time. What is tied occurs under each of its paths.
std::vector<NamedTensor> state_dict(const nn::AnyModule& module, Where where = Where::current());

// As load_into() of variables, of all that state_dict() has. Weights that PyTorch has the other way round, as those of
// Linear, are transposed.
LoadReport load_into(const nn::AnyModule& module, const CheckpointValue& values, const LoadOptions& options = {},
                     Where where = Where::current());

}  // namespace lathe
