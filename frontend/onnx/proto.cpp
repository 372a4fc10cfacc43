#include "frontend/onnx/proto.h"

#include "frontend/onnx/fields.h"

namespace lathe::onnx {
namespace {

// The numbers of what is read, by message, as in onnx.proto.
namespace field {
namespace model {
constexpr unsigned ir_version = 1, graph = 7, opset_import = 8, functions = 25;
}
namespace opset {
constexpr unsigned domain = 1, version = 2;
}
namespace graph {
constexpr unsigned node = 1, name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15;
}
namespace node {
constexpr unsigned input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7;
}
namespace attribute {
constexpr unsigned name = 1, f = 2, i = 3, s = 4, t = 5, g = 6, floats = 7, ints = 8, strings = 9, type = 20,
                   ref_attr_name = 21;
}
namespace function {
constexpr unsigned name = 1, input = 4, output = 5, attribute = 6, node = 7, opset_import = 9, domain = 10,
                   attribute_proto = 11;
}
namespace value_info {
constexpr unsigned name = 1, type = 2;
}
namespace type {
constexpr unsigned tensor = 1, sequence = 4, map = 5, sparse_tensor = 8, optional = 9, element = 1, shape = 2;
}
namespace shape {
constexpr unsigned dim = 1, dim_value = 1, dim_param = 2;
}
}  // namespace field

std::vector<Dimension> read_shape(Bytes message) {
    std::vector<Dimension> dims;
    Fields fields(message);
    while (fields.next()) {
        if (fields.tag() != field::shape::dim) {
            fields.skip();
            continue;
        }
        Dimension& d = dims.emplace_back();
        Fields of_dim(fields.view());
        while (of_dim.next()) switch (of_dim.tag()) {
                case field::shape::dim_value:
                    d.extent = of_dim.integer();
                    break;
                case field::shape::dim_param:
                    d.name = of_dim.view();
                    break;
                default:
                    of_dim.skip();
            }
    }
    return dims;
}

// TypeProto.Tensor.
void read_tensor_type(Bytes message, ValueType& into) {
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::type::element:
                into.data_type = fields.integer();
                break;
            case field::type::shape:
                into.shape = read_shape(fields.view());
                break;
            default:
                fields.skip();
        }
}

ValueType read_type(Bytes message, int depth);

// Of a sequence or an optional value: the type within.
ValueType read_element_type(Bytes message, int depth) {
    ValueType type;
    Fields fields(message);
    while (fields.next())
        if (fields.tag() == field::type::element)
            type = read_type(fields.view(), depth + 1);
        else
            fields.skip();
    return type;
}

ValueType read_type(Bytes message, int depth) {
    if (depth > 8) throw Malformed("types are nested too deeply");
    ValueType type;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::type::tensor:
                type.kind = ValueType::Kind::tensor;
                read_tensor_type(fields.view(), type);
                break;
            case field::type::sequence:
                type = read_element_type(fields.view(), depth);
                type.kind = type.kind == ValueType::Kind::tensor && !type.is_optional ? ValueType::Kind::sequence
                                                                                      : ValueType::Kind::other;
                break;
            case field::type::optional:
                type = read_element_type(fields.view(), depth);
                if (type.is_optional) type.kind = ValueType::Kind::other;
                type.is_optional = true;
                break;
            case field::type::map:
            case field::type::sparse_tensor:
                type.kind = ValueType::Kind::other;
                fields.skip();
                break;
            default:
                fields.skip();
        }
    return type;
}

OpsetImport read_opset(Bytes message) {
    OpsetImport opset;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::opset::domain:
                opset.domain = fields.view();
                break;
            case field::opset::version:
                opset.version = fields.integer();
                break;
            default:
                fields.skip();
        }
    return opset;
}

Function read_function(Bytes message) {
    Function f;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::function::name:
                f.name = fields.view();
                break;
            case field::function::domain:
                f.domain = fields.view();
                break;
            case field::function::input:
                f.inputs.push_back(fields.view());
                break;
            case field::function::output:
                f.outputs.push_back(fields.view());
                break;
            case field::function::attribute:
                f.attributes.push_back(fields.view());
                break;
            case field::function::attribute_proto:
                f.defaults.push_back(fields.view());
                break;
            case field::function::node:
                f.nodes.push_back(fields.view());
                break;
            case field::function::opset_import:
                f.opsets.push_back(read_opset(fields.view()));
                break;
            default:
                fields.skip();
        }
    return f;
}

}  // namespace

ValueInfo read_value_info(Bytes message) {
    ValueInfo info;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::value_info::name:
                info.name = fields.view();
                break;
            case field::value_info::type:
                info.type = read_type(fields.view(), 0);
                break;
            default:
                fields.skip();
        }
    return info;
}

std::optional<std::vector<Array>> read_value(Bytes message, const ValueType& type) {
    if (type.is_optional) return read_optional(message);
    if (type.kind == ValueType::Kind::sequence) return read_sequence(message);
    return std::vector<Array>{read_tensor(message)};
}

Attribute read_attribute(Bytes message) {
    Attribute a;
    Fields fields(message);
    // Files of before there were types have none: the field that is there says it.
    const auto is = [&](Attribute::Type type) {
        if (a.type == Attribute::Type::undefined) a.type = type;
    };
    using Type = Attribute::Type;
    while (fields.next()) switch (fields.tag()) {
            case field::attribute::name:
                a.name = fields.view();
                break;
            case field::attribute::type: {
                const std::int64_t type = fields.integer();
                a.type =
                    type < 0 || type > static_cast<std::int64_t>(Type::graphs) ? Type::other : static_cast<Type>(type);
                break;
            }
            case field::attribute::f:
                a.number = fields.number();
                is(Type::number);
                break;
            case field::attribute::i:
                a.integer = fields.integer();
                is(Type::integer);
                break;
            case field::attribute::s:
                a.text = fields.view();
                is(Type::text);
                break;
            case field::attribute::t:
                a.tensor = fields.view();
                is(Type::tensor);
                break;
            case field::attribute::g:
                a.graph = fields.view();
                is(Type::graph);
                break;
            case field::attribute::floats:
                fields.floats([&](float f) { a.numbers.push_back(f); });
                is(Type::numbers);
                break;
            case field::attribute::ints:
                fields.integers([&](std::int64_t i) { a.integers.push_back(i); });
                is(Type::integers);
                break;
            case field::attribute::strings:
                a.texts.push_back(fields.view());
                is(Type::texts);
                break;
            case field::attribute::ref_attr_name:
                a.reference = fields.view();
                break;
            default:
                fields.skip();
        }
    return a;
}

Node read_node(Bytes message) {
    Node n;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::node::input:
                n.inputs.push_back(fields.view());
                break;
            case field::node::output:
                n.outputs.push_back(fields.view());
                break;
            case field::node::name:
                n.name = fields.view();
                break;
            case field::node::op_type:
                n.op = fields.view();
                break;
            case field::node::domain:
                n.domain = fields.view();
                break;
            case field::node::attribute:
                n.attributes.push_back(read_attribute(fields.view()));
                break;
            default:
                fields.skip();
        }
    if (n.op.empty()) throw Malformed("a node has no operator");
    return n;
}

Graph read_graph(Bytes message) {
    Graph g;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::graph::node:
                g.nodes.push_back(fields.view());
                break;
            case field::graph::name:
                g.name = fields.view();
                break;
            case field::graph::initializer:
                g.initializers.push_back(fields.view());
                break;
            case field::graph::sparse_initializer:
                g.sparse_initializers.push_back(fields.view());
                break;
            case field::graph::input:
                g.inputs.push_back(fields.view());
                break;
            case field::graph::output:
                g.outputs.push_back(fields.view());
                break;
            default:
                fields.skip();
        }
    return g;
}

File read_file(Bytes bytes) {
    File file;
    bool has_graph = false;
    Fields fields(bytes);
    while (fields.next()) switch (fields.tag()) {
            case field::model::ir_version:
                file.ir_version = fields.integer();
                break;
            case field::model::graph:
                file.graph = fields.view();
                has_graph = true;
                break;
            case field::model::opset_import:
                file.opsets.push_back(read_opset(fields.view()));
                break;
            case field::model::functions:
                file.functions.push_back(read_function(fields.view()));
                break;
            default:
                fields.skip();
        }
    if (!has_graph) throw Malformed("there is no graph");
    return file;
}

}  // namespace lathe::onnx
