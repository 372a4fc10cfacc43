#include "frontend/onnx/tensor_proto.h"

#include <cstring>
#include <limits>

#include "frontend/onnx/fields.h"

namespace lathe::onnx {
namespace {

// The numbers of what is read, by message, as in onnx.proto.
namespace field {
namespace tensor {
constexpr unsigned dims = 1, data_type = 2, float_data = 4, int32_data = 5, int64_data = 7, name = 8, raw_data = 9,
                   double_data = 10, uint64_data = 11, external_data = 13, data_location = 14;
}
namespace sequence {
constexpr unsigned tensor_values = 3;
}
namespace optional {
constexpr unsigned tensor_value = 3, sequence_value = 5;
}
namespace entry {
constexpr unsigned key = 1, value = 2;
}
}  // namespace field

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

std::vector<Array> read_sequence(Bytes message) {
    std::vector<Array> tensors;
    Fields fields(message);
    while (fields.next())
        if (fields.tag() == field::sequence::tensor_values)
            tensors.push_back(read_tensor(fields.view()));
        else
            fields.skip();
    return tensors;
}

std::optional<std::vector<Array>> read_optional(Bytes message) {
    std::optional<std::vector<Array>> value;
    Fields fields(message);
    while (fields.next()) switch (fields.tag()) {
            case field::optional::tensor_value:
                value = {read_tensor(fields.view())};
                break;
            case field::optional::sequence_value:
                value = read_sequence(fields.view());
                break;
            default:
                fields.skip();
        }
    return value;
}

}  // namespace lathe::onnx
