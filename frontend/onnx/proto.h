// The parts of an ONNX file, as onnx.proto defines them: views of the file's bytes, which have to outlive them. A part
// is read when it is asked for, so that a file costs no more memory than it has bytes until it is understood.
//
// Everything here throws Malformed where the bytes are no such message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "frontend/onnx/tensor_proto.h"

namespace lathe::onnx {

// ---- types

struct Dimension {  // a number, a name, or nothing that is known
    std::optional<std::int64_t> extent;
    std::string_view name;
};
struct ValueType {
    enum class Kind : std::uint8_t { unknown, tensor, sequence, other };
    Kind kind = Kind::unknown;
    bool is_optional = false;                     // it may be left out
    std::int64_t data_type = 0;                   // of a tensor, or of those in a sequence
    std::optional<std::vector<Dimension>> shape;  // likewise; none: not even the rank is known
};
struct ValueInfo {
    std::string_view name;
    ValueType type;
};
ValueInfo read_value_info(Bytes message);
// The tensors of a value of that type, of a file that holds nothing else: those of a sequence, or one. None: an
// optional value that is left out.
std::optional<std::vector<Array>> read_value(Bytes message, const ValueType& type);

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
