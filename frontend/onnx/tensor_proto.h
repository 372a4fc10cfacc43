// Tensors in files of ONNX, and sequences and optional values of them, as onnx.proto defines them: views of the file's
// bytes, which have to outlive them.
//
// Everything here throws Malformed where the bytes are no such message.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/tensor/array.h"

namespace lathe::onnx {

using ir::Dtype;

class Malformed : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A message that has not been read yet.
using Bytes = std::string_view;

// The dtype of a TensorProto.DataType; none for strings, complex numbers and numbers of less than eight bits.
std::optional<Dtype> dtype_of(std::int64_t data_type);
std::int64_t data_type_of(Dtype dtype);
// "FLOAT8E4M3FN", or its number where ONNX has none of that.
std::string data_type_name(std::int64_t data_type);

// Where a tensor's elements lie outside of the file.
struct ExternalData {
    std::string_view location;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;
};
struct TensorHeader {
    std::string_view name;
    std::int64_t data_type = 0;
    std::vector<std::int64_t> dims;
    std::optional<ExternalData> external;
};
TensorHeader read_tensor_header(Bytes tensor);
// Of all elements, whose dtype has to be one of ours.
Dtype dtype_of(const TensorHeader& header);
std::uint64_t byte_size(const TensorHeader& header);
// The elements within the message, of a tensor that has them there and whose dtype is one of ours.
Array read_tensor(Bytes tensor);

// ---- what is made of tensors

// The tensors of a SequenceProto.
std::vector<Array> read_sequence(Bytes message);
// Those of an OptionalProto: of a tensor one. None: the value is left out.
std::optional<std::vector<Array>> read_optional(Bytes message);

}  // namespace lathe::onnx
