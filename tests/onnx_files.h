// ONNX files as tests want them, written field by field.
#pragma once

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::testing_support {

// Numbers of fields in onnx.proto.
class OnnxBuilder {
public:
    struct Attribute {
        std::string name;
        std::vector<std::int64_t> integers = {};
        std::int64_t integer = 0;
        std::string graph = {};  // of a GraphProto
    };
    struct Dim {
        std::int64_t extent = -1;
        std::string name = {};
    };

    void add_input(const std::string& name, std::int64_t data_type, const std::vector<Dim>& dims) {
        value_info(11, name, data_type, dims);
    }
    void add_output(const std::string& name, std::int64_t data_type, const std::vector<Dim>& dims) {
        value_info(12, name, data_type, dims);
    }
    // Sequences of such tensors, and optional ones.
    void add_sequence_input(const std::string& name, std::int64_t data_type, const std::vector<Dim>& dims) {
        value_info(11, name, data_type, dims, 4);
    }
    void add_sequence_output(const std::string& name, std::int64_t data_type, const std::vector<Dim>& dims) {
        value_info(12, name, data_type, dims, 4);
    }
    void add_optional_input(const std::string& name, std::int64_t data_type, const std::vector<Dim>& dims) {
        value_info(11, name, data_type, dims, 9);
    }
    void add_optional_output(const std::string& name, std::int64_t data_type, const std::vector<Dim>& dims) {
        value_info(12, name, data_type, dims, 9);
    }
    void add_node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::vector<Attribute>& attributes = {},
                  const std::string& domain = "") {
        std::string bytes;
        protozero::pbf_writer node(bytes);
        for (const std::string& i : inputs) node.add_string(1, i);
        for (const std::string& o : outputs) node.add_string(2, o);
        node.add_string(3, "the " + op);
        node.add_string(4, op);
        for (const Attribute& a : attributes) {
            std::string attribute_bytes;
            protozero::pbf_writer attribute(attribute_bytes);
            attribute.add_string(1, a.name);
            if (!a.graph.empty()) {
                attribute.add_message(6, a.graph);
                attribute.add_int64(20, 5);
            } else if (!a.integers.empty()) {
                for (const std::int64_t i : a.integers) attribute.add_int64(8, i);
                attribute.add_int64(20, 7);
            } else {
                attribute.add_int64(3, a.integer);
                attribute.add_int64(20, 2);
            }
            node.add_message(5, attribute_bytes);
        }
        if (!domain.empty()) node.add_string(7, domain);
        protozero::pbf_writer(graph_).add_message(1, bytes);
    }
    void add_initializer(const std::string& name, const std::vector<std::int64_t>& dims,
                         const std::vector<float>& elements) {
        std::string bytes;
        protozero::pbf_writer tensor(bytes);
        for (const std::int64_t d : dims) tensor.add_int64(1, d);
        tensor.add_int32(2, 1);
        tensor.add_packed_float(4, elements.begin(), elements.end());
        tensor.add_string(8, name);
        protozero::pbf_writer(graph_).add_message(5, bytes);
    }
    // Of floats that lie in another file.
    void add_external(const std::string& name, const std::vector<std::int64_t>& dims, const std::string& location,
                      const std::string& offset) {
        std::string bytes;
        protozero::pbf_writer tensor(bytes);
        for (const std::int64_t d : dims) tensor.add_int64(1, d);
        tensor.add_int32(2, 1);
        tensor.add_string(8, name);
        for (const auto& [key, value] :
             {std::pair<std::string, std::string>("location", location), {"offset", offset}}) {
            std::string entry_bytes;
            protozero::pbf_writer entry(entry_bytes);
            entry.add_string(1, key);
            entry.add_string(2, value);
            tensor.add_message(13, entry_bytes);
        }
        tensor.add_int32(14, 1);
        protozero::pbf_writer(graph_).add_message(5, bytes);
    }

    const std::string& graph() const { return graph_; }
    std::string file(std::int64_t opset = 17) const {
        std::string bytes, opset_bytes;
        protozero::pbf_writer(opset_bytes).add_int64(2, opset);
        protozero::pbf_writer model(bytes);
        model.add_int64(1, 8);
        model.add_message(7, graph_);
        model.add_message(8, opset_bytes);
        return bytes;
    }

private:
    void value_info(protozero::pbf_tag_type field, const std::string& name, std::int64_t data_type,
                    const std::vector<Dim>& dims, protozero::pbf_tag_type made_of = 0) {
        std::string shape_bytes, tensor_bytes, type_bytes, bytes;
        for (const Dim& d : dims) {
            std::string dim_bytes;
            protozero::pbf_writer dim(dim_bytes);
            if (d.extent >= 0) dim.add_int64(1, d.extent);
            if (!d.name.empty()) dim.add_string(2, d.name);
            protozero::pbf_writer(shape_bytes).add_message(1, dim_bytes);
        }
        protozero::pbf_writer tensor(tensor_bytes);
        tensor.add_int64(1, data_type);
        tensor.add_message(2, shape_bytes);
        protozero::pbf_writer(type_bytes).add_message(1, tensor_bytes);
        if (made_of != 0) {
            std::string element_bytes, whole_bytes;
            protozero::pbf_writer(element_bytes).add_message(1, type_bytes);
            protozero::pbf_writer(whole_bytes).add_message(made_of, element_bytes);
            type_bytes = whole_bytes;
        }
        protozero::pbf_writer info(bytes);
        info.add_string(1, name);
        info.add_message(2, type_bytes);
        protozero::pbf_writer(graph_).add_message(field, bytes);
    }

    std::string graph_;
};

// A TensorProto of floats, and a SequenceProto of such.
inline std::string tensor_file(const std::vector<std::int64_t>& dims, const std::vector<float>& elements) {
    std::string bytes;
    protozero::pbf_writer tensor(bytes);
    for (const std::int64_t d : dims) tensor.add_int64(1, d);
    tensor.add_int32(2, 1);
    tensor.add_packed_float(4, elements.begin(), elements.end());
    return bytes;
}
inline std::string sequence_file(const std::vector<std::string>& tensors) {
    std::string bytes;
    protozero::pbf_writer sequence(bytes);
    sequence.add_int32(2, 1);
    for (const std::string& t : tensors) sequence.add_message(3, t);
    return bytes;
}

}  // namespace lathe::testing_support
