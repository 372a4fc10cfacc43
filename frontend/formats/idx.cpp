#include "frontend/formats/idx.h"

#include <cstring>
#include <new>

#include "frontend/formats/read_file.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"
#include "ir/type.h"
#include "runtime/convert.h"

namespace lathe {
namespace {

struct ElementType {
    unsigned char code;
    ir::Dtype dtype;
};
constexpr ElementType element_types[] = {
    {0x08, ir::Dtype::u8},  {0x09, ir::Dtype::i8},  {0x0b, ir::Dtype::i16},
    {0x0c, ir::Dtype::i32}, {0x0d, ir::Dtype::f32}, {0x0e, ir::Dtype::f64},
};

}  // namespace

Array parse_idx(std::string_view bytes, const std::string& name, Where where) try {
    const auto fail = [&](std::size_t at, const std::string& what) {
        throw FormatError(name + ": byte " + std::to_string(at) + ": " + what);
    };
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    // Two zeros, the type, the number of extents, and those, the greatest byte first.
    constexpr std::size_t magic_size = 4, extent_size = 4;
    if (bytes.size() < magic_size) fail(bytes.size(), "the file ends in its header");
    if (byte(0) != 0 || byte(1) != 0) fail(0, "this is no IDX file");
    const ElementType* type = nullptr;
    for (const ElementType& known : element_types)
        if (known.code == byte(2)) type = &known;
    if (type == nullptr) fail(2, "there is no type " + std::to_string(byte(2)) + " of numbers in IDX files");
    const std::size_t rank = byte(3), begin = magic_size + rank * extent_size, size = ir::size_of(type->dtype);
    if (rank > ir::max_rank)
        fail(3, "the array has " + std::to_string(rank) + " dimensions, more than " + std::to_string(ir::max_rank));
    if (bytes.size() < begin) fail(bytes.size(), "the file ends in its header");
    Array array{type->dtype, {}, {}};
    std::uint64_t needed = size;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        std::uint64_t extent = 0;
        for (std::size_t i = 0; i < extent_size; ++i) extent = extent << 8 | byte(magic_size + axis * extent_size + i);
        if (__builtin_mul_overflow(needed, extent, &needed)) fail(magic_size, "the shape is too large");
        array.shape.push_back(static_cast<std::int64_t>(extent));
    }
    const std::string_view data = bytes.substr(begin);
    if (data.size() != needed)
        fail(begin, std::to_string(data.size()) + " bytes of data, the shape needs " + std::to_string(needed));
    try {
        array.bytes.resize(data.size());
    } catch (const std::bad_alloc&) {
        throw ResourceError(name + ": there is no memory for its data");
    }
    if (!data.empty()) std::memcpy(array.bytes.data(), data.data(), data.size());
    if (size > 1) runtime::swap_bytes(array.bytes.data(), data.size() / size, size);
    return array;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

Array read_idx(const std::string& path, Where where) try {
    return parse_idx(read_unzipped(path), path, where);
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
