// What the pickle of a file of torch.save stands for.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/checkpoint/checkpoint_value.h"
#include "frontend/checkpoint/file_bytes.h"
#include "frontend/checkpoint/pickle.h"

namespace lathe::detail {

// The memory of tensors that a pickle names.
struct TorchStorage {
    std::string key;
    Dtype dtype = Dtype::u8;     // of its numbers
    std::size_t components = 1;  // numbers of an element: 2 of complex ones
    bool typed = true;           // otherwise its tensors say what its bytes are
    std::int64_t elements = 0;
    std::uint64_t at = 0;  // where the pickle names it

    std::uint64_t element_size() const { return size_of(dtype) * components; }
};

// Whether a file may name a class or function.
bool is_torch_global(std::string_view global);

// The storages that a pickle names, by their keys. Throws FormatError naming `name` and the byte.
std::map<std::string, TorchStorage> storages_of(const pickle::Pickle& pickle, const std::string& name);

// The value, given the memory of each storage, which holds all its elements.
CheckpointValue value_of(const pickle::Pickle& pickle, const std::map<std::string, TorchStorage>& storages,
                         const std::map<std::string, FileBytes::Held>& memory, const std::string& name, bool objects,
                         Where where);

}  // namespace lathe::detail
