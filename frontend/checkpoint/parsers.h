// What reads checkpoints of each kind, whichever way their bytes are held.
#pragma once

#include <string>

#include "frontend/checkpoint/file_bytes.h"
#include "frontend/checkpoint/pytorch.h"
#include "frontend/checkpoint/safetensors.h"

namespace lathe::detail {

CheckpointValue parse_pytorch(const FileBytes& file, const std::string& name, const PytorchOptions& options,
                              Where where);
Safetensors parse_safetensors(const FileBytes& file, const std::string& name, Where where);

}  // namespace lathe::detail
