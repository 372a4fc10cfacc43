// Files of torch.save, zipped or in the form before PyTorch 1.6.
//
// Nothing in them is executed. What a file may name is a closed list: tensors, parameters, storages, dtypes, ordered
// dicts, counters, sets, shapes and devices; anything else is refused with its name and byte. TorchScript archives and
// files in tar form are refused by name.
//
// Lists, tuples, sets and shapes are lists; dicts of all kinds are dicts, whose integer keys are their digits; bytes,
// dtypes and devices are texts. Complex numbers are a trailing axis of extent 2. Tensors that share a storage share
// memory, and equal views of one storage are one tensor.
#pragma once

#include <string>
#include <string_view>

#include "frontend/checkpoint/checkpoint_value.h"
#include "frontend/tensor/where.h"

namespace lathe {

struct PytorchOptions {
    // Borrows tensors from the file's mapping, which they keep: the caller vouches that the file stays as it is.
    // Checksums are not looked at. Of read_pytorch() alone.
    bool map = false;
    // Reads objects of classes that are not known as dicts of their attributes, with the name of the class, and
    // functions that stand among their values as their names; still nothing is imported or executed. A pickled module
    // is its state_dict.
    bool objects = false;
};

// Throws FormatError naming `name` and the byte.
CheckpointValue parse_pytorch(std::string_view bytes, const std::string& name, PytorchOptions options = {},
                              Where where = Where::current());
CheckpointValue read_pytorch(const std::string& path, PytorchOptions options = {}, Where where = Where::current());

}  // namespace lathe
