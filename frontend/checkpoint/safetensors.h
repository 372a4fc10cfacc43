// safetensors files: named tensors, and texts about them. (The format's specification, version 0.4 and later.)
//
// Its limits are kept: a header of at most 100 MB; tensors that follow each other without holes or overlaps, and are
// all that follows it; sizes that are those of the shapes; no name twice. Complex numbers are a trailing axis of extent
// 2 here; floats of 8 bits and fewer are refused, with the tensor's name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/checkpoint/checkpoint_value.h"
#include "frontend/tensor/where.h"

namespace lathe {

struct Safetensors {
    std::vector<NamedTensor> tensors;             // in the order of their bytes
    std::map<std::string, std::string> metadata;  // the header's "__metadata__"
};

struct SafetensorsOptions {
    // Borrows tensors from the file's mapping, which they keep: the caller vouches that the file stays as it is.
    bool map = false;
};

// Throws FormatError naming `name`, and the tensor or the byte.
Safetensors parse_safetensors(std::string_view bytes, const std::string& name, Where where = Where::current());
Safetensors read_safetensors(const std::string& path, SafetensorsOptions options = {}, Where where = Where::current());

// The bytes of such a file, equal for equal tensors and texts. Evaluates the tensors. Throws UserError where a name is
// there twice, is "__metadata__", or a name or text is no UTF-8.
std::string safetensors_bytes(const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& metadata = {}, Where where = Where::current());
// Complete or not at all.
void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {}, Where where = Where::current());

}  // namespace lathe
