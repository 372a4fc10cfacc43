// The parts of an ONNX file, as onnx.proto defines them: views of the file's bytes, which have to outlive them. A part
// is read when it is asked for, so that a file costs no more memory than it has bytes until it is understood.
//
// Everything here throws Malformed where the bytes are no such message.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/tensor/array.h"

namespace lathe::onnx {

using ir::Dtype;

class Malformed : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A message that has not been read yet.
using Bytes = std::string_view;

// ---- types

// The dtype of a TensorProto.DataType; none for strings, complex numbers and numbers of less than eight bits.
std::optional<Dtype> dtype_of(std::int64_t data_type);
std::int64_t data_type_of(Dtype dtype);
// "FLOAT8E4M3FN", or its number where ONNX has none of that.
std::string data_type_name(std::int64_t data_type);

struct Dimension {  // a number, a name, or nothing that is known
    std::optional<std::int64_t> extent;
    std::string_view name;
};
struct ValueType {
    enum class Kind : std::uint8_t { unknown, tensor, sequence, optional, other };
    Kind kind = Kind::unknown;
    std::int64_t data_type = 0;                   // of tensors, also those in sequences and optionals
    std::optional<std::vector<Dimension>> shape;  // of tensors; none: not even the rank is known
};
struct ValueInfo {
    std::string_view name;
    ValueType type;
};
ValueInfo read_value_info(Bytes message);

// ---- tensors

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

// ---- nodes

struct Attribute {
    enum class Type : std::uint8_t {
        undefined = 0,
        number = 1,  // FLOAT
        integer = 2,
        text = 3,
        tensor = 4,
        graph = 5,
        numbers = 6,
        integers = 7,
        texts = 8,
        tensors = 9,
        graphs = 10,
        other = 11,
    };
    std::string_view name;
    Type type = Type::undefined;
    float number = 0;
    std::int64_t integer = 0;
    std::string_view text;
    Bytes tensor, graph;
    std::vector<float> numbers;
    std::vector<std::int64_t> integers;
    std::vector<std::string_view> texts;
    std::string_view reference;  // within a function: the attribute of its call that this is
};
Attribute read_attribute(Bytes message);

struct Node {
    std::string_view name, op, domain;
    std::vector<std::string_view> inputs, outputs;  // empty names: left out
    std::vector<Attribute> attributes;
};
Node read_node(Bytes message);

// ---- graphs

// "" and "ai.onnx" are one domain.
inline std::string_view plain_domain(std::string_view domain) {
    return domain == "ai.onnx" ? std::string_view() : domain;
}

struct Graph {
    std::string_view name;
    std::vector<Bytes> nodes, initializers, sparse_initializers, inputs, outputs;
};
Graph read_graph(Bytes message);

struct OpsetImport {
    std::string_view domain;
    std::int64_t version = 0;
};
struct Function {
    std::string_view name, domain;
    std::vector<std::string_view> inputs, outputs, attributes;
    std::vector<Bytes> defaults;  // attributes that calls may leave out
    std::vector<Bytes> nodes;
    std::vector<OpsetImport> opsets;
};
struct File {
    std::int64_t ir_version = 0;
    std::vector<OpsetImport> opsets;
    Bytes graph;
    std::vector<Function> functions;
};
File read_file(Bytes bytes);

}  // namespace lathe::onnx
