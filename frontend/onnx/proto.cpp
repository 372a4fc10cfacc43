#include "frontend/onnx/proto.h"

#include <cstring>
#include <limits>
#include <protozero/pbf_reader.hpp>

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
namespace tensor {
constexpr unsigned dims = 1, data_type = 2, float_data = 4, int32_data = 5, int64_data = 7, name = 8, raw_data = 9,
                   double_data = 10, uint64_data = 11, external_data = 13, data_location = 14;
}
namespace entry {
constexpr unsigned key = 1, value = 2;
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

// The fields of a message one after the other, with the wire types that they have to have.
class Fields {
public:
    explicit Fields(Bytes message) : reader_(message.data(), message.size()) {}

    bool next() {
        return guarded([&] { return reader_.next(); });
    }
    unsigned tag() const { return reader_.tag(); }
    void skip() {
        guarded([&] { reader_.skip(); });
    }

    std::int64_t integer() {
        expect(protozero::pbf_wire_type::varint);
        return guarded([&] { return reader_.get_int64(); });
    }
    float number() {
        expect(protozero::pbf_wire_type::fixed32);
        return guarded([&] { return reader_.get_float(); });
    }
    // Text, bytes or another message.
    std::string_view view() {
        expect(protozero::pbf_wire_type::length_delimited);
        return guarded([&] {
            const protozero::data_view v = reader_.get_view();
            return std::string_view(v.data(), v.size());
        });
    }

    // Repeated numbers come packed or one by one.
    template <class F>
    void integers(const F& take) {
        if (!is_packed()) return take(integer());
        guarded([&] {
            for (const std::int64_t i : reader_.get_packed_int64()) take(i);
        });
    }
    template <class F>
    void floats(const F& take) {
        if (!is_packed()) return take(number());
        guarded([&] {
            for (const float f : reader_.get_packed_float()) take(f);
        });
    }
    template <class F>
    void doubles(const F& take) {
        if (!is_packed()) {
            expect(protozero::pbf_wire_type::fixed64);
            return take(guarded([&] { return reader_.get_double(); }));
        }
        guarded([&] {
            for (const double f : reader_.get_packed_double()) take(f);
        });
    }

private:
    bool is_packed() const { return reader_.wire_type() == protozero::pbf_wire_type::length_delimited; }
    void expect(protozero::pbf_wire_type type) const {
        if (reader_.wire_type() != type)
            throw Malformed("field " + std::to_string(reader_.tag()) + " of a message has another type than its own");
    }
    template <class F>
    static auto guarded(const F& f) -> decltype(f()) {
        try {
            return f();
        } catch (const protozero::exception&) {
            throw Malformed("a message ends within a field, or is none");
        }
    }
    protozero::pbf_reader reader_;
};

struct DataType {
    const char* name;
    std::optional<Dtype> dtype;
};
// By number.
constexpr DataType data_types[] = {
    {"UNDEFINED", {}},
    {"FLOAT", Dtype::f32},
    {"UINT8", Dtype::u8},
    {"INT8", Dtype::i8},
    {"UINT16", Dtype::u16},
    {"INT16", Dtype::i16},
    {"INT32", Dtype::i32},
    {"INT64", Dtype::i64},
    {"STRING", {}},
    {"BOOL", Dtype::boolean},
    {"FLOAT16", Dtype::f16},
    {"DOUBLE", Dtype::f64},
    {"UINT32", Dtype::u32},
    {"UINT64", Dtype::u64},
    {"COMPLEX64", {}},
    {"COMPLEX128", {}},
    {"BFLOAT16", Dtype::bf16},
    {"FLOAT8E4M3FN", {}},
    {"FLOAT8E4M3FNUZ", {}},
    {"FLOAT8E5M2", {}},
    {"FLOAT8E5M2FNUZ", {}},
    {"UINT4", {}},
    {"INT4", {}},
    {"FLOAT4E2M1", {}},
    {"FLOAT8E8M0", {}},
    {"UINT2", {}},
    {"INT2", {}},
};

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

// Of a sequence or an optional: the type within.
void read_element_type(Bytes message, ValueType& into, int depth) {
    Fields fields(message);
    while (fields.next()) {
        if (fields.tag() != field::type::element) {
            fields.skip();
            continue;
        }
        const ValueType inner = read_type(fields.view(), depth + 1);
        if (inner.kind != ValueType::Kind::tensor) into.kind = ValueType::Kind::other;
        into.data_type = inner.data_type;
        into.shape = inner.shape;
    }
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
                type.kind = ValueType::Kind::sequence;
                read_element_type(fields.view(), type, depth);
                break;
            case field::type::optional:
                type.kind = ValueType::Kind::optional;
                read_element_type(fields.view(), type, depth);
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

std::pair<std::string_view, std::string_view> read_entry(Bytes message) {
    std::pair<std::string_view, std::string_view> entry;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::entry::key:
                entry.first = fields.view();
                break;
            case field::entry::value:
                entry.second = fields.view();
                break;
            default:
                fields.skip();
        }
    return entry;
}

std::uint64_t natural_number(std::string_view text) {
    std::uint64_t n = 0;
    if (text.empty()) throw Malformed("an offset or a length of external data is empty");
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (c < '0' || c > '9' || n > (std::numeric_limits<std::uint64_t>::max() - digit) / 10)
            throw Malformed("an offset or a length of external data is no natural number");
        n = n * 10 + digit;
    }
    return n;
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

// Writes elements into an array of known size.
class Elements {
public:
    explicit Elements(Array& array) : array_(array), size_(ir::size_of(array.dtype)) {}
    void put(const void* element) {
        if (at_ + size_ > array_.bytes.size()) throw Malformed("a tensor has more elements than its dimensions say");
        std::memcpy(array_.bytes.data() + at_, element, size_);
        at_ += size_;
    }
    void put_raw(std::string_view bytes) {
        if (bytes.size() != array_.bytes.size())
            throw Malformed("a tensor has " + std::to_string(bytes.size()) + " bytes of elements, not the " +
                            std::to_string(array_.bytes.size()) + " that its dimensions say");
        if (!bytes.empty()) std::memcpy(array_.bytes.data(), bytes.data(), bytes.size());
        at_ = bytes.size();
    }
    bool is_full() const { return at_ == array_.bytes.size(); }

private:
    Array& array_;
    std::size_t size_, at_ = 0;
};

}  // namespace

std::optional<Dtype> dtype_of(std::int64_t data_type) {
    if (data_type < 0 || data_type >= static_cast<std::int64_t>(std::size(data_types))) return {};
    return data_types[data_type].dtype;
}

std::int64_t data_type_of(Dtype dtype) {
    for (std::size_t i = 0; i < std::size(data_types); ++i)
        if (data_types[i].dtype == dtype) return static_cast<std::int64_t>(i);
    return 0;
}

std::string data_type_name(std::int64_t data_type) {
    if (data_type < 0 || data_type >= static_cast<std::int64_t>(std::size(data_types)))
        return "the data type " + std::to_string(data_type);
    return data_types[data_type].name;
}

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

TensorHeader read_tensor_header(Bytes tensor) {
    TensorHeader header;
    ExternalData external;
    bool is_external = false;
    Fields fields(tensor);
    while (fields.next()) switch (fields.tag()) {
            case field::tensor::dims:
                fields.integers([&](std::int64_t d) { header.dims.push_back(d); });
                break;
            case field::tensor::data_type:
                header.data_type = fields.integer();
                break;
            case field::tensor::name:
                header.name = fields.view();
                break;
            case field::tensor::data_location:
                is_external = fields.integer() == 1;
                break;
            case field::tensor::external_data: {
                const auto [key, value] = read_entry(fields.view());
                if (key == "location") external.location = value;
                if (key == "offset") external.offset = natural_number(value);
                if (key == "length") external.length = natural_number(value);
                break;
            }
            default:
                fields.skip();
        }
    if (is_external) header.external = external;
    return header;
}

Dtype dtype_of(const TensorHeader& header) {
    const std::optional<Dtype> dtype = dtype_of(header.data_type);
    if (!dtype) throw Malformed("a tensor of " + data_type_name(header.data_type) + " is none of numbers");
    return *dtype;
}

std::uint64_t byte_size(const TensorHeader& header) {
    std::uint64_t bytes = ir::size_of(dtype_of(header));
    for (const std::int64_t d : header.dims)
        if (d < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(d), &bytes))
            throw Malformed("the dimensions of a tensor are no extents");
    return bytes;
}

Array read_tensor(Bytes tensor) {
    const TensorHeader header = read_tensor_header(tensor);
    const Dtype dtype = dtype_of(header);
    const std::uint64_t bytes = byte_size(header);
    // Each element takes a byte of the file at least.
    if (bytes / ir::size_of(dtype) > tensor.size())
        throw Malformed("a tensor has fewer elements than its dimensions say");
    Array array{dtype, header.dims, std::vector<std::byte>(bytes)};
    Elements elements(array);
    // Narrow integers and floats of 16 bits are the low bits of 32.
    const auto put_low_bits = [&](std::int64_t i) { elements.put(&i); };
    const std::size_t size = ir::size_of(dtype);
    const bool is_float = ir::is_float(dtype);
    Fields fields(tensor);
    while (fields.next()) switch (fields.tag()) {
            case field::tensor::raw_data:
                elements.put_raw(fields.view());
                break;
            case field::tensor::float_data:
                if (dtype != Dtype::f32) throw Malformed("a tensor has floats, but is of another type");
                fields.floats([&](float f) { elements.put(&f); });
                break;
            case field::tensor::double_data:
                if (dtype != Dtype::f64) throw Malformed("a tensor has doubles, but is of another type");
                fields.doubles([&](double f) { elements.put(&f); });
                break;
            case field::tensor::int32_data:
                if (size > 4 || dtype == Dtype::f32 || dtype == Dtype::u32)
                    throw Malformed("a tensor has 32-bit integers, but is of another type");
                fields.integers(put_low_bits);
                break;
            case field::tensor::int64_data:
                if (dtype != Dtype::i64) throw Malformed("a tensor has 64-bit integers, but is of another type");
                fields.integers(put_low_bits);
                break;
            case field::tensor::uint64_data:
                if (is_float || (dtype != Dtype::u64 && dtype != Dtype::u32))
                    throw Malformed("a tensor has natural numbers, but is of another type");
                fields.integers(put_low_bits);
                break;
            default:
                fields.skip();
        }
    if (!elements.is_full()) throw Malformed("a tensor has fewer elements than its dimensions say");
    if (dtype == Dtype::boolean)
        for (std::byte& b : array.bytes) b = b == std::byte{0} ? std::byte{0} : std::byte{1};
    return array;
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
