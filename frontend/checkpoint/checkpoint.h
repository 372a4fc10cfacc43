// Checkpoints: files of named tensors, of whatever kind they are.
//
//   load_into(model, load_checkpoint("resnet.pt").root.at("state_dict"));
//   save_checkpoint("resnet.safetensors", model.named_parameters(), {{"epoch", "12"}});
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontend/checkpoint/checkpoint_value.h"
#include "frontend/checkpoint/pytorch.h"
#include "frontend/checkpoint/safetensors.h"
#include "frontend/tensor/where.h"

namespace lathe {

struct Checkpoint {
    CheckpointValue root;  // of files of torch.save what was saved; of all others a dict of tensors
    std::map<std::string, std::string> metadata;  // of safetensors files
};

struct CheckpointOptions {
    bool map = false;      // safetensors and files of torch.save: see PytorchOptions and SafetensorsOptions
    bool objects = false;  // files of torch.save: see PytorchOptions
};

// Reads a file of safetensors, of torch.save, of .npz, or the weights of a .lathe model: what it is, its bytes say.
// Throws FormatError naming the path and the place.
Checkpoint load_checkpoint(const std::string& path, CheckpointOptions options = {}, Where where = Where::current());

namespace detail {
// A checkpoint that is a dict of tensors.
Checkpoint checkpoint_of(const std::vector<NamedTensor>& tensors, std::map<std::string, std::string> metadata,
                         Where where);
}  // namespace detail

// Writes the tensors, complete or not at all: as .npz where the path ends so, and as safetensors otherwise. Evaluates
// them. Throws UserError where two have one name, and where a .npz file is asked for texts or bf16, which it lacks.
void save_checkpoint(const std::string& path, const std::vector<NamedTensor>& tensors,
                     const std::map<std::string, std::string>& metadata = {}, Where where = Where::current());

}  // namespace lathe
